"""Nodes that a restore left out: they are put back by themselves, and restored by themselves later."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from loomtui.errors import LoomtuiError, NodeUnreachable, Refused
from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.record.left_out import LeftOut, left_out_in
from loomtui.restore.record.marks import GIVEN_BACK, LEFT_OUT
from loomtui.restore.record.run_store import Run, summarize
from loomtui.restore.report import TodoKind, chronicle_of, still_to_do
from loomtui.restore.running.operator import OnFailure
from loomtui.restore.running.safe_now import NOT_PUT_BACK
from tests.restore.cluster import LocalCluster
from tests.restore.local import digests
from tests.restore.local_fleet import fail_always
from tests.restore.material import NOW
from tests.restore.scripted import Scripted
from tests.restore.stories import Story

Make = Callable[..., LocalCluster]


async def left_out(cluster: LocalCluster, script: str) -> Run:
    """A run that restored n1, and left n2 out where that script failed."""
    run, fleet = await cluster.run(), cluster.fleet()
    fail_always(fleet, script, "n2")
    operator = Scripted(on_failure=[(OnFailure.LEAVE_OUT, "n2")])
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    return run


def told(run: Run) -> list[tuple[str, str]]:
    todos = [todo for todo in still_to_do(chronicle_of(run)) if todo.kind is TodoKind.LEFT_OUT]
    return [(todo.sentence, todo.command) for todo in todos]


async def test_it_is_put_back_alone_stays_down_and_can_be_restored_then(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    restored, left = cluster.machines["n1"], cluster.machines["n2"]
    before = digests(left.workdir)
    run = await left_out(cluster, "replace")
    assert "restored" in (left.workdir / "app.db/LOG").read_text()
    assert told(run)[0][1] == f"loomtui rollback {run.id} --left-out"
    assert run.events()[-1].message == "the chain moves on every node but n2, which was left out"
    others, cost = digests(restored.root), chronicle_of(run).timings.downtime_seconds

    assert await cluster.runner(run).give_back() is Outcome.RESTORED
    assert before - digests(left.workdir) == set()
    assert (left.active, left.hold.exists(), left.lock.exists()) == ("inactive", True, False)
    assert {one for one in digests(restored.root) if ".loomtui/" not in str(one)} <= others
    assert summarize(run).outcome is Outcome.RESTORED
    assert chronicle_of(run).timings.downtime_seconds == cost
    [(sentence, command)] = told(run)
    assert "keep it stopped, and restore it before its next backup" in sentence
    assert command == "loomtui plan --nodes n2"
    with pytest.raises(Refused, match="holds no node that was left out"):
        await cluster.runner(run).give_back()
    assert await cluster.runner(run).clean() > 0

    again = await cluster.run(nodes=("n2",), reset_signing=False)
    assert again.plan.refusals == ()
    assert await cluster.runner(again).restore() is Outcome.RESTORED
    assert (left.active, left.hold.exists(), left.lock.exists()) == ("active", False, False)
    assert "restored" in (left.workdir / "app.db/LOG").read_text()


@pytest.mark.slow
async def test_where_it_fails_it_is_held_as_before_and_can_be_tried_again(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    run, fleet = await left_out(cluster, "replace"), cluster.fleet()
    fail_always(fleet, "unswap", "n2")
    with pytest.raises(LoomtuiError) as caught:
        await cluster.runner(run, fleet).give_back()
    assert f"Then: loomtui rollback {run.id} --left-out" in caught.value.advice
    assert caught.value.safe
    away = cluster.fleet()
    away.faults.unreachable.add("n2")
    with pytest.raises(NodeUnreachable) as unreachable:
        await cluster.runner(run, away).give_back()
    assert (unreachable.value.node, unreachable.value.safe) == ("n2", NOT_PUT_BACK)
    assert TodoKind.FREE_SPACE not in {todo.kind for todo in still_to_do(chronicle_of(run))}  # it is refused
    left = cluster.machines["n2"]
    assert (left.active, left.hold.exists(), left.lock.exists()) == ("inactive", True, True)
    assert left_out_in(run.events()) == {"n2": LeftOut.HELD}
    assert await cluster.runner(run).give_back() is Outcome.RESTORED
    assert not left.lock.exists()


@pytest.mark.slow
async def test_all_can_still_be_rolled_back_after_it(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    before = cluster.live()
    run = await left_out(cluster, "swap")
    await cluster.runner(run).give_back()
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.parametrize(
    ("outcome", "why", "advice"),
    [
        (None, "is not over", "loomtui resume"),
        (Outcome.STOPPED, "is not over", "loomtui resume"),
        (Outcome.ROLLED_BACK, "holds no node that was left out", "loomtui status"),
    ],
)
async def test_a_run_that_has_not_restored_the_others_gives_none_back(
    make_cluster: Make, outcome: Outcome | None, why: str, advice: str
) -> None:
    cluster = make_cluster(1)
    run = await cluster.run()
    with run.hold(), contextlib.closing(run.journal()) as journal:
        journal.write(EventKind.RUN_STARTED, "begun", data={"operator": "op"})
        journal.write(EventKind.DECISION, "", step=StepName.DATA, node="n1", data={LEFT_OUT: True})
        if outcome is not None:
            journal.write(EventKind.RUN_FINISHED, "", data={"outcome": outcome.value})
    with pytest.raises(Refused, match=why) as caught:
        await cluster.runner(run).give_back()
    assert advice in caught.value.advice


async def test_a_run_is_over_also_where_nobody_waits_for_the_count(
    make_cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = asyncio.Event()

    async def count(_context: object) -> dict[str, int]:
        counting.set()
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr("loomtui.restore.running.runner.kept_bytes", count)
    cluster = make_cluster(1)
    run = await cluster.run()
    restoring = asyncio.create_task(cluster.runner(run).restore())
    await asyncio.wait_for(counting.wait(), 60)
    restoring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restoring
    assert summarize(run).outcome is Outcome.RESTORED


def test_what_is_left_out_anew_after_it_was_given_back_is_held_again() -> None:
    story = Story(NOW)
    for node, mark in (
        ("n3", GIVEN_BACK),  # which was not left out
        ("n1", LEFT_OUT), ("n1", GIVEN_BACK),
        ("n2", LEFT_OUT), ("n2", GIVEN_BACK), ("n2", LEFT_OUT),
    ):  # fmt: skip
        story.tell_data(EventKind.NOTE, None, node, {mark: True})
    events = [
        Event(number, at, "run", kind, message, step, node, data)
        for number, (at, kind, step, node, message, data) in enumerate(story.events)
    ]
    assert left_out_in(events) == {"n1": LeftOut.GIVEN_BACK, "n2": LeftOut.HELD}
