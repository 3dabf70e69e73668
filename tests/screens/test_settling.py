"""A key answers the question that its operator saw, and one question only."""

from __future__ import annotations

import time

import pytest

from loomtui.restore.events import StepName
from loomtui.restore.running.operator import FailureQuestion
from screens.app import LoomApp
from screens.restore.restore_screen import RestoreScreen
from screens.restore.screen_operator import StepQuestion, UnitQuestion
from screens.restore.settling import Settling
from tests.screens import scenes
from tests.screens.fake import WritableFakeEngine
from tests.screens.helping import panel, press, running, screen_text, until
from tests.screens.walking import begin, carry_out, pending_question


def test_a_key_that_is_held_down_never_answers_the_next_question() -> None:
    settling = Settling(0.7)
    settling.begin(10.0)
    repeats = [10.5 + number / 30 for number in range(300)]
    assert not any(settling.takes(now) for now in repeats)
    assert settling.refused == 300
    assert settling.takes(repeats[-1] + 0.8)


def test_a_name_behind_a_key_that_was_passed_over_leads_nowhere() -> None:
    settling = Settling(0.7)
    settling.begin(10.0)
    assert not settling.swallows(10.1, "x"), "nothing was passed over yet"
    assert not settling.takes(10.1, "x")
    typed = [(11.5 + number, letter) for number, letter in enumerate("practice-x")]
    assert all(settling.swallows(now, letter) for now, letter in typed)
    assert settling.is_hushed(22.0)
    assert not settling.is_hushed(23.0)
    assert not settling.swallows(23.0, "e")


def test_the_key_that_was_passed_over_counts_again_after_a_moment() -> None:
    settling = Settling(0.7)
    settling.begin(10.0)
    assert not settling.takes(10.1, "x")
    assert settling.swallows(10.5, "x")
    assert not settling.swallows(11.3, "x")
    assert settling.takes(11.3, "x")


def test_who_has_read_the_question_is_not_made_to_wait() -> None:
    settling = Settling(0.7)
    settling.begin(10.0)
    assert not settling.takes(10.1)
    assert settling.takes(10.8)
    settling.begin(11.0)
    assert settling.refused == 0
    assert settling.takes(12.0)


@pytest.mark.parametrize("key", ["x", "a", "m"])
async def test_a_quick_key_leaves_a_unit_to_be_asked_about(key: str) -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        for step in list(StepName)[:5]:
            await carry_out(app, pilot, step)
        await carry_out(app, pilot, StepName.SERVICES)
        await until(pilot, lambda: isinstance(pending_question(app), UnitQuestion) and "db1" in panel(app))
        just_asked(app)
        await press(pilot, key, key)
        assert isinstance(pending_question(app), UnitQuestion)
        assert "db1" in panel(app)
        assert "That was quick" in screen_text(app)
        assert engine.begun[0].declined == []


@pytest.mark.parametrize("key", ["y", "e"])
async def test_a_quick_key_answers_no_failure(key: str) -> None:
    engine = WritableFakeEngine(scenes.healthy(), {(StepName.PREFLIGHT, "db1")})
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until(
            pilot, lambda: isinstance(pending_question(app), FailureQuestion) and "failed" in panel(app)
        )
        just_asked(app)
        await press(pilot, key)
        assert isinstance(pending_question(app), FailureQuestion)
        assert "That was quick" in screen_text(app)


async def test_what_is_typed_behind_a_quick_key_goes_nowhere_and_the_panel_says_so() -> None:
    """Some letters of a name are keys: one would open another screen, one stop the run."""
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        just_asked(app)
        await press(pilot, "x", *"backupievro")
        assert isinstance(app.screen, RestoreScreen)
        assert panel(app).startswith("That was quick, and nothing came of it")
        assert isinstance(pending_question(app), StepQuestion)
        app.screen.settling = Settling(0)
        await press(pilot, "x")
        await until(pilot, lambda: "Step 2 of 8" in panel(app), "the next step")
        assert "That was quick" not in panel(app)


def just_asked(app: LoomApp) -> None:
    """As if the question had come up this very moment, and for hours to come."""
    assert isinstance(app.screen, RestoreScreen)
    app.screen.settling = Settling(3600)
    app.screen.settling.begin(time.monotonic())
