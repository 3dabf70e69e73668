"""Plans that are made by looking at local nodes, over the real scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loomtui.errors import CallError, NodeUnreachable
from loomtui.loom.databases import LOOM_CONFIG, TENDERMINT_CONFIG, VALIDATOR
from loomtui.restore.choices import Choices
from loomtui.restore.findings import texts_of
from loomtui.restore.plan import Scope
from loomtui.restore.planning.planfile import dump_plan, load_plan
from loomtui.restore.planning.planner import make_plan
from tests.restore.cluster import LIVE_HEIGHT, RESTORED_HEIGHT, LocalCluster
from tests.restore.local import tree
from tests.restore.material import node_key_of

Make = Callable[..., LocalCluster]


async def test_a_plan_is_made_without_changing_anything(make_cluster: Make) -> None:
    cluster = make_cluster(2, backup_node=True)
    before = tree(*(machine.root for machine in cluster.machines.values()))
    progress: list[str] = []
    fleet = cluster.fleet(quick=False)
    plan = await make_plan(
        cluster.inventory, fleet, cluster.catalogue, Choices(reset_signing=True), progress.append
    )
    assert plan.refusals == ()
    assert plan.scope is Scope.CLUSTER
    assert plan.prediction.height == RESTORED_HEIGHT
    first = plan.node("n1")
    assert first.signing.found_height == LIVE_HEIGHT
    assert first.node_id == node_key_of(1).node_id
    assert {file.target for file in first.files if file.changes} == {
        LOOM_CONFIG,
        TENDERMINT_CONFIG,
        VALIDATOR,
    }
    assert progress[0] == "looking at every node"
    assert {ran.kind for ran in fleet.ran} == {"inspect"}
    assert tree(*(machine.root for machine in cluster.machines.values())) == before


async def test_a_plan_of_some_nodes_is_read_again_as_it_was(make_cluster: Make, tmp_path: Any) -> None:
    cluster = make_cluster(2)
    plan = await cluster.plan(nodes=("n1",))
    assert (plan.scope, plan.left_out) == (Scope.NODES, ("n2",))
    path = tmp_path / "plan.yml"
    path.write_text(dump_plan(plan))
    assert load_plan(path) == plan


@pytest.mark.parametrize("nodes", [("n9",), (), ("n1", "n\x1b[2J")])
async def test_a_node_that_is_not_there_is_a_wrong_call(make_cluster: Make, nodes: tuple[str, ...]) -> None:
    with pytest.raises(CallError, match="no such node") as caught:
        await make_cluster().plan(nodes=nodes)
    assert "\x1b" not in caught.value.what
    assert "n1" in caught.value.advice


async def test_a_node_that_is_not_reached_stops_the_plan(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    fleet = cluster.fleet()
    fleet.faults.unreachable = {"n1", "n2"}
    with pytest.raises(NodeUnreachable) as caught:
        await cluster.plan(fleet)
    assert caught.value.node == "n1"
    assert "(and 1 more)" in caught.value.what
    assert "--nodes" in caught.value.advice


async def test_the_loom_yml_that_will_be_there_decides_about_evm(make_cluster: Make) -> None:
    cluster = make_cluster()
    newer = "AppStore:\n  Version: 3\n"
    at = max(found.taken_at for found in cluster.catalogue.backups.values())
    cluster.catalogue.backups.clear()
    cluster.add_config_backup(1, at, {"loom.yml": newer})
    cluster.add_data_backup()
    with pytest.raises(CallError, match="no data backup that can be used"):
        await cluster.plan()
    named = await cluster.plan(data_key=cluster.add_data_backup().key)
    assert any("no evm.db" in text for text in texts_of(named.refusals))
    cluster.add_data_backup(RESTORED_HEIGHT, at, "evm.db", key="with-evm.tar.gz")
    assert (await cluster.plan()).refusals == ()
