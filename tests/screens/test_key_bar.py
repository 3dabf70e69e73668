"""The bar of keys obeys the mouse: it presses, points and explains."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from screens.backups.backups_screen import BackupsScreen
from screens.health.health_screen import HealthScreen
from screens.widgets.key_bar import Cap, KeyBar, fitting
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


def cap(binding_id: str, label: str) -> Cap:
    return Cap(binding_id, "x", "x", label, binding_id, enabled=True, tooltip="")


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (100, ["plan.start", "plan.redis", "app.backups", "app.help", "app.quit"]),
        (39, ["plan.start", "plan.redis", "app.help", "app.quit"]),
        (29, ["plan.start", "app.help", "app.quit"]),
        (20, ["app.help", "app.quit"]),
    ],
)
def test_where_room_is_short_help_and_quit_are_there_whole(width: int, shown: list[str]) -> None:
    own = [cap("plan.start", "Begin it"), cap("plan.redis", "Redis...")]
    whole = [*own, cap("app.backups", "Backups."), cap("app.help", "Help"), cap("app.quit", "Quit")]
    assert [one.id for one in fitting(whole, width)] == shown


def test_where_room_is_short_the_way_to_a_restore_stays_longest() -> None:
    whole = [
        *(cap(f"app.{name}", "Way") for name in ("backups", "keys", "restore")),
        cap("app.help", "Help"),
    ]
    assert [one.id for one in fitting(whole, 30)] == ["app.backups", "app.keys", "app.restore", "app.help"]
    assert [one.id for one in fitting(whole, 20)] == ["app.backups", "app.restore", "app.help"]
    assert [one.id for one in fitting(whole, 14)] == ["app.restore", "app.help"]
    on_the_way = [cap("plan.start", "Go"), *whole]
    shown = [one.id for one in fitting(on_the_way, 25)]
    assert shown == ["plan.start", "app.backups", "app.keys", "app.help"]


def test_the_keys_of_a_drill_do_not_push_off_the_way_to_a_restore() -> None:
    whole = [cap("health.node", "Node"), cap("app.restore", "Restore"), cap("drill.hint", "Hint")]
    assert [one.id for one in fitting(whole, 20)] == ["app.restore", "drill.hint"]
    assert [one.id for one in fitting(whole[:2], 13)] == ["health.node"]


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
