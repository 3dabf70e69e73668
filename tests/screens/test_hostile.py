"""Whatever a node, S3 or a file says: no screen crashes, nothing is hidden, nothing reaches the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.widgets import Static

from loomtui.restore.events import StepName
from loomtui.restore.running.operator import FailureQuestion
from loomtui.text import clean
from screens.health.health_screen import HealthScreen
from screens.prompter import ScreenPrompter
from screens.restore.plan_screen import PlanScreen
from screens.widgets.pane import Pane
from tests.sampling import rest_slow
from tests.screens import basics, scenes
from tests.screens.fake import WritableFakeEngine
from tests.screens.helping import LARGE, press, running, screen_text, until
from tests.screens.walking import begin, carry_out, pending_question

pytestmark = pytest.mark.usefixtures("painted")

PLACES: dict[str, Sequence[str]] = {
    "health": (),
    "node": ("enter",),
    "backups": ("b",),
    "contents": ("b", "enter"),
    "keys": ("i",),
    "services": ("d", "f"),
    "logs": ("o", "up"),
    "log line": ("o", "up", "enter"),
    "runs": ("u",),
    "choose": ("r",),
    "plan": ("r", "enter"),
}


def harmless(screen: str) -> bool:
    return "\x1b" not in screen and "\x07" not in screen and "\x9b" not in screen


@pytest.mark.parametrize("text", rest_slow(basics.HOSTILE))
async def test_every_screen_shows_it_as_it_is(text: str) -> None:
    async with running(WritableFakeEngine(scenes.hostile(text)), LARGE) as (app, pilot):
        await press(pilot, "enter")  # an unfinished run is offered at first
        for place, pressed in PLACES.items():
            await press(pilot, *pressed)
            await until(pilot, lambda: visible(text) in screen_text(app), f"{visible(text)!r} on {place}")
            assert harmless(screen_text(app))
            await press(pilot, "escape", "escape", "escape")
            assert isinstance(app.screen, HealthScreen)


def visible(text: str) -> str:
    """What is left of it on one line."""
    return " ".join(clean(text).split())


@pytest.mark.parametrize("text", rest_slow(basics.HOSTILE))
async def test_a_run_shows_it_as_it_is(text: str) -> None:
    engine = WritableFakeEngine(scenes.healthy(), {(StepName.STOP, "db2")}, text)
    async with running(engine, LARGE) as (app, pilot):
        await begin(app, pilot)
        assert visible(text) in screen_text(app)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await carry_out(app, pilot, StepName.STOP)
        await until(pilot, lambda: isinstance(pending_question(app), FailureQuestion))
        await until(pilot, lambda: visible(text) in app.screen.query_one(Pane).text.plain)
        await press(pilot, "space")
        assert visible(text) in screen_text(app)
        assert harmless(screen_text(app))


@pytest.mark.slow
@pytest.mark.parametrize("text", basics.HOSTILE)
async def test_questions_and_toasts_show_it_as_it_is(text: str) -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine, LARGE) as (app, pilot):
        prompter = engine.prompter
        assert isinstance(prompter, ScreenPrompter)
        app.run_worker(prompter.host_key("db1", text, text, text), exit_on_error=False)
        await until(pilot, lambda: visible(text) in screen_text(app))
        await press(pilot, "escape")
        app.run_worker(prompter.secret(text, text), exit_on_error=False)
        await until(pilot, lambda: visible(text) in screen_text(app))
        await press(pilot, "escape")
        await press(pilot, "o", "slash", "[", "enter")
        await until(pilot, lambda: "not a regular expression" in screen_text(app), "the toast")
        assert harmless(screen_text(app))


async def test_a_plan_told_late_does_not_cover_the_plan() -> None:
    async with running(WritableFakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        app.screen.post_message(PlanScreen.Progress("late"))
        await pilot.pause()
        assert "late" not in app.screen.query_one(Pane).text.plain
        assert app.screen.query_one("#prediction", Static).visible
