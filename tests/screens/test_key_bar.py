"""The bar of keys obeys the mouse: it presses, points and explains."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from screens.backups.backups_screen import BackupsScreen
from screens.health.health_screen import HealthScreen
from screens.widgets.key_bar import Cap, KeyBar
from tests.screens import scenes
from tests.screens.fake import FakeEngine
from tests.screens.helping import running, screen_text, until


def column_of(bar: KeyBar, cap: Cap) -> int:
    return sum(before.cells for before in bar.shown[: bar.shown.index(cap)])


def cap_of(bar: KeyBar, action: str) -> Cap:
    return next(cap for cap in bar.shown if cap.action == action)


async def shown_bar(pilot: Pilot[int]) -> KeyBar:
    bar = pilot.app.screen.query_one(KeyBar)
    await until(pilot, lambda: bool(bar.shown))
    return bar


async def test_a_click_presses_the_key_whose_name_stands_there() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        bar = await shown_bar(pilot)
        way = next(cap for cap in bar.shown if cap.id == "app.backups")
        last_row = screen_text(app).splitlines()[-1]
        assert last_row[column_of(bar, way) :].startswith(f"{way.display} {way.label}")
        await pilot.click(KeyBar, offset=(column_of(bar, way) + way.cells - 2, 0))
        await until(pilot, lambda: isinstance(app.screen, BackupsScreen))


async def test_a_click_between_two_keys_presses_none() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        bar = await shown_bar(pilot)
        for cap in bar.shown:
            await pilot.click(KeyBar, offset=(column_of(bar, cap) + cap.cells - 1, 0))
        await pilot.click(KeyBar, offset=(bar.size.width - 1, 0))
        assert isinstance(app.screen, HealthScreen)


async def test_a_key_that_cannot_be_used_now_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        bar = await shown_bar(pilot)
        rung: list[bool] = []
        monkeypatch.setattr(app, "bell", lambda: rung.append(True))
        bar.shown = (replace(bar.shown[0], enabled=False), *bar.shown[1:])
        await pilot.click(KeyBar, offset=(0, 0))
        assert rung
        assert isinstance(app.screen, HealthScreen)


async def test_the_key_under_the_pointer_stands_out_and_explains_itself() -> None:
    async with running(FakeEngine(scenes.healthy())) as (_, pilot):
        bar = await shown_bar(pilot)
        cap = bar.shown[1]
        await pilot.hover(KeyBar, offset=(column_of(bar, cap), 0))
        assert bar.pointed == cap
        assert bar.tooltip == (cap.tooltip or None)
        pointed = [span for span in bar.render().spans if "hover" in str(span.style)]
        assert len(pointed) == 2
        await pilot.hover(offset=(0, 0))
        await until(pilot, lambda: bar.pointed is None)
