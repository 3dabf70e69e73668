"""The runner: gates, decisions, failures, and who may go on with what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from loomtui.errors import (
    GateNotMet,
    LockHeld,
    NodeUnreachable,
    ObjectChanged,
    Refused,
    ScriptFailed,
)
from loomtui.restore.events import EventKind, Json, Outcome, StepName
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.record.run_store import Run, summarize
from loomtui.restore.running.operator import (
    Approval,
    FailureQuestion,
    Go,
    Judged,
    OnFailure,
    Preview,
    Unattended,
    UnitDraft,
)
from tests.restore.cluster import LocalCluster
from tests.restore.local_fleet import fail_always, fail_once
from tests.restore.material import make_plan_of, node_plan
from tests.restore.scripted import Scripted
from tests.sampling import rest_slow

Make = Callable[..., LocalCluster]
RETRY, STOP, BACK = (OnFailure.RETRY, None), (OnFailure.STOP, None), (OnFailure.ROLL_BACK, None)


def kinds(run: Run) -> list[EventKind]:
    return [event.kind for event in run.events()]


# ── decisions after failures ────────────────────────────────────────────────────────────────────────────────


async def test_every_step_may_fail_once_and_is_tried_again(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()
    fail_once(fleet, "lock", "hold", "swap", "replace", "details", "unhold", "unlock")
    operator = Scripted(on_failure=[RETRY] * 9)
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    failed = [step for step, _, _ in operator.failures]
    assert fleet.asked_again == len(failed)  # a code that nobody gave may be what was missing
    assert failed == [
        StepName.PREFLIGHT,
        StepName.STOP,  # what is made ready before it
        StepName.STOP,
        StepName.DATA,
        StepName.CONFIG,
        StepName.START,
    ]
    assert all(
        choices == (OnFailure.RETRY, OnFailure.STOP, OnFailure.ROLL_BACK) for *_, choices in operator.failures
    )
    failures = [event for event in run.events() if event.kind is EventKind.TASK_FAILED]
    assert {event.data["advice"] for event in failures} == {"Look."}
    assert any("the lock stays" in event.message for event in run.events())  # unlock failed, and nothing else


@pytest.mark.parametrize("failing", rest_slow([1, 3, 4, 5]))
async def test_a_look_that_fails_can_be_tried_again(make_cluster: Make, failing: int) -> None:
    """In a task's check, in the preview before a step, in a check again, in a gate."""
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()
    looks: list[str] = []

    def before(node: str, script: str) -> None:
        looks.append(script)
        if script == "run_state" and looks.count("run_state") == failing:
            raise ScriptFailed("it could not be looked at", node=node)

    fleet.faults.before = before
    operator = Scripted({StepName.CONFIG: Go.STOP}, [RETRY])
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.STOPPED
    assert len(operator.failures) == 1
    assert cluster.machines["n1"].hold.exists()


