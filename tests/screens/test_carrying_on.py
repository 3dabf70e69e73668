"""A run that carries on comes back to its operator for what is not as the plan shows it, and for no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from loomtui.errors import LoomtuiError, StepFailed
from loomtui.restore.deeds import DeedKind, deeds_of
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.plan import Plan, UnitChange
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.room import OldData
from loomtui.restore.running.operator import ONLY_LOOKS, FailureQuestion, OnFailure, Preview, is_to_decide
from screens.app import LoomApp
from screens.health.health_screen import HealthScreen
from screens.modals.ask import ChoiceDialog
from screens.modals.confirm import ConfirmDialog
from screens.restore.choose_screen import ChooseScreen
from screens.restore.plan_screen import PlanScreen
from screens.restore.run_text import RunUiState, guidance_for
from screens.restore.run_view import RunView
from screens.restore.screen_operator import Question, ScreenOperator, UnitQuestion
from tests.restore.cluster import RESTORED_HEIGHT, LocalCluster
from tests.restore.local import LocalNode, stubborn
from tests.restore.material import Key
from tests.restore.test_unit_approval import decisions, unit_of, wrong
from tests.sampling import rest_slow
from tests.screens import basics, plans, scenes
from tests.screens.basics import NOW
from tests.screens.fake import FakeRun, WritableFakeEngine
from tests.screens.helping import (
    LARGE,
    SMALL,
    USUAL,
    footer_keys,
    make_app,
    panel,
    press,
    running,
    type_text,
    until,
    until_quiet,
    until_shown,
)
from tests.screens.real_walk import LocalEngine, open_app
from tests.screens.test_settling import just_asked
from tests.screens.walking import begin, consent, outcome_of, pending_question, until_asked

Make = Callable[..., LocalCluster]


@pytest.fixture
def cluster(make_cluster: Make, home: Path) -> LocalCluster:
    return make_cluster(2)


class Desk(ScreenOperator):
    """An operator without a screen, who has consented to the plan of this run and waits to be asked."""

    def __init__(self, run: Run) -> None:
        super().__init__("op@desk", self._see)
        self.asked = asyncio.Event()
        self.take_up(run.id)
        self.consent(run.plan)
        self.carry_on()

    def _see(self) -> None:
        if self.pending is not None:
            self.asked.set()


async def asked(
    cluster: LocalCluster, run: Run, moment: str, happens: Callable[[LocalNode], object], time: int = 1
) -> Question:
    """What comes back to the operator if this happens on n1 just before that script; there the run ends.

    `time`: at which time that the script runs there.
    """
    desk, fleet, scripts = Desk(run), cluster.fleet(), Counter[str]()

    def before(node: str, script: str) -> None:
        scripts[f"{node} {script}"] += 1
        if (node, script, scripts[f"n1 {moment}"]) == ("n1", moment, time):
            happens(cluster.machines["n1"])

    fleet.faults.before = before
    run_ends = asyncio.ensure_future(cluster.runner(run, fleet, desk).restore())
    waiting = asyncio.ensure_future(desk.asked.wait())
    done, _ = await asyncio.wait((run_ends, waiting), timeout=60, return_when=asyncio.FIRST_COMPLETED)
    question = desk.pending
    assert waiting in done, "it came to its end, and nobody was asked"
    assert question is not None
    desk.leave()
    with pytest.raises(LoomtuiError):
        await run_ends
    return question


# ── what is as the plan shows it ────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_nothing_is_asked_where_all_is_as_the_plan_shows_it(cluster: LocalCluster) -> None:
    wrong(cluster)
    run = await cluster.run()
    assert [node.name for node in run.plan.nodes if node.unit_change is not None] == ["n1"]
    desk = Desk(run)
    assert await cluster.runner(run, operator=desk).restore() is Outcome.RESTORED
    assert not desk.asked.is_set()
    (yes,) = decisions(run)
    shown = run.plan.node("n1").unit_change
    assert shown is not None
    assert (yes["answer"], yes["by"], yes["digest"]) == ("yes", "op@desk", shown.after)
    answers = {
        event.step: event.data["answer"]
        for event in run.events()
        if event.kind is EventKind.DECISION and event.data["asked"] == "before step"
    }
    asked_of_nobody = {StepName.SERVICES, *ONLY_LOOKS}
    assert answers == {step: "continue" if step in asked_of_nobody else "carry on" for step in StepName}


def test_what_only_looks_or_is_done_or_approved_is_nobodys_decision() -> None:
    undone = {"n1": Preview("n1", ""), "n2": Preview("n2", "", already=True)}
    done = {"n1": Preview("n1", "", approved=True), "n2": Preview("n2", "", already=True)}
    assert {step for step in StepName if not is_to_decide(step, undone)} == ONLY_LOOKS
    assert not any(is_to_decide(step, done) for step in StepName)


# ── what is not ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Difference:
    moment: str  # the script before which it happens; empty: before the run begins
    happens: Callable[[LocalNode], object]
    step: StepName  # which is asked about
    told: str


def _lose_lock(node: LocalNode) -> None:
    node.lock.write_text('{"run": "20260101-000000-abcd", "who": "a", "from": "c", "since": "x"}')


def _append(node: LocalNode, path: str) -> None:
    with (node.workdir / path).open("a") as file:
        file.write("# somebody's\n")


def _move_folder(node: LocalNode) -> None:
    node.write_unit(
        node.unit.read_text().replace(f"WorkingDirectory={node.workdir}", "WorkingDirectory=/srv")
    )


def _fill_disk(node: LocalNode) -> None:
    node.write_tool("tar", "echo 'tar: no space left on device' >&2; exit 2")


DIFFERENCES = {
    "lock lost": Difference("hold", _lose_lock, StepName.STOP, "lock"),
    "hold gone": Difference("swap", lambda node: node.hold.unlink(), StepName.DATA, "hold"),
    "started by somebody": Difference(
        "swap", lambda node: node.set_active("active"), StepName.DATA, "loom.service is running"
    ),
    "config changed": Difference(
        "", lambda node: _append(node, "loom.yml"), StepName.STOP, "somebody has changed loom.yml since"
    ),
    "unit moved": Difference(
        "", _move_folder, StepName.PREFLIGHT, "its unit changed since the plan was made"
    ),
    "disk full": Difference("", _fill_disk, StepName.PREFLIGHT, "no space left on device"),
    "identity changed": Difference(
        "identity",
        lambda node: (node.config / "node_key.json").write_text(Key(66).node_key_json),
        StepName.CONFIG,
        "identity",
    ),
    "unit masked": Difference(
        "", lambda node: (node.state / "masked").touch(), StepName.PREFLIGHT, "is masked"
    ),
}


@pytest.mark.parametrize("kind", rest_slow(DIFFERENCES, 2))
async def test_each_kind_of_difference_comes_back_to_the_operator(cluster: LocalCluster, kind: str) -> None:
    difference = DIFFERENCES[kind]
    run = await cluster.run()
    if not difference.moment:
        difference.happens(cluster.machines["n1"])
    question = await asked(cluster, run, difference.moment, difference.happens)
    assert isinstance(question, FailureQuestion)
    assert question.step is difference.step
    assert difference.told in str(question.failures["n1"])
    begun = {event.step for event in run.events() if event.kind is EventKind.STEP_STARTED}
    later = list(StepName)[list(StepName).index(difference.step) + 1 :]
    assert not begun & set(later)


async def test_another_archive_comes_back_to_the_operator(cluster: LocalCluster) -> None:
    run = await cluster.run()
    data = run.plan.node("n1").data
    assert data is not None
    cluster.add_data_backup(RESTORED_HEIGHT + 1, key="another")
    cluster.catalogue.objects[data.key] = cluster.catalogue.objects["another"]
    question = await asked(cluster, run, "", lambda node: None)
    assert isinstance(question, FailureQuestion)
    assert question.step is StepName.PREFLIGHT
    assert "has changed" in str(next(iter(question.failures.values())))


async def test_another_process_comes_back_to_the_operator(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.restore.running.steps.stop._STOP_SECONDS", 0)
    run = await cluster.run()
    with ExitStack() as held:
        question = await asked(cluster, run, "stop", lambda node: held.enter_context(stubborn(node)))
    assert isinstance(question, FailureQuestion)
    assert (question.step, OnFailure.KILL in question.choices) == (StepName.STOP, True)


async def test_a_unit_that_somebody_changed_before_the_stop_is_asked_about(cluster: LocalCluster) -> None:
    run = await cluster.run()
    assert all(node.unit_change is None for node in run.plan.nodes)
    cluster.spoil_unit(1)
    question = await asked(cluster, run, "", lambda node: None)
    assert isinstance(question, UnitQuestion)
    assert question.node == "n1"
    assert "the plan does not show this change" in question.preview.text
    assert cluster.machines["n1"].active == "active"


async def test_a_unit_that_somebody_changed_after_the_stop_is_asked_about(cluster: LocalCluster) -> None:
    """The config is in place; the change that was approved is not of this text."""
    wrong(cluster)
    run = await cluster.run()

    def change(node: LocalNode) -> None:
        node.write_unit(unit_of(cluster) + "# somebody's\n")

    question = await asked(cluster, run, "identity", change, time=2)
    assert isinstance(question, UnitQuestion)
    assert "what op@desk approved before is not done" in question.preview.text
    assert cluster.machines["n1"].hold.exists()


async def test_where_nobody_is_there_such_a_unit_ends_the_run_before_the_stop(cluster: LocalCluster) -> None:
    run = await cluster.run()
    cluster.spoil_unit(1)
    before = cluster.live()
    with pytest.raises(StepFailed) as caught:
        await cluster.runner(run).restore()
    assert "nobody is there to approve this: change the peers in" in caught.value.what
    assert "make a new plan" in caught.value.advice
    assert cluster.live() == before
    assert decisions(run) == []


# ── what is consented to ────────────────────────────────────────────────────────────────────────────────────


async def test_all_that_is_done_is_listed(cluster: LocalCluster) -> None:
    wrong(cluster)
    plan = await cluster.plan()
    assert [deed.kind for deed in deeds_of(plan)] == [
        DeedKind.STOP,
        DeedKind.SWAP,
        DeedKind.CONFIG,
        DeedKind.SIGNING,
        DeedKind.UNITS,
        DeedKind.START,
    ]
    sentences = " ".join(deed.sentence for deed in deeds_of(plan))
    assert "The services of all 2 nodes are stopped and held." in sentences
    assert "The last signed height of all 2 nodes (130) is set to 0." in sentences
    assert "The peers in the units of n1 are corrected" in sentences
    giving_up = _giving_up(plan)
    assert DeedKind.GIVE_UP in [deed.kind for deed in deeds_of(giving_up)]
    desk = ScreenOperator("op", lambda: None)
    desk.consent(plan)
    assert desk.has_consented(plan)
    assert not desk.has_consented(giving_up), "a consent counts for what was listed"
    desk.take_up("another run")
    assert not desk.has_consented(plan)


def _giving_up(plan: Plan) -> Plan:
    first, *others = plan.nodes
    return replace(plan, nodes=(replace(first, gives_up=OldData(("app.db",), 10, 1)), *others))


# ── by keys ─────────────────────────────────────────────────────────────────────────────────────────────────

#: How many keys a whole restore wants at most, besides the choice of the data and the cluster's name.
MOST_KEYS = 8


class Keyboard:
    """Counts the keys that are pressed; what is typed as a name is not counted, the enter behind it is."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self._pilot = pilot
        self.pressed: list[str] = []

    async def press(self, *pressed: str) -> None:
        self.pressed += pressed
        await press(self._pilot, *pressed)


