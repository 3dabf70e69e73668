"""Every path of the walk-through by keys, over the real engine: what is said and offered, what comes of it.

The failures are real ones, made on the backup node; each is there before the program starts.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.record.run_store import RunStore, summarize
from loomtui.restore.running.operator import ONLY_LOOKS, FailureQuestion, OnFailure
from screens.diff.diff_pane import DiffPane
from screens.modals.ask import ChoiceDialog
from screens.modals.confirm import ConfirmDialog
from screens.restore.plan_screen import PlanScreen
from screens.restore.run_view import STEPS
from screens.restore.screen_operator import StepQuestion, UnitQuestion
from tests.restore.cluster import LocalCluster
from tests.restore.local import LocalNode, stubborn
from tests.restore.material import Key
from tests.sampling import rest_slow
from tests.screens.helping import footer_keys, panel, press, screen_text, type_text, until
from tests.screens.real_walk import LocalEngine, Walk, open_app, resumed, run_stopped_before
from tests.screens.walking import carry_out, outcome_of, pending_question, until_asked

Make = Callable[..., LocalCluster]
FAILING = "n2"

#: The keys that answer a failure.
_KEYS = {
    OnFailure.RETRY: "run.retry",
    OnFailure.KILL: "run.kill",
    OnFailure.LEAVE_OUT: "run.leave_out",
    OnFailure.STOP: "run.stop",
    OnFailure.ROLL_BACK: "run.rollback",
}
_ALWAYS = frozenset({OnFailure.RETRY, OnFailure.STOP, OnFailure.ROLL_BACK})
#: Before these the operator is asked, where all units are right.
_ASKED = [step for step in STEPS if step not in {*ONLY_LOOKS, StepName.SERVICES}]
_RUNNING_AFTER = (StepName.PREFLIGHT, StepName.START, StepName.VERIFY)
_LEAVING = _ALWAYS | {OnFailure.LEAVE_OUT}


@dataclass(frozen=True)
class Fault:
    """What is wrong in a step, and how that is mended."""

    make: Callable[[LocalCluster], object]
    mend: Callable[[LocalCluster], object]
    message: str
    offered: frozenset[OnFailure]
    failed: tuple[str, ...] = (FAILING,)


def machine(cluster: LocalCluster) -> LocalNode:
    return cluster.machines[FAILING]


def _marked(name: str) -> tuple[Callable[[LocalCluster], object], Callable[[LocalCluster], object]]:
    """A file that the stand-in of systemctl goes by."""
    return (
        lambda cluster: (machine(cluster).state / name).touch(),
        lambda cluster: (machine(cluster).state / name).unlink(),
    )


def _missing(pattern: str) -> tuple[Callable[[LocalCluster], object], Callable[[LocalCluster], object]]:
    """A file of the node that is not where it was."""

    def away(cluster: LocalCluster) -> None:
        (path,) = machine(cluster).workdir.glob(pattern)
        path.rename(path.with_name("elsewhere"))

    def back(cluster: LocalCluster) -> None:
        (path,) = machine(cluster).workdir.glob(str(Path(pattern).with_name("elsewhere")))
        path.rename(path.with_name(Path(pattern).name))

    return away, back


def _break_tar(cluster: LocalCluster) -> None:
    machine(cluster).write_tool("tar", "echo 'tar: no space left on device' >&2; exit 2")


def _mend_tar(cluster: LocalCluster) -> None:
    (machine(cluster).bin / "tar").unlink()
    (machine(cluster).bin / "tar").symlink_to(Path("/usr/bin/tar"))


def wrong_unit(cluster: LocalCluster, remark: str) -> None:
    """Its peers are of another time; what else stands in it, systemd may dislike."""
    node, own = machine(cluster), cluster.peers(2)
    text = node.unit.read_text().replace(own, own.replace(own.split("@")[0][6:], Key(99).node_id))
    node.write_unit(f"{text}# {remark}\n")


def _mend_unit(cluster: LocalCluster) -> None:
    node = machine(cluster)
    node.write_unit(node.unit.read_text().replace("BROKEN", "fine"))


def _still(moves: bool) -> Callable[[LocalCluster], object]:
    return lambda cluster: setattr(cluster.chain, "moves", moves)


FAULTS = {
    StepName.PREFLIGHT: Fault(*_marked("masked"), "its unit loom.service is masked", _ALWAYS),
    StepName.STOP: Fault(*_marked("stuck"), "is not stopped", _ALWAYS),
    StepName.DATA: Fault(_break_tar, _mend_tar, "no space left on device", _LEAVING),
    StepName.CONFIG: Fault(*_missing(".loomtui/runs/*/stage/config/loom.yml"), "loom.yml", _LEAVING),
    StepName.NODE_KEYS: Fault(*_missing("chaindata/config/node_key.json"), "node_key.json", _LEAVING),
    StepName.SERVICES: Fault(
        lambda cluster: wrong_unit(cluster, "BROKEN"), _mend_unit, "systemd refuses the new unit", _LEAVING
    ),
    StepName.START: Fault(*_marked("flaps"), "does not stay up", _LEAVING),
    StepName.VERIFY: Fault(_still(False), _still(True), "whether the chain moves", _ALWAYS, ("n1", "n2")),
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loomtui.restore.running.steps.stop._STOP_SECONDS", 0)


@pytest.fixture
def cluster(make_cluster: Make, home: Path, monkeypatch: pytest.MonkeyPatch) -> LocalCluster:
    """A validator and a backup node. While its chain stands still, hours pass at each look."""
    local_cluster = make_cluster(1, backup_node=True)

    class Clock(datetime):
        passed = timedelta()

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            if not local_cluster.chain.moves:
                cls.passed += timedelta(hours=1)
            return datetime.now(UTC) + cls.passed

    monkeypatch.setattr("loomtui.restore.running.steps.verify.datetime", Clock)
    return local_cluster


async def approve(walk: Walk, key: str = "x") -> None:
    """Answers what is asked about the unit of the failing node."""
    await until(
        walk.pilot, lambda: isinstance(pending_question(walk.app), UnitQuestion), "the question about a unit"
    )
    await until(walk.pilot, lambda: f"the unit of {FAILING}" in panel(walk.app), "the panel")
    await press(walk.pilot, key)


async def to_the_step(walk: Walk, step: StepName) -> None:
    """A run that was stopped before any service was has given its nodes back: they are taken anew."""
    await until(walk.pilot, lambda: isinstance(pending_question(walk.app), StepQuestion), "a question")
    question = pending_question(walk.app)
    assert isinstance(question, StepQuestion)
    if question.step is StepName.PREFLIGHT and step is StepName.STOP:
        await carry_out(walk.app, walk.pilot, StepName.PREFLIGHT)
    await until_asked(walk.app, walk.pilot, step)


async def fail_at(walk: Walk, step: StepName) -> FailureQuestion:
    """Carries the step out by its keys. What is said has an answer, and only what makes sense is offered."""
    fault = FAULTS[step]
    if step not in ONLY_LOOKS:
        await to_the_step(walk, step)
    await carry_out(walk.app, walk.pilot, step)
    if step is StepName.SERVICES:
        await approve(walk)
    question = await walk.until_failure()
    assert tuple(question.failures) == fault.failed
    pane = walk.app.screen.query_one(DiffPane)
    await until(walk.pilot, lambda: "Safe now" in pane.text.plain, "what is safe")
    assert fault.message in pane.text.plain
    assert "Do next" in pane.text.plain
    offered = {choice for choice, key in _KEYS.items() if key in footer_keys(walk.app)}
    assert offered == fault.offered == set(question.choices)
    assert {event.node for event in walk.events(EventKind.TASK_FAILED)} == set(fault.failed)
    return question


async def goes_on(walk: Walk, step: StepName) -> None:
    """To the next question, or to the end: nothing is asked where a step only looks, or has nothing to do."""
    if step in (StepName.START, StepName.VERIFY):
        await until(walk.pilot, lambda: outcome_of(walk.app) is Outcome.RESTORED, "the end")
        await until(walk.pilot, lambda: "RESTORED" in panel(walk.app), "the panel")
    else:
        later = STEPS[STEPS.index(step) + 1 :]
        await until_asked(walk.app, walk.pilot, next(one for one in later if one in _ASKED))


def is_held(node: LocalNode) -> bool:
    return node.hold.exists() and node.lock.exists() and node.active == "inactive"


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
async def test_stop_here_resume_and_try_again(cluster: LocalCluster, step: StepName) -> None:
    fault, run = FAULTS[step], await run_stopped_before(cluster, step)
    fault.make(cluster)
    async with resumed(cluster, run) as walk:
        await fail_at(walk, step)
        await press(walk.pilot, "e")
        await until(walk.pilot, lambda: "STOPPED" in panel(walk.app), "the end")
        assert f"loomtui resume {run.id}" in " ".join(panel(walk.app).split())
        assert fault.message in walk.app.screen.query_one(DiffPane).text.plain
        assert walk.answers()[-1] == (step.value, "stop", None)
        assert summarize(run).outcome is Outcome.STOPPED
        assert walk.app.leaving.exit_status == 1
        assert f"loomtui resume {run.id}" in walk.app.leaving.farewell
        locked = [node.lock.exists() for node in cluster.machines.values()]
        assert locked == [step is not StepName.PREFLIGHT] * 2, "given back before the stop alone"
        await press(walk.pilot, "x")
        await fail_at(walk, step)
        fault.mend(cluster)
        await press(walk.pilot, "y")
        if step is StepName.SERVICES:
            await approve(walk)
        await goes_on(walk, step)
        assert (step.value, "retry", None) in walk.answers()
        done = {event.node for event in walk.events(EventKind.TASK_DONE) if event.step is step}
        assert done == set(cluster.machines)
    assert running_now(cluster) == dict.fromkeys(cluster.machines, step in _RUNNING_AFTER)


def running_now(cluster: LocalCluster) -> dict[str, bool]:
    return {name: node.active == "active" for name, node in cluster.machines.items()}


@pytest.mark.slow
@pytest.mark.parametrize("step", [step for step in STEPS if OnFailure.LEAVE_OUT in FAULTS[step].offered])
async def test_a_failed_node_that_is_left_out(cluster: LocalCluster, step: StepName) -> None:
    run = await run_stopped_before(cluster, step)
    FAULTS[step].make(cluster)
    async with resumed(cluster, run) as walk:
        await fail_at(walk, step)
        await press(walk.pilot, "m")
        assert isinstance(walk.app.screen, ChoiceDialog)
        assert "leave n2 out" in screen_text(walk.app)
        assert "leave n1 out" not in screen_text(walk.app)
        await press(walk.pilot, "enter")
        assert isinstance(pending_question(walk.app), FailureQuestion), "the first choice leaves nobody out"
        await press(walk.pilot, "m", "down", "enter")
        await goes_on(walk, step)
        assert (step.value, "leave out", FAILING) in walk.answers()
        question = pending_question(walk.app)
        assert isinstance(question, StepQuestion) == (step is not StepName.START)
        if isinstance(question, StepQuestion):
            assert set(question.previews) == {"n1"}
    assert is_held(cluster.machines[FAILING])
    assert is_held(cluster.machines["n1"]) == (step is not StepName.START)


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
async def test_a_failure_that_ends_in_the_way_back(cluster: LocalCluster, step: StepName) -> None:
    before, run = cluster.live(), await run_stopped_before(cluster, step)
    FAULTS[step].make(cluster)
    async with resumed(cluster, run) as walk:
        await fail_at(walk, step)
        await press(walk.pilot, "v")
        assert isinstance(walk.app.screen, ConfirmDialog)
        await press(walk.pilot, "enter")
        assert isinstance(pending_question(walk.app), FailureQuestion), "a blind enter cancels"
        await roll_back(walk)
        assert (step.value, "roll back", None) in walk.answers()
    moved_by_the_fault = {path for path in cluster.live() if path.endswith("/elsewhere")}
    assert {path: is_so for path, is_so in cluster.live().items() if path not in moved_by_the_fault} == before


async def roll_back(walk: Walk) -> None:
    await press(walk.pilot, "v")
    await type_text(walk.pilot, walk.app.context.cluster)
    await press(walk.pilot, "enter")
    await until(walk.pilot, lambda: outcome_of(walk.app) is Outcome.ROLLED_BACK, "the rollback")
    await until(walk.pilot, lambda: "ROLLED BACK" in panel(walk.app), "the panel")
    assert summarize(walk.run).outcome is Outcome.ROLLED_BACK
    assert walk.app.leaving.exit_status == 0


@pytest.mark.slow
async def test_what_does_not_stop_is_killed_when_that_is_confirmed(cluster: LocalCluster) -> None:
    run = await run_stopped_before(cluster, StepName.STOP)
    with stubborn(cluster.machines[FAILING]) as process:
        async with resumed(cluster, run, quick=False) as walk:
            await to_the_step(walk, StepName.STOP)
            await carry_out(walk.app, walk.pilot, StepName.STOP)
            question = await walk.until_failure()
            assert set(question.choices) == _ALWAYS | {OnFailure.KILL}
            named = f"process {process.pid} (sleep)"
            await until(walk.pilot, lambda: named in walk.app.screen.query_one(DiffPane).text.plain, named)
            await press(walk.pilot, "z", "escape")
            assert process.poll() is None
            await press(walk.pilot, "z")
            await type_text(walk.pilot, cluster.inventory.cluster)
            await press(walk.pilot, "enter")
            await until_asked(walk.app, walk.pilot, StepName.DATA)
            assert process.wait(20) == -signal.SIGKILL
            assert ("stop", "kill", None) in walk.answers()
    assert is_held(cluster.machines[FAILING])


# ── without a failure ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_the_only_validator_cannot_be_left_out(cluster: LocalCluster) -> None:
    """Without it the chain could not move: a run that went on would end at a closed gate."""
    run = await run_stopped_before(cluster, StepName.DATA)
    cluster.machines["n1"].write_tool("tar", "exit 2")
    async with resumed(cluster, run) as walk:
        await carry_out(walk.app, walk.pilot, StepName.DATA)
        question = await walk.until_failure()
        assert tuple(question.failures) == ("n1",)
        assert set(question.choices) == _ALWAYS
        assert "run.leave_out" not in footer_keys(walk.app)


@pytest.mark.parametrize("step", rest_slow(_ASKED))
async def test_stop_resume_and_roll_back_between_steps(cluster: LocalCluster, step: StepName) -> None:
    before, run = cluster.live(), await run_stopped_before(cluster, step)
    async with resumed(cluster, run) as walk:
        await to_the_step(walk, step)
        found = cluster.live()
        await press(walk.pilot, "e")
        await until(walk.pilot, lambda: "STOPPED" in panel(walk.app), "the end")
        assert walk.answers()[-1] == (step.value, "stop", None)
        assert walk.app.leaving.exit_status == 130
        assert cluster.live() == found
        locked = {node.lock.exists() for node in cluster.machines.values()}
        assert locked == {step in STEPS[2:]}, "given back before the stop alone"
        await press(walk.pilot, "x")
        await to_the_step(walk, step)
        assert ("run.rollback" in footer_keys(walk.app)) == (step in STEPS[2:]), "something was changed"
        if step in STEPS[2:]:
            await roll_back(walk)
            assert walk.answers()[-1] == (step.value, "roll back", None)
    assert cluster.live() == before


@pytest.mark.slow
async def test_a_unit_that_is_left_as_it_is_keeps_the_start_closed(cluster: LocalCluster) -> None:
    run = await run_stopped_before(cluster, StepName.SERVICES)
    wrong_unit(cluster, "as it was found")
    async with resumed(cluster, run) as walk:
        await carry_out(walk.app, walk.pilot, StepName.SERVICES)
        await approve(walk, "m")
        question = await walk.until_failure()
        assert set(question.choices) == _ALWAYS
        assert "the cluster as a whole" in panel(walk.app)
        text = walk.app.screen.query_one(DiffPane).text.plain
        assert "the next step may not begin" in text
        assert "Do next" in text
        decided = [event.message for event in walk.events(EventKind.DECISION)]
        assert "the change of the unit was declined; it stays as it is" in decided
        assert is_held(cluster.machines[FAILING])
        await press(walk.pilot, "y")
        await approve(walk)
        await until_asked(walk.app, walk.pilot, StepName.START)
    assert "# as it was found" in cluster.machines[FAILING].unit.read_text()


@pytest.mark.slow
async def test_a_wrong_name_stops_nothing(cluster: LocalCluster) -> None:
    before, run = cluster.live(), await run_stopped_before(cluster, StepName.STOP)
    async with resumed(cluster, run) as walk:
        await to_the_step(walk, StepName.STOP)
        await press(walk.pilot, "x")
        await type_text(walk.pilot, "labs")
        await press(walk.pilot, "enter")
        assert isinstance(walk.app.screen, ConfirmDialog)
        assert "That is not the cluster's name" in screen_text(walk.app)
        await press(walk.pilot, "escape", "x", "enter")
        await until_asked(walk.app, walk.pilot, StepName.STOP)
        assert ("stop", "continue", None) not in walk.answers()
    assert cluster.live() == before


async def test_the_whole_walk_from_the_choice_to_the_end(cluster: LocalCluster) -> None:
    async with open_app(LocalEngine(cluster)) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        assert "run.start" not in footer_keys(app), "the chain would stand still"
        await press(pilot, "n")
        assert "Nothing was changed" in panel(app)
        await press(pilot, "escape", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        await press(pilot, "z")
        await until(pilot, lambda: "plan.start" in footer_keys(app), "a plan with the reset")
        assert RunStore().list() == ()
        await press(pilot, "x")
        for step in _ASKED:
            await carry_out(app, pilot, step)
        await until(pilot, lambda: outcome_of(app) is Outcome.RESTORED, "the end")
    (summary,) = RunStore().list()
    assert summary.outcome is Outcome.RESTORED
    assert running_now(cluster) == {"n1": True, "n2": True}
    assert not any(node.hold.exists() or node.lock.exists() for node in cluster.machines.values())
    assert all("restored" in (node.workdir / "app.db/LOG").read_text() for node in cluster.machines.values())


@pytest.mark.slow
async def test_leaving_and_coming_back(cluster: LocalCluster) -> None:
    run = await run_stopped_before(cluster, StepName.DATA)
    async with resumed(cluster, run) as walk:
        app, pilot = walk.app, walk.pilot
        await until_asked(app, pilot, StepName.DATA)
        await press(pilot, "escape")
        assert "run waits for you" in screen_text(app)
        await press(pilot, "r", "q", "enter")
        await until_asked(app, pilot, StepName.DATA)
        await press(pilot, "q", "down", "enter")
        await until(pilot, lambda: app.return_value == 130, "the end")
    assert summarize(run).outcome is Outcome.STOPPED
    assert all(is_held(node) for node in cluster.machines.values())
    async with resumed(cluster, run) as walk:
        await carry_out(walk.app, walk.pilot, StepName.DATA)
        await until_asked(walk.app, walk.pilot, StepName.CONFIG)
