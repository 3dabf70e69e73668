"""A plan that nobody else has signed, on the screens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from loomtui.errors import CallError, SecondMissing
from screens.app import LoomApp
from screens.modals.confirm import ConfirmDialog
from screens.modals.text import ErrorDialog
from screens.restore.plan_screen import PlanScreen
from screens.restore.restore_screen import RestoreScreen
from tests.screens import scenes
from tests.screens.fake import RUN_ID, WritableFakeEngine
from tests.screens.helping import press, running, screen_text, until
from tests.screens.walking import consent


def engine(*, missing: bool) -> WritableFakeEngine:
    scene = scenes.healthy()
    made = WritableFakeEngine(
        replace(scene, inventory=scene.inventory.model_copy(update={"require_second": True}))
    )
    if missing:
        made.second_missing = SecondMissing(
            "nobody else has signed this plan", lacking="signature", advice="Have another sign it."
        )
    return made


async def begun(app: LoomApp, pilot: Pilot[int]) -> None:
    await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None, "a plan")
    await press(pilot, "x")


async def test_the_name_is_typed_where_nobody_else_has_signed() -> None:
    made = engine(missing=True)
    async with running(made) as (app, pilot):
        await press(pilot, "r", "enter")
        await begun(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question")
        shown = " ".join(screen_text(app).split())
        assert "without a second pair of eyes" in shown
        assert "nobody else has signed this plan" in shown
        await press(pilot, "escape")
        assert made.begun == []
        await press(pilot, "x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question again")
        await consent(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, RestoreScreen), "the run")
    assert made.glass_broken == [True]
    assert made.second_asked == [None, None]  # a plan that was made here is in no file


async def test_a_signed_plan_of_a_file_begins_at_once() -> None:
    made = engine(missing=False)
    async with running(made, plan_path=Path("plan.yml")) as (app, pilot):
        await begun(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, RestoreScreen), "the run")
    assert made.glass_broken == [False]
    (file,) = made.second_asked
    assert file is not None


async def test_a_plan_that_was_changed_here_is_not_the_signed_one() -> None:
    made = engine(missing=False)
    async with running(made, plan_path=Path("plan.yml")) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, PlanScreen), "the plan")
        screen = app.screen
        assert isinstance(screen, PlanScreen)
        assert screen.plan is not None
        screen._show_plan(replace(screen.plan, made_by="another"))
        await begun(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, RestoreScreen), "the run")
    assert made.second_asked == [None]


async def test_a_run_is_gone_on_with_only_if_its_plan_is_signed() -> None:
    made = engine(missing=True)
    async with running(made) as (app, pilot):
        app.runs.resume_run(RUN_ID)
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question")
        await consent(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, RestoreScreen), "the run")
    assert made.second_asked == [RUN_ID]
    assert made.glass_broken == [True]


async def test_any_other_failure_is_told() -> None:
    made = engine(missing=False)
    made.second_missing = CallError("there is no such run")
    async with running(made) as (app, pilot):
        app.runs.resume_run(RUN_ID)
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "what is wrong")
    assert made.begun == []