async def until_planned(app: LoomApp, pilot: Pilot[int]) -> None:
    def is_there() -> bool:
        return isinstance(app.screen, PlanScreen) and app.screen.plan is not None

    await until(pilot, is_there, "a plan")


async def test_a_whole_restore_wants_few_keys(cluster: LocalCluster) -> None:
    """At 80x24, with signing states to reset and a unit to correct: the name is typed once, before step 1."""
    wrong(cluster)
    async with open_app(LocalEngine(cluster)) as (app, pilot):
        keyboard = Keyboard(pilot)
        await keyboard.press("r")
        await press(pilot, "enter")  # the newest data is chosen by that
        await until_planned(app, pilot)
        await keyboard.press("z")
        await until(pilot, lambda: "plan.carry_on" in footer_keys(app), "a plan with the reset")
        await keyboard.press("X")
        assert isinstance(app.screen, ConfirmDialog)
        assert RunStore().list() == ()
        await type_text(pilot, app.context.cluster)
        await keyboard.press("enter")
        await until(pilot, lambda: outcome_of(app) is Outcome.RESTORED, "the end")
        assert keyboard.pressed == ["r", "z", "X", "enter"]
        assert len(keyboard.pressed) <= MOST_KEYS
    (summary,) = RunStore().list()
    run = RunStore().open(summary.id)
    assert [one["answer"] for one in decisions(run)] == ["yes"]
    assert all(node.active == "active" for node in cluster.machines.values())


