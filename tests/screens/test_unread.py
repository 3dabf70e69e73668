"""A plan whose data nobody has read, on the screens: what it says, and the completed one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from loomtui.restore.events import Outcome, StepName
from screens.app import LoomApp
from screens.restore.choose_screen import ChooseScreen
from screens.restore.plan_screen import PlanScreen
from screens.restore.run_text import RunUiState, guidance_for, pane_page
from screens.restore.run_view import RunView
from screens.restore.screen_operator import PlanQuestion
from tests.sampling import rest_slow
from tests.screens import plans, scenes
from tests.screens.basics import NOW
from tests.screens.fake import WritableFakeEngine
from tests.screens.helping import (
    LARGE,
    SMALL,
    footer_keys,
    make_app,
    panel,
    press,
    running,
    screen_text,
    until,
    until_quiet,
    until_shown,
)
from tests.screens.walking import begin, carry_out, outcome_of, pending_question, until_asked


def engine() -> WritableFakeEngine:
    return WritableFakeEngine(replace(scenes.healthy(), plan=plans.unread_plan()))


async def until_completed(app: LoomApp, pilot: Pilot[int]) -> None:
    def is_shown() -> bool:
        return isinstance(pending_question(app), PlanQuestion) and "have unpacked the data" in panel(app)

    await until(pilot, is_shown, "the question about the completed plan")


async def test_the_plan_says_what_is_not_known_and_can_be_begun() -> None:
    async with running(engine()) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        text = screen_text(app)
        assert "NOT KNOWN YET" in text
        assert "STAND STILL" not in text
        assert "the nodes tell it before anything is stopped" in text
        assert "the data is not read yet" in panel(app)
        assert "plan.start" in footer_keys(app)


async def test_the_completed_plan_wants_the_consent_and_is_asked_about_again() -> None:
    async with running(engine()) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_completed(app, pilot)
        text = screen_text(app)
        assert "STAND STILL" in text
        assert "told" in text
        assert "run.go" not in footer_keys(app)
        await press(pilot, "z")
        await until(pilot, lambda: "Read the complete plan" in panel(app))
        assert "CAN MOVE" in screen_text(app)
        await press(pilot, "x")
        await until_asked(app, pilot, StepName.STOP)
        await press(pilot, "x")
        await until_shown(pilot, "The last signed height of", "what it is made with, where the name is typed")


async def test_it_can_be_stopped_there() -> None:
    async with running(engine()) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_completed(app, pilot)
        assert "no service was stopped" in panel(app)
        await press(pilot, "e")
        await until(pilot, lambda: outcome_of(app) is Outcome.STOPPED)


async def test_where_nobody_is_there_any_more_the_run_stops() -> None:
    async with running(engine()) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_completed(app, pilot)
        assert app.context.controller is not None
        app.context.controller.operator.leave()
        await until(pilot, lambda: outcome_of(app) is Outcome.STOPPED)


async def test_whether_all_is_read_here_can_be_chosen() -> None:
    chosen = engine()
    async with running(chosen) as (app, pilot):
        await press(pilot, "r")
        assert isinstance(app.screen, ChooseScreen)
        assert "only data up to 512 MB" in panel(app)
        await press(pilot, "l", "f", "enter")
        await until(pilot, lambda: len(chosen.choices) == 1)
        assert (chosen.choices[0].look, chosen.choices[0].stage_first) == (True, False)


@pytest.mark.parametrize("size", rest_slow([SMALL, LARGE]), ids=["80x24", "200x60"])
@pytest.mark.parametrize("is_completed", [False, True], ids=["plan", "completed"])
def test_how_it_looks(snap_compare: Callable[..., bool], size: tuple[int, int], is_completed: bool) -> None:
    async def before(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, LoomApp)
        if is_completed:
            await begin(app, pilot)
            await carry_out(app, pilot, StepName.PREFLIGHT)
            await until_completed(app, pilot)
        else:
            await press(pilot, "r", "enter")
            await until_shown(pilot, "NOT KNOWN YET")
        await until_quiet(pilot)

    assert snap_compare(make_app(engine()), terminal_size=size, run_before=before)


def test_a_completed_plan_that_is_refused_offers_to_stop_alone() -> None:
    refused = plans.plan(refusals=plans.plan(moves=False).refusals)
    question = PlanQuestion(plans.unread_plan(), refused)
    state = RunUiState(question, True, RunView(()), None, "run", NOW)
    guidance = guidance_for(state)
    assert guidance.actions == {"stop_here", "toggle_view"}
    assert "must not be run" in guidance.headline
    assert pane_page(state) is not None
