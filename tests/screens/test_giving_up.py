"""Nodes without room for old and new databases, on the screens: their plan, and a run that gives up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from loomtui.restore.events import Outcome, StepName
from loomtui.restore.plan import Plan, RemedyKind
from screens.app import LoomApp
from screens.modals.confirm import ConfirmDialog
from screens.restore.choose_screen import ChooseScreen
from screens.restore.consent import GIVE_UP_WORD
from screens.restore.plan_screen import PlanScreen
from screens.restore.plan_text import offer_of
from screens.widgets.pane import Pane
from tests.sampling import rest_slow
from tests.screens import plans, scenes
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
    type_text,
    until,
    until_quiet,
    until_shown,
)
from tests.screens.walking import begin, carry_out, consent, outcome_of, until_asked


def engine_of(plan: Plan, *, production: bool = True) -> WritableFakeEngine:
    return WritableFakeEngine(replace(scenes.healthy(production=production), plan=plan))


async def until_planned(app: LoomApp, pilot: Pilot[int]) -> None:
    await press(pilot, "r", "enter")
    await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)


async def typed(pilot: Pilot[int], *words: str) -> None:
    for word in words:
        await type_text(pilot, word)
        await press(pilot, "enter")


async def test_the_plan_says_what_is_missing_and_what_can_be_done() -> None:
    engine = engine_of(plans.full_plan())
    async with running(engine) as (app, pilot):
        await until_planned(app, pilot)
        page = app.screen.query_one(Pane).text.plain
        assert "db2: not enough room in /home/ubuntu/.loomtui" in page
        assert "loomtui clean 20261101-020000-beef" in page
        assert "do not fit together on db2 and db3" in panel(app)
        assert {"plan.give_up", "plan.decline"} <= set(footer_keys(app))
        assert not {"plan.start", "plan.reset", "plan.delta"} & set(footer_keys(app))
        await press(pilot, "w")
        await until(pilot, lambda: len(engine.choices) == 2)
        assert engine.begun == [], "only the plan is made anew"
        assert engine.choices[1].give_up_old_data
        assert not engine.choices[1].reset_signing
        await until(pilot, lambda: "Read the plan" in panel(app))
        page = app.screen.query_one(Pane).text.plain
        assert "given up after the stop, no way back" in page
        assert "19.0 GiB" in page


async def test_what_the_nodes_have_can_be_taken_over_instead() -> None:
    engine = engine_of(plans.full_plan(may_take_delta=True))
    async with running(engine) as (app, pilot):
        await until_planned(app, pilot)
        assert "take over what the nodes have already" in panel(app)
        await press(pilot, "D")
        await until(pilot, lambda: len(engine.choices) == 2)
        assert (engine.choices[1].delta, engine.choices[1].give_up_old_data) == (True, False)


async def test_declined_nothing_is_done() -> None:
    engine = engine_of(plans.full_plan())
    async with running(engine) as (app, pilot):
        await until_planned(app, pilot)
        await press(pilot, "n")
        assert "You declined" in panel(app)
        await press(pilot, "w", "D")
        assert isinstance(app.screen, PlanScreen)
        assert len(engine.choices) == 1


def test_the_offer_names_only_the_nodes_that_are_short() -> None:
    offer = offer_of(plans.full_plan())
    assert offer is not None
    assert (offer.remedy, offer.nodes) == (RemedyKind.GIVE_UP, ("db2", "db3"))


async def test_delta_is_chosen_with_the_data() -> None:
    engine = engine_of(plans.plan())
    async with running(engine) as (app, pilot):
        await press(pilot, "r")
        assert isinstance(app.screen, ChooseScreen)
        assert "all of it is fetched" in panel(app)
        await press(pilot, "D")
        assert "where there is a twin" in panel(app)
        await press(pilot, "enter")
        await until(pilot, lambda: len(engine.choices) == 1)
        assert engine.choices[0].delta


@pytest.mark.slow
async def test_the_stop_wants_a_word_of_its_own_and_the_run_says_what_is_gone() -> None:
    engine = engine_of(plans.giving_up_plan(), production=False)
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)
        await press(pilot, "x")
        dialog = app.screen
        assert isinstance(dialog, ConfirmDialog)
        await until_shown(pilot, "The old databases of db2 and db3 (38.0 GiB) are deleted")
        await typed(pilot, app.context.cluster)
        assert "Nothing takes it back. Type give up as well" in screen_text(app)
        await typed(pilot, "production")
        assert app.screen is dialog, "that is another word"
        assert not any(done.startswith("stop") for done in engine.begun[0].done)
        dialog.query_one("#name", Input).value = ""
        await typed(pilot, GIVE_UP_WORD)
        await until_asked(app, pilot, StepName.DATA)
        assert "On db2, the old databases are given up" in panel(app)
        await press(pilot, "x")
        await until_asked(app, pilot, StepName.CONFIG)
        assert "but not the old data of db2 and db3" in panel(app)
        await press(pilot, "v")
        assert isinstance(app.screen, ConfirmDialog)
        assert "The old data of db2 and db3 was given up and does not come back" in app.screen.act.effect
        await consent(app, pilot)
        await until(pilot, lambda: outcome_of(app) is Outcome.ROLLED_BACK)
        await until(pilot, lambda: "but not the old data of db2 and db3" in panel(app))


@pytest.mark.parametrize("size", rest_slow([SMALL, LARGE]), ids=["80x24", "200x60"])
def test_how_it_looks(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, LoomApp)
        await until_planned(app, pilot)
        await until_quiet(pilot)

    app = make_app(engine_of(plans.full_plan(may_take_delta=True)))
    assert snap_compare(app, terminal_size=size, run_before=before)