async def test_restore_opens_where_a_restore_begins() -> None:
    async with running(WritableFakeEngine(scenes.healthy()), at_choice=True) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "the choice")
        await press(pilot, "escape")
        assert isinstance(app.screen, HealthScreen)


async def test_an_unfinished_restore_comes_before_the_choice() -> None:
    engine = WritableFakeEngine(replace(scenes.healthy(), runs=basics.runs(None)))
    async with running(engine, at_choice=True) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offer")


@pytest.mark.slow
async def test_between_two_steps_it_is_stopped_with_one_key() -> None:
    """Carrying on, it finishes its step and waits; then the name is not typed again."""
    engine = WritableFakeEngine(scenes.healthy(production=False), {(StepName.CONFIG, "db2")})
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await press(pilot, "X")
        await until_shown(pilot, "Carry out all of it")
        await type_text(pilot, basics.CLUSTER)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pending_question(app), FailureQuestion), "the failure")
        await until(pilot, lambda: "failed" in panel(app), "the panel")
        assert app.context.controller is not None
        app.context.controller.operator.go_step_by_step()
        await press(pilot, "y")
        await until_asked(app, pilot, StepName.SERVICES)
        assert "asks only about what the plan does not show" in panel(app)
        await press(pilot, "X")
        await until(pilot, lambda: isinstance(pending_question(app), UnitQuestion), "the unit")
        await press(pilot, "x", "x")
        await until(pilot, lambda: outcome_of(app) is Outcome.RESTORED, "the end")


