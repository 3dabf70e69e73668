"""Units on the screens: their differences in two forms, and edited before they are approved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from loomtui.restore.events import StepName
from loomtui.restore.running.operator import UnitDraft
from screens.app import LoomApp
from screens.diff.diff_pane import DiffPane
from screens.modals.edit import EditDialog
from screens.modals.text import TextDialog
from screens.restore.restore_screen import RestoreScreen
from screens.restore.screen_operator import UnitQuestion
from tests.screens import basics, scenes
from tests.screens.fake import FakeEngine, FakeRun, WritableFakeEngine, judge
from tests.screens.helping import LARGE, SMALL, footer_keys, panel, press, running, screen_text, until
from tests.screens.walking import begin, carry_out, edit, pending_question, until_asked

OLD, NEW = basics.node_id("backup1"), basics.node_id("db3")


def beside(app: LoomApp) -> bool:
    """The old ID and the new one stand on one line."""
    return any(OLD in line and NEW in line for line in screen_text(app).split("\n"))


async def unit_shown(app: LoomApp, pilot: Pilot[int]) -> None:
    await until(pilot, lambda: OLD in screen_text(app), "the difference")


@pytest.mark.parametrize(("size", "columns"), [(SMALL, False), (LARGE, True)])
async def test_the_form_follows_the_room_and_can_be_chosen(size: tuple[int, int], columns: bool) -> None:
    async with running(FakeEngine(scenes.degraded()), size) as (app, pilot):
        await press(pilot, "d")
        await unit_shown(app, pilot)
        assert beside(app) is columns
        await press(pilot, "W")
        pane = app.screen.query_one(DiffPane)
        assert pane.side_by_side is not columns
        if size == LARGE:
            assert not beside(app)
            assert OLD in screen_text(app)


@pytest.mark.slow
async def test_the_chosen_form_is_kept_on_the_other_screens() -> None:
    async with running(WritableFakeEngine(scenes.degraded()), LARGE) as (app, pilot):
        await press(pilot, "d")
        await unit_shown(app, pilot)
        await press(pilot, "W", "escape", "r", "enter")
        await until(pilot, lambda: bool(app.screen.query(DiffPane)), "the plan")
        assert app.screen.query_one(DiffPane).side_by_side is False


async def test_the_key_is_there_where_there_is_a_difference() -> None:
    async with running(FakeEngine(scenes.degraded())) as (app, pilot):
        await press(pilot, "d")
        await unit_shown(app, pilot)
        assert "diff.columns" in footer_keys(app)
        assert "W Columns" in screen_text(app)
        await press(pilot, "down")
        await until(pilot, lambda: OLD not in screen_text(app), "a unit that is right")
        assert "diff.columns" not in footer_keys(app)


async def test_what_is_copied_is_whole_and_in_unified_form() -> None:
    async with running(FakeEngine(scenes.degraded()), LARGE) as (app, pilot):
        await press(pilot, "d")
        await unit_shown(app, pilot)
        await press(pilot, "c")
        assert basics.DIFF in app.clipboard


# ── edited before it is approved ────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def at_unit(
    locked: str = "", size: tuple[int, int] = SMALL
) -> AsyncIterator[tuple[LoomApp, Pilot[int], FakeRun]]:
    """The restore, at the question about the first unit."""
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine, size) as (app, pilot):
        await begin(app, pilot)
        run = engine.begun[0]
        if locked:
            run.draft = UnitDraft("", locked, judge)
        for step in list(StepName)[:6]:
            await carry_out(app, pilot, step)
        await until(
            pilot, lambda: isinstance(pending_question(app), UnitQuestion) and "db1" in panel(app), "db1"
        )
        yield app, pilot, run


@pytest.mark.slow
async def test_an_edited_unit_is_shown_and_approved_as_it_is() -> None:
    async with at_unit() as (app, pilot, run):
        await edit(app, pilot, "Restart=always", "Restart=always\nNice=5")
        assert isinstance(app.screen, RestoreScreen)
        await until(pilot, lambda: "as you edited it" in panel(app), "the question about the edit")
        assert run.edited == {}, "it is asked about, not approved"
        question = pending_question(app)
        assert isinstance(question, UnitQuestion)
        assert "+Nice=5" in question.preview.diff
        await press(pilot, "x")
        await until(pilot, lambda: "db2" in panel(app), "the second unit")
        assert "as you edited it" not in panel(app)
        await press(pilot, "x")
        await until_asked(app, pilot, StepName.START)
        assert run.edited == {"db1": basics.UNIT_AFTER.replace("always", "always\nNice=5")}
        assert run.declined == []


@pytest.mark.slow
async def test_the_first_letters_typed_go_into_the_text() -> None:
    async with at_unit() as (app, pilot, _run):
        await press(pilot, "E", "q", "x", "question_mark")
        assert isinstance(app.screen, EditDialog)
        assert app.screen.query_one(TextArea).text == f"qx?{basics.UNIT_AFTER}"


@pytest.mark.slow
async def test_what_cannot_be_taken_is_told_and_the_text_stays() -> None:
    async with at_unit() as (app, pilot, run):
        await edit(app, pilot, "ExecStart=", "")
        assert isinstance(app.screen, EditDialog)
        assert "There is no ExecStart=" in screen_text(app)
        assert "ExecStart=" not in app.screen.query_one(TextArea).text
        await press(pilot, "escape")
        assert isinstance(app.screen, RestoreScreen)
        assert "as you edited it" not in panel(app)
        await press(pilot, "E")
        assert isinstance(app.screen, EditDialog)
        assert "ExecStart=" not in app.screen.query_one(TextArea).text
        assert run.edited == {}


async def test_warnings_stand_above_the_difference() -> None:
    async with at_unit(size=LARGE) as (app, pilot, run):
        await edit(app, pilot, "/usr/bin/loom", "/opt/loom")
        await until(pilot, lambda: "▲ It starts another program." in screen_text(app), "the warning")
        await press(pilot, "m")
        await until(pilot, lambda: "db2" in panel(app), "the second unit")
        assert run.declined == ["db1"]
        assert run.edited == {}


@pytest.mark.slow
async def test_the_others_are_approved_as_previewed_beside_an_edited_one() -> None:
    async with at_unit() as (app, pilot, run):
        await edit(app, pilot, "Restart=always", "Restart=no")
        await until(pilot, lambda: "as you edited it" in panel(app))
        await press(pilot, "a")
        await until_asked(app, pilot, StepName.START)
        assert list(run.edited) == ["db1"]
        assert run.declined == []


@pytest.mark.slow
async def test_an_edit_that_changes_nothing_is_the_proposal() -> None:
    async with at_unit() as (app, pilot, run):
        await edit(app, pilot, "Restart=always", "Restart=no")
        await until(pilot, lambda: "as you edited it" in panel(app))
        await edit(app, pilot, "Restart=no", "Restart=always")
        await until(pilot, lambda: "as you edited it" not in panel(app))
        await press(pilot, "x")
        await until(pilot, lambda: "db2" in panel(app))
        assert run.edited == {}


@pytest.mark.slow
async def test_a_unit_with_a_hidden_value_is_not_edited_and_it_is_said_why() -> None:
    async with at_unit("Line 7 holds a password [/x].") as (app, pilot, _run):
        await press(pilot, "E")
        assert isinstance(app.screen, TextDialog)
        assert "Line 7 holds a password [/x]." in screen_text(app)
        await press(pilot, "escape", "x")
        await until(pilot, lambda: "db2" in panel(app))


async def test_an_edit_of_a_question_that_is_over_changes_nothing() -> None:
    async with at_unit() as (app, pilot, run):
        question = pending_question(app)
        assert isinstance(question, UnitQuestion)
        assert app.context.controller is not None
        operator = app.context.controller.operator
        assert not operator.revise(replace(question), "ExecStart=/x")
        assert not operator.revise(question, "nothing to start")
        assert pending_question(app) is question
        operator.answer(question, question.yes)
        assert not operator.revise(question, "ExecStart=/x")
        await until(pilot, lambda: "db2" in panel(app))
        assert run.edited == {}


async def test_where_it_is_only_looked_there_is_no_edit() -> None:
    async with running(FakeEngine(scenes.degraded())) as (app, pilot):
        await press(pilot, "d")
        await unit_shown(app, pilot)
        assert "run.edit_unit" not in footer_keys(app)
