"""A drill's screens: the choice, the briefing, the mark and the clock, hints, the end, the debriefing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from loomtui.drill.debriefing import Debriefing
from loomtui.drill.scenarios import Scenario, scenario_named, scenarios
from loomtui.drill.scenarios.model import Hint
from loomtui.restore.choices import Objectives
from loomtui.restore.plan import Plan
from screens.app import LoomApp
from screens.drill.briefing_screen import BriefingScreen
from screens.drill.chooser_app import ChooserApp
from screens.drill.debriefing_screen import DebriefingScreen
from screens.health.health_screen import HealthScreen
from screens.modals.text import TextDialog
from screens.restore.run_view import RunView
from tests.drill import played
from tests.sampling import rest_slow
from tests.screens import records, scenes
from tests.screens.basics import NOW
from tests.screens.fake import FakeRun, WritableFakeEngine
from tests.screens.helping import (
    LARGE,
    SMALL,
    USUAL,
    footer_keys,
    make_app,
    press,
    running,
    screen_text,
    until,
    until_quiet,
    until_shown,
)

ALL_SIZES = {"80x24": SMALL, "120x40": USUAL, "200x60": LARGE}
DRILL_KEYS = {"drill.hint", "drill.end", "drill.briefing"}


@dataclass
class FakeDesk:
    """A drill of which is told what a test wants."""

    told: Debriefing = field(default_factory=played.well)
    scenario: Scenario = field(default_factory=lambda: scenario_named("clean-restore"))
    began: datetime = NOW - timedelta(minutes=12)
    objectives: Objectives = played.AGREED
    debriefing: Debriefing | None = None
    solved: bool = True
    gave_up: bool | None = None
    plans: list[Plan] = field(default_factory=list)
    told_hints: int = 0
    looked: int = 0

    @property
    def briefing(self) -> tuple[str, ...]:
        return (str(self.scenario.pager), "The disks [died].")

    @property
    def hints(self) -> tuple[Hint, ...]:
        return self.scenario.hints[: self.told_hints]

    @property
    def next_hint(self) -> Hint | None:
        return next(iter(self.scenario.hints[self.told_hints :]), None)

    def tell_hint(self) -> Hint | None:
        hint = self.next_hint
        self.told_hints += 1
        return hint

    def saw_plan(self, plan: Plan) -> None:
        self.plans.append(plan)

    def is_solved(self) -> bool:
        self.looked += 1
        return self.solved

    def debrief(self, *, gave_up: bool = False) -> Debriefing:
        self.gave_up = gave_up
        self.debriefing = self.told
        return self.told


def engine() -> WritableFakeEngine:
    return WritableFakeEngine(scenes.healthy(production=False))


async def test_the_briefing_comes_first_and_can_be_read_again() -> None:
    async with running(engine(), drill=FakeDesk()) as (app, pilot):
        assert isinstance(app.screen, BriefingScreen)
        await until_shown(pilot, "The disks [died].")
        assert "within 30m of the alarm" in screen_text(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, HealthScreen)
        await press(pilot, "o", "B")
        assert isinstance(app.screen, BriefingScreen)
        assert "Hint 1" not in screen_text(app)


async def test_every_screen_has_the_mark_and_the_clock_in_a_drill_and_only_there() -> None:
    async with running(engine(), drill=FakeDesk()) as (app, pilot):
        for place in ("enter", "b", "u", "question_mark"):
            await press(pilot, place)
            assert "PRACTICE" in screen_text(app)
            assert app.screen.has_class("-practice")
        await press(pilot, "escape")
        assert "drill 00:12:00 of 30m" in screen_text(app)
        assert set(footer_keys(app)) >= DRILL_KEYS
    async with running(engine()) as (app, pilot):
        await press(pilot, "H", "Q")
        assert isinstance(app.screen, HealthScreen)
        assert not DRILL_KEYS & set(footer_keys(app))
        assert "PRACTICE" not in screen_text(app)


async def test_the_clock_warns_in_words_when_the_objective_is_missed() -> None:
    desk = FakeDesk(began=NOW - timedelta(minutes=31))
    async with running(engine(), drill=desk) as (app, pilot):
        await press(pilot, "enter")
        assert "drill ▲ 00:31:00, over 30m" in screen_text(app)


async def test_a_hint_says_what_it_costs_and_asks() -> None:
    desk = FakeDesk()
    async with running(engine(), drill=desk) as (app, pilot):
        await press(pilot, "enter", "H")
        assert "It costs 5 of 100 points." in screen_text(app)
        await press(pilot, "enter")
        assert (desk.told_hints, isinstance(app.screen, HealthScreen)) == (0, True)
        await press(pilot, "H", "down", "enter")
        assert desk.told_hints == 1
        assert isinstance(app.screen, TextDialog)
        assert "Each node keeps its own keys" in screen_text(app)
        await press(pilot, "escape", "B")
        await until_shown(pilot, "Hint 1")
        desk.told_hints = len(desk.scenario.hints)
        await press(pilot, "H")
        assert "There is no further hint." in screen_text(app)


@pytest.mark.parametrize(("downs", "gave_up"), [(1, False), (2, True)])
async def test_a_drill_is_ended_or_given_up_after_a_question(downs: int, gave_up: bool) -> None:
    desk = FakeDesk()
    async with running(engine(), drill=desk) as (app, pilot):
        await press(pilot, "enter", "Q", "enter")
        assert (desk.gave_up, isinstance(app.screen, HealthScreen)) == (None, True)
        await press(pilot, "Q", *["down"] * downs, "enter")
        await until_shown(pilot, "95 of 100 points")
        assert desk.gave_up is gave_up
        await press(pilot, "escape", "Q")
        assert isinstance(app.screen, DebriefingScreen), "it is not asked again"
        assert "✓ solved: 95 of 100 points" in screen_text(app).splitlines()[0]


async def test_the_debriefing_comes_by_itself_when_the_chain_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.drill.referee.LOOK_SECONDS", 0.02)
    desk = FakeDesk(solved=False)
    async with running(engine(), drill=desk) as (app, pilot):
        await press(pilot, "enter", "r", "enter")
        await until(pilot, lambda: len(desk.plans) == 1, "the plan is noted")
        assert desk.looked == 0, "there is no run yet"
        run_ended_well(app)
        await until(pilot, lambda: desk.looked > 1, "it is looked at again until it is solved")
        assert not isinstance(app.screen, DebriefingScreen)
        desk.solved = True
        await until(pilot, lambda: isinstance(app.screen, DebriefingScreen))
        await until_shown(pilot, "Where the way was lost")
        assert desk.gave_up is False


def run_ended_well(app: LoomApp) -> None:
    """As if this app had carried the run out."""
    controller, chronicle = app.context.controller, records.whole_restore()
    assert controller is not None
    controller.handle = FakeRun(chronicle.plan, controller.operator, set())
    controller.view = RunView(chronicle.nodes)
    for event in chronicle.events:
        controller.view.take(event)


async def test_the_debriefing_can_be_saved_and_copied(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    copied: list[str] = []
    monkeypatch.setattr("screens.clipboard.copy", lambda _widget, text, *_: copied.append(text))
    async with running(engine(), drill=FakeDesk()) as (_, pilot):
        await press(pilot, "enter", "Q", "down", "enter")
        await until_shown(pilot, "95 of 100 points")
        await press(pilot, "c", "S")
    assert copied[0].startswith("**Drill `All databases lost, keys kept`: ✓ solved: 95 of 100 points**")
    (page,) = tmp_path.iterdir()
    assert "<h1>Drill: All databases lost, keys kept</h1>" in page.read_text()


async def test_a_drill_is_chosen_with_its_size() -> None:
    app = ChooserApp(scenarios(), [played.entry()], 1, now=lambda: NOW)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        assert "✓ 100" in screen_text(app)
        await press(pilot, "slash", *"living", "enter")
        assert "clean-restore" not in screen_text(app)
        assert "with 4 validators" in screen_text(app), "it needs so many"
        await press(pilot, "minus", "plus", "enter")
    path, validators = app.return_value or ("", 0)
    assert (path.rpartition("/")[2], validators) == ("one-validator-lost.yml", 5)


async def test_who_does_not_want_to_play_chooses_nothing() -> None:
    app = ChooserApp(scenarios(), ())
    async with app.run_test(size=SMALL) as pilot:
        await press(pilot, "slash", "z", "q", "enter", "enter")
        assert "No drill matches." in screen_text(app)
        await press(pilot, "escape")
    assert app.return_value is None


Compare = Callable[..., bool]


@pytest.mark.parametrize("cells", rest_slow(ALL_SIZES))
def test_chooser(snap_compare: Compare, cells: str) -> None:
    drills = [*played.well().earlier, played.entry(hints=(5,))]
    app = ChooserApp(scenarios(), drills, now=lambda: NOW)
    assert snap_compare(app, terminal_size=ALL_SIZES[cells], run_before=until_quiet)


def debriefed(desk: FakeDesk) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def before(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "The disks")
        await press(pilot, "enter", "Q", "down", "enter")
        await until_shown(pilot, desk.told.headline)
        await until_quiet(pilot)

    return before


async def briefed(pilot: Pilot[int]) -> None:
    await until_shown(pilot, "The disks")
    await until_quiet(pilot)


@pytest.mark.parametrize("cells", rest_slow(ALL_SIZES))
def test_briefing(snap_compare: Compare, cells: str) -> None:
    app = make_app(engine(), drill=FakeDesk(told_hints=1))
    assert snap_compare(app, terminal_size=ALL_SIZES[cells], run_before=briefed)


@pytest.mark.parametrize("cells", rest_slow(ALL_SIZES))
@pytest.mark.parametrize("told", [played.well, played.lost], ids=["solved", "lost"])
def test_debriefing(snap_compare: Compare, told: Callable[[], Debriefing], cells: str) -> None:
    desk = FakeDesk(told())
    app = make_app(engine(), drill=desk)
    assert snap_compare(app, terminal_size=ALL_SIZES[cells], run_before=debriefed(desk))