@pytest.mark.slow
async def test_the_key_that_stops_makes_it_wait_before_the_next_step(cluster: LocalCluster) -> None:
    engine = LocalEngine(cluster)
    async with open_app(engine) as (app, pilot):
        await press(pilot, "r", "enter")
        await until_planned(app, pilot)
        await press(pilot, "z")
        await until(pilot, lambda: "plan.carry_on" in footer_keys(app), "a plan with the reset")

        def stop(node: str, script: str) -> None:
            if (node, script) == ("n1", "stop"):
                app.post_message(events.Key("e", "e"))

        engine.local.faults.before = stop
        await press(pilot, "X")
        await type_text(pilot, app.context.cluster)
        await press(pilot, "enter")
        await until_asked(app, pilot, StepName.DATA)
        assert not isinstance(app.screen, ConfirmDialog), "nothing more is asked for it"
        await press(pilot, "X")
        await until(pilot, lambda: outcome_of(app) is Outcome.RESTORED, "the end")


# ── how it looks ────────────────────────────────────────────────────────────────────────────────────────────


async def _stays_at_data(run: FakeRun, step: StepName) -> dict[str, LoomtuiError]:
    if step is StepName.DATA:
        run._emit(EventKind.TASK_STARTED, "unpacking", step, "db1")
        await asyncio.Event().wait()
    return {}


async def _begin_all(app: LoomApp, pilot: Pilot[int]) -> None:
    await press(pilot, "r", "enter")
    await until_planned(app, pilot)
    await press(pilot, "X")
    await until_shown(pilot, "Carry out all of it")


async def _at_work(app: LoomApp, pilot: Pilot[int]) -> None:
    await _begin_all(app, pilot)
    await consent(app, pilot)
    await until(pilot, lambda: "It carries on by itself" in panel(app), "the panel")


async def _too_quick(app: LoomApp, pilot: Pilot[int]) -> None:
    await begin(app, pilot)
    just_asked(app)
    await press(pilot, "x")
    await until_shown(pilot, "That was quick")


async def _step(app: LoomApp, pilot: Pilot[int]) -> None:
    await begin(app, pilot)


LOOKS = {"consent": _begin_all, "at work": _at_work, "too quick": _too_quick, "step": _step}


@pytest.mark.parametrize("size", rest_slow([SMALL, USUAL, LARGE]), ids=["80x24", "120x40", "200x60"])
@pytest.mark.parametrize("case", LOOKS)
def test_how_it_looks(
    snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch, case: str, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(FakeRun, "_attempt", _stays_at_data)
    change = UnitChange("/etc/systemd/system/loom.service", "0" * 64, "1" * 64, basics.DIFF)
    plan = plans.plan(reset=True)
    plan = replace(plan, nodes=tuple(replace(node, unit_change=change) for node in plan.nodes))

    async def before(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, LoomApp)
        await LOOKS[case](app, pilot)
        await until_quiet(pilot)

    app = make_app(WritableFakeEngine(replace(scenes.healthy(), plan=plan)))
    assert snap_compare(app, terminal_size=size, run_before=before)


def test_while_it_carries_on_the_panel_names_the_key_that_stops_it() -> None:
    state = RunUiState(None, True, RunView(("n1",)), None, "run", NOW, carries_on=True)
    said = guidance_for(state)
    assert "It carries on by itself." in said.headline
    assert [choice.key_id for choice in said.choices] == ["run.stop", "screen.back"]
    assert "stop_here" in said.actions
    by_step = guidance_for(replace(state, carries_on=False))
    assert "carry_on" in by_step.actions
