from __future__ import annotations

from collections.abc import Callable

from loomtui.restore.events import Outcome
from tests.restore.cluster import LocalCluster

Make = Callable[..., LocalCluster]


async def test_a_cluster_is_restored(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    run = await cluster.run()
    assert run.plan.refusals == ()
    assert await cluster.runner(run).restore() is Outcome.RESTORED
