"""Read-only: nothing dangerous is there, by key, by name in the palette, or in the type of the engine."""

from __future__ import annotations

import pytest

from loomtui.engine.api import WritableEngine
from loomtui.engine.live import LiveEngine, WritableLiveEngine
from screens.app import LoomApp
from screens.base import LoomScreen
from screens.health.health_screen import HealthScreen
from screens.input import keys
from screens.input.key import Key
from screens.input.palette import ActionCommands
from screens.restore.choose_screen import ChooseScreen
from screens.restore.plan_screen import PlanScreen
from screens.restore.restore_screen import RestoreScreen
from tests.screens import basics, scenes
from tests.screens.fake import FakeEngine, WritableFakeEngine
from tests.screens.helping import press, running, screen_text

PLACES = ("", "b", "i", "d", "o", "u")


@pytest.mark.parametrize("place", PLACES)
async def test_no_dangerous_key_works_or_is_shown(place: str) -> None:
    async with running(FakeEngine(scenes.degraded())) as (app, pilot):
        await press(pilot, *place)
        there = {active.binding.action for active in app.screen.active_bindings.values()}
        assert not {action.partition("(")[0] for action in there} & keys.DANGEROUS
        assert "Restore" not in screen_text(app).splitlines()[-1]
        stack = list(app.screen_stack)
        for key in (key for group in keys.GROUPS for key in group if key.danger):
            await press(pilot, key.keys)
            assert not any(isinstance(s, ChooseScreen | PlanScreen | RestoreScreen) for s in app.screen_stack)
        assert app.screen_stack[0] is stack[0]


async def test_the_palette_has_no_dangerous_action() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, _):
        assert not [key for key in palette(app) if key.danger]
    async with running(WritableFakeEngine(scenes.healthy())) as (app, _):
        assert [key.id for key in palette(app) if key.danger] == ["app.restore"]


def palette(app: LoomApp) -> list[Key]:
    provider = ActionCommands(app.screen)
    return [key for key, _ in provider._possible_actions()]


async def test_actions_called_by_name_do_nothing() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await app.run_action("restore")
        await pilot.pause()
        assert isinstance(app.screen, HealthScreen)
        for action in keys.DANGEROUS:
            assert app.check_action(action, ()) is False
            assert isinstance(app.screen, LoomScreen)
            assert app.screen.check_action(action, ()) is False


async def test_an_unfinished_run_is_told_and_not_offered() -> None:
    from dataclasses import replace

    scene = replace(scenes.healthy(), runs=basics.runs(None))
    async with running(FakeEngine(scene)) as (app, _):
        assert isinstance(app.screen, HealthScreen)
        assert "loomtui restore" in screen_text(app)


def test_the_engine_that_looks_has_no_way_to_change() -> None:
    looks, changes = LiveEngine(basics.inventory()), WritableLiveEngine(basics.inventory(), basics.PATH)
    assert not isinstance(looks, WritableEngine)
    assert isinstance(changes, WritableEngine)
    assert not isinstance(FakeEngine(scenes.healthy()), WritableEngine)
