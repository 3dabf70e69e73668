"""What the screen tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from time import monotonic
from typing import Any

from textual.app import App
from textual.content import Content
from textual.css.query import NoMatches
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static, TextArea

from loomtui.engine.api import Engine
from screens.app import LoomApp
from screens.restore.next_panel import NextPanel
from tests.screens import basics
from tests.screens.basics import NOW
from tests.screens.fake import FakeEngine

SMALL = (80, 24)
USUAL = (120, 40)
LARGE = (200, 60)
_PATIENCE_SECONDS = 120  # the machine may have much else to do; a test that hangs is ended later than that


def make_app(engine: Engine, *, settle_seconds: float = 0, **more: Any) -> LoomApp:
    return LoomApp(engine, now=lambda: NOW, settle_seconds=settle_seconds, **more)


def with_past_looks(app: LoomApp, looks: int = 70) -> LoomApp:
    """As if it had looked for a while: 1 or 2 blocks from look to look; who is away now fell silent."""
    engine = app.context.engine
    assert isinstance(engine, FakeEngine)
    for name, trend in app.context.watch.trends.items():
        status = engine.scene.statuses[name]
        height = basics.HEIGHT - 3 * looks // 2
        for number in range(looks):
            height += 1 + number % 2
            silent = status.chain is None and number > looks - 12
            trend.add(NOW - timedelta(seconds=2 * (looks - number)), None if silent else height)
    return app


@asynccontextmanager
async def running(
    engine: Engine, size: tuple[int, int] = SMALL, *, settle_seconds: float = 0, **more: Any
) -> AsyncIterator[tuple[LoomApp, Pilot[int]]]:
    """The app with the first looks taken. Toasts are on: with them off, their crashes are hidden."""
    app = make_app(engine, settle_seconds=settle_seconds, **more)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        await pilot.pause()
        yield app, pilot


async def until(pilot: Pilot[int], condition: Callable[[], bool], what: str = "") -> None:
    """Waits for something that the app does by itself. Of a widget that is not there yet nothing holds."""
    given_up = monotonic() + _PATIENCE_SECONDS
    while monotonic() < given_up:
        with suppress(NoMatches):
            if condition():
                return
        await pilot.pause(0.01)
    raise AssertionError(f"it did not come about: {what}\n{screen_text(pilot.app)}")


async def until_shown(pilot: Pilot[int], text: str, what: str = "") -> None:
    """Waits until the text stands on the screen in front."""
    await until(pilot, lambda: text in screen_text(pilot.app), what or text)


async def until_quiet(pilot: Pilot[int]) -> None:
    """Waits until three drawings in a row are the same: nothing is on its way to the screen any more."""
    same, previous = 0, None
    await until(pilot, lambda: not pilot.app.screen.query(Button).filter(".-active"), "no button is lit")
    while same < 2:
        for field in (*pilot.app.screen.query(TextArea), *pilot.app.screen.query(Input)):
            field.cursor_blink = False  # or a drawing depends on when it is made
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()
        drawing = pilot.app.screen._compositor.render_strips()
        same = same + 1 if drawing == previous else 0
        previous = drawing


async def press(pilot: Pilot[Any], *pressed: str) -> None:
    await pilot.press(*pressed)
    await pilot.pause()


async def type_text(pilot: Pilot[int], text: str) -> None:
    await press(pilot, *(("minus" if letter == "-" else letter) for letter in text))


def screen_text(app: App[Any]) -> str:
    """All that stands on the screen in front, as plain text."""
    lines = ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]
    return "\n".join(line.rstrip() for line in lines)


def panel(app: LoomApp) -> str:
    """What the panel at the bottom says, scrolled-away lines included."""
    content = app.screen.query_one(NextPanel).query_one("#next-text", Static).content
    assert isinstance(content, Content)
    return content.plain


def footer_keys(app: LoomApp) -> set[str]:
    """The ids of all bindings that can be used now."""
    return {str(active.binding.id) for active in app.screen.active_bindings.values() if active.enabled}
