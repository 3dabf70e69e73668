"""Rolling back, and cleaning away: what comes back, what is kept, who may be called again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loomtui.errors import (
    NodeUnreachable,
    Refused,
    ScriptFailed,
)
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.record.run_store import summarize
from loomtui.restore.running.operator import Go
from tests.restore.cluster import LocalCluster
from tests.restore.local_fleet import fail_always
from tests.restore.scripted import Scripted

Make = Callable[..., LocalCluster]


@pytest.mark.slow
async def test_a_rollback_that_does_not_reach_a_node_can_be_called_again(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    before = cluster.live()
    run = await cluster.run()
    await cluster.runner(run, operator=Scripted({StepName.NODE_KEYS: Go.STOP})).restore()
    fleet = cluster.fleet()
    fleet.faults.unreachable.add("n2")
    with pytest.raises(NodeUnreachable) as caught:
        await cluster.runner(run, fleet).rollback()
    assert f"loomtui rollback {run.id}" in caught.value.advice
    assert summarize(run).outcome is Outcome.STOPPED
    assert "live" in (cluster.machines["n1"].workdir / "app.db/LOG").read_text()
    with pytest.raises(Refused, match="is being rolled back"):
        await cluster.runner(run).restore()
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.slow
async def test_an_undo_that_fails_keeps_the_earlier_ones_from_that_node(make_cluster: Make) -> None:
    """A node that cannot be stopped gets none of its old files back under its feet."""
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run).restore()
    fleet = cluster.fleet()
    fail_always(fleet, "unswap")
    with pytest.raises(ScriptFailed):
        await cluster.runner(run, fleet).rollback()
    assert cluster.machines["n1"].hold.exists()
    assert any(event.message == "undo: unswap went wrong" for event in run.events())
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK


async def test_rolling_back_what_never_began_touches_no_node(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    fleet = cluster.fleet()
    assert await cluster.runner(run, fleet).rollback() is Outcome.ROLLED_BACK
    assert {ran.kind for ran in fleet.ran} == {"inspect"}


@pytest.mark.slow
async def test_a_node_that_signed_since_keeps_its_state_and_that_is_said(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run).restore()
    validator = cluster.machines["n1"].config / "priv_validator.json"
    validator.write_text(validator.read_text().replace('"101"', '"500"'))
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert '"500"' in validator.read_text()
    (warning,) = [event for event in run.events() if event.data.get("severity") == "warning"]
    assert "keeps its present signing state (500)" in warning.message


async def test_what_may_still_be_needed_is_not_cleaned_away(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run, operator=Scripted({StepName.CONFIG: Go.STOP})).restore()
    with pytest.raises(Refused, match="is not finished"):
        await cluster.runner(run).clean()
    assert list(cluster.machines["n1"].run_folder(run.id).rglob("app.db"))


async def test_what_an_ended_preflight_fetched_can_be_cleaned_away(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run, operator=Scripted({StepName.STOP: Go.STOP})).restore()
    assert await cluster.runner(run).clean() > 0


@pytest.mark.slow
async def test_what_was_cleaned_away_cannot_be_rolled_back(make_cluster: Make) -> None:
    """Some nodes would be as before and others not."""
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run).restore()
    ended = summarize(run).ended_at
    await cluster.runner(run).clean()
    restored = cluster.live()
    with pytest.raises(Refused, match="nothing to put back"):
        await cluster.runner(run).rollback()
    assert cluster.live() == restored
    assert summarize(run).outcome is Outcome.RESTORED
    assert summarize(run).ended_at == ended


@pytest.mark.slow
async def test_cleaning_is_done_on_all_nodes_or_on_none(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    run, fleet = await cluster.run(), cluster.fleet()
    await cluster.runner(run).restore()
    fleet.faults.unreachable.add("n2")
    with pytest.raises(NodeUnreachable):
        await cluster.runner(run, fleet).clean()
    assert list(cluster.machines["n1"].run_folder(run.id).rglob("app.db"))
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK


async def test_a_node_that_cannot_be_cleaned_is_named(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()
    fleet.faults.unreachable.add("n1")
    with pytest.raises(NodeUnreachable) as caught:
        await cluster.runner(run, fleet).clean()
    assert f"loomtui clean {run.id}" in caught.value.advice