async def test_a_gate_that_fails_to_look_can_be_tried_again(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()
    looks: list[str] = []

    def before(node: str, script: str) -> None:
        looks.append(script)
        if script == "nodekey" and looks.count("nodekey") == 3:  # two come before it
            raise ScriptFailed("it could not be looked at", node=node)

    fleet.faults.before = before
    operator = Scripted(on_failure=[RETRY])
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    assert operator.failures[0][0] is StepName.SERVICES


@pytest.mark.parametrize("script", rest_slow(["relay", "swap", "replace"]))
async def test_with_nobody_there_a_failure_stops_the_run_and_it_goes_on_later(
    make_cluster: Make, script: str
) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()
    fail_always(fleet, script)
    with pytest.raises(ScriptFailed) as caught:
        await cluster.runner(run, fleet).restore()
    assert f"loomtui resume {run.id}" in caught.value.advice
    assert caught.value.node == "n1"
    assert summarize(run).outcome is Outcome.STOPPED
    assert cluster.machines["n1"].lock.exists() == (script != "relay")  # nothing was stopped: given back
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    assert EventKind.RUN_RESUMED in kinds(run)


async def test_with_an_object_that_changed_the_way_on_is_back(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()

    def before(name: str, script: str) -> None:
        if script == "relay":
            raise ObjectChanged("the archive is another one.", node=name)

    fleet.faults.before = before
    with pytest.raises(ObjectChanged) as caught:
        await cluster.runner(run, fleet).restore()
    message = run.events()[-1].message
    for text in (caught.value.advice, message):
        assert (
            f"Roll back (loomtui rollback {run.id}), then make a new plan: "
            "loomtui plan --reset-signing-state lab" in text
        )
        assert "resume" not in text
    assert message.startswith("Preflight: the archive is another one. This plan")


async def test_a_failure_can_end_in_the_way_back(make_cluster: Make) -> None:
    cluster = make_cluster()
    before = cluster.live()
    run, fleet = await cluster.run(), cluster.fleet()
    fail_always(fleet, "signing")
    assert await cluster.runner(run, fleet, Scripted(on_failure=[BACK])).restore() is Outcome.ROLLED_BACK
    assert cluster.live() == before
    assert kinds(run).count(EventKind.ROLLBACK_STARTED) == 1
    undone = [event.step for event in run.events() if event.kind is EventKind.TASK_UNDONE]
    assert undone == [StepName.CONFIG, StepName.DATA, StepName.STOP, StepName.PREFLIGHT]


@pytest.mark.slow
async def test_a_node_can_be_left_out_and_stays_held(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    before = cluster.live()
    run, fleet = await cluster.run(), cluster.fleet()
    fail_always(fleet, "swap", "n2")
    operator = Scripted(on_failure=[(OnFailure.LEAVE_OUT, "n2")])
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    assert set(operator.failures[0][2]) == set(OnFailure) - {OnFailure.KILL}
    left = cluster.machines["n2"]
    assert left.hold.exists()
    assert left.lock.exists()
    assert left.active == "inactive"
    assert "live" in (left.workdir / "app.db/LOG").read_text()
    assert cluster.machines["n1"].active == "active"
    with pytest.raises(Refused, match="still holds n2"):
        await cluster.runner(run).clean()
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.slow
async def test_who_is_left_out_at_the_start_is_held_and_stopped_again(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    run, fleet = await cluster.run(), cluster.fleet()
    left = cluster.machines["n2"]
    (left.state / "flaps").touch()
    operator = Scripted(on_failure=[(OnFailure.LEAVE_OUT, "n2")])
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    step, failures, _ = operator.failures[0]
    assert step is StepName.START
    assert "does not stay up" in failures["n2"].what
    assert left.hold.exists()
    assert left.active == "inactive"


async def test_who_is_left_out_and_cannot_be_held_is_told(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    run, fleet = await cluster.run(), cluster.fleet()

    def before(node: str, script: str) -> None:
        if script == "swap" and node == "n2":
            fleet.faults.unreachable.add("n2")
            raise NodeUnreachable("the connection was lost", node="n2")

    fleet.faults.before = before
    operator = Scripted(on_failure=[(OnFailure.LEAVE_OUT, "n2")])
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    assert any("could not be held and stopped" in event.message for event in run.events())


@pytest.mark.slow
async def test_who_is_needed_for_the_chain_to_move_cannot_be_left_out(make_cluster: Make) -> None:
    cluster = make_cluster(2, backup_node=True)
    run, fleet = await cluster.run(), cluster.fleet()
    fail_once(fleet, "swap")
    operator = Scripted(on_failure=[(OnFailure.LEAVE_OUT, "n2")])
    with pytest.raises(ScriptFailed):
        await cluster.runner(run, fleet, operator).restore()
    _, failures, choices = operator.failures[0]
    assert (set(failures), operator.may_leave[0]) == ({"n1", "n2", "n3"}, ("n3",))
    assert OnFailure.LEAVE_OUT in choices
    assert await cluster.runner(run).restore() is Outcome.RESTORED, "nobody was left out"


async def test_a_chain_that_the_left_out_would_halt_is_not_started(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    run = await cluster.run()
    await cluster.runner(run, operator=Scripted({StepName.CONFIG: Go.STOP})).restore()
    journal = run.journal()
    answer: dict[str, Json] = {"answer": OnFailure.LEAVE_OUT.value}
    journal.write(EventKind.DECISION, "left out", step=StepName.DATA, node="n2", data=answer)
    journal.close()
    with pytest.raises(GateNotMet, match="stand still"):
        await cluster.runner(run).restore()
    assert all(machine.active == "inactive" for machine in cluster.machines.values())


async def test_leaving_out_a_node_that_did_not_fail_is_no_answer(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    run, fleet = await cluster.run(), cluster.fleet()
    fail_always(fleet, "swap", "n2")
    with pytest.raises(ScriptFailed):
        await cluster.runner(run, fleet, Scripted(on_failure=[(OnFailure.LEAVE_OUT, "n1")])).restore()


# ── decisions before steps ──────────────────────────────────────────────────────────────────────────────────


async def test_stopping_before_anything_was_stopped_gives_the_nodes_back(make_cluster: Make) -> None:
    cluster = make_cluster()
    before = cluster.live()
    run = await cluster.run()
    assert (
        await cluster.runner(run, operator=Scripted({StepName.PREFLIGHT: Go.STOP})).restore()
        is Outcome.STOPPED
    )
    assert not (cluster.machines["n1"].workdir / ".loomtui").exists()
    assert await cluster.runner(run, operator=Scripted({StepName.STOP: Go.STOP})).restore() is Outcome.STOPPED
    assert cluster.live() == before
    assert await cluster.runner(run, operator=Scripted({StepName.DATA: Go.STOP})).restore() is Outcome.STOPPED
    assert cluster.machines["n1"].hold.exists()
    assert await cluster.runner(run).restore() is Outcome.RESTORED


async def test_turning_back_before_a_step(make_cluster: Make) -> None:
    cluster = make_cluster()
    before = cluster.live()
    run = await cluster.run()
    operator = Scripted({StepName.START: Go.ROLL_BACK})
    assert await cluster.runner(run, operator=operator).restore() is Outcome.ROLLED_BACK
    assert cluster.live() == before


async def test_a_run_that_is_cancelled_says_so_and_goes_on_later(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()
    reached = asyncio.Event()
    fleet.faults.before = lambda node, script: reached.set() if script == "hold" else None
    task = asyncio.create_task(cluster.runner(run, fleet).restore())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert run.events()[-1].data["outcome"] == "stopped"
    assert "loomtui resume" in run.events()[-1].message
    await asyncio.sleep(0.3)  # the script on the node goes on
    assert await cluster.runner(run).restore() is Outcome.RESTORED


async def test_a_run_that_is_cancelled_while_it_watches_ends_at_once(make_cluster: Make) -> None:
    cluster = make_cluster()
    cluster.chain.moves = False
    run, watching = await cluster.run(), asyncio.Event()
    runner = cluster.runner(run)

    async def watch() -> None:
        async for event in runner.events():
            if event.step is StepName.VERIFY and event.data.get("live"):
                watching.set()

    watcher = asyncio.create_task(watch())
    task = asyncio.create_task(runner.restore())
    await asyncio.wait_for(watching.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(watcher, 5)
    await asyncio.sleep(0)
    assert not [other for other in asyncio.all_tasks() if other.get_name() == "verify"]


# ── what must not run ───────────────────────────────────────────────────────────────────────────────────────


STANDS = Finding(FindingCode.CHAIN_STANDS, None, "the chain would stand still")


def created(where: LocalCluster, **changes: Any) -> Run:
    plan = replace(make_plan_of(node_plan("n1")), **changes)
    return where.store.create(plan, where.inventory_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"refusals": (STANDS,)}, "would stand still"),
        ({"cluster": "production"}, "the plan is for production"),
        ({"nodes": (node_plan("n1"), node_plan("n9"))}, "nodes that the inventory does not have: n9"),
    ],
)
async def test_plans_that_must_not_run(make_cluster: Make, changes: dict[str, object], said: str) -> None:
    cluster = make_cluster()
    fleet = cluster.fleet()
    with pytest.raises(Refused, match=said):
        await cluster.runner(created(cluster, **changes), fleet).restore()
    assert not fleet.ran


@pytest.mark.slow
async def test_a_run_that_is_over_is_not_run_again(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run).restore()
    with pytest.raises(Refused, match="is restored"):
        await cluster.runner(run).restore()
    await cluster.runner(run).rollback()
    with pytest.raises(Refused, match="is rolled-back"):
        await cluster.runner(run).restore()
    with pytest.raises(Refused, match="rolled back already"):
        await cluster.runner(run).rollback()


async def test_a_node_that_another_run_holds_is_refused(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    first, second = await cluster.run(nodes=("n1",)), await cluster.run()
    assert (
        await cluster.runner(first, operator=Scripted({StepName.DATA: Go.STOP})).restore() is Outcome.STOPPED
    )
    with pytest.raises(LockHeld) as caught:
        await cluster.runner(second).restore()
    assert caught.value.exit_status == 3
    assert first.id in caught.value.what
    assert f"loomtui rollback {first.id}" in caught.value.advice
    assert first.id in cluster.machines["n1"].lock.read_text()
    assert not cluster.machines["n2"].lock.exists()


async def test_a_run_that_another_process_works_on_is_refused(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = created(cluster)
    with run.hold():
        for work in (cluster.runner(run).restore, cluster.runner(run).rollback, cluster.runner(run).clean):
            with pytest.raises(LockHeld):
                await work()


def test_an_unattended_run_goes_on_and_approves_but_stops_at_failures() -> None:
    async def answers() -> tuple[Go, Approval, tuple[OnFailure, str | None]]:
        nobody = Unattended("op@desk")
        preview = Scripted().previews
        return (
            await nobody.before_step(StepName.STOP, preview.get(StepName.STOP, {})),
            await nobody.approve_unit(
                "n1", Preview("n1", ""), UnitDraft("", "", lambda text: Judged(), planned=True)
            ),
            await nobody.on_failure(FailureQuestion(StepName.STOP, {}, ())),
        )

    assert asyncio.run(answers()) == (Go.CONTINUE, Approval(True), STOP)
