"""What the screens show of a cluster's nodes, as text."""

from __future__ import annotations

import time
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from loomtui.engine.api import Engine
from screens.widgets.pane import Pane
from tests.screens.helping import make_app, press, screen_text
from tests.security.marked import UNIT_NAME

_SECONDS = 60.0
#: The screens on which a node's own texts stand, and what says that they do.
_PLACES = {
    "node": (("enter",), UNIT_NAME),
    "services": (("d", "f"), UNIT_NAME),
    "logs": (("o",), "val-1"),
}


async def texts_of_screens(engine: Engine) -> dict[str, str]:
    """By the name of the screen: what is on it, and what scrolled out of its panes."""
    found = {}
    async with make_app(engine).run_test(size=(200, 60), notifications=True) as pilot:
        await _until(pilot, "val-1", "the first screen")
        for place, (keys, expected) in _PLACES.items():
            await press(pilot, *keys)
            found[place] = await _until(pilot, expected, place)
            await press(pilot, "escape", "escape", "escape")
    return found


async def _until(pilot: Pilot[int], wanted: str, what: str) -> str:
    deadline = time.monotonic() + _SECONDS
    while wanted not in (text := _all_text(pilot.app)):
        assert time.monotonic() < deadline, f"{what} did not come:\n{screen_text(pilot.app)}"
        await pilot.pause(0.02)
    return text


def _all_text(app: App[Any]) -> str:
    return "\n".join([screen_text(app), *(pane.text.plain for pane in app.screen.query(Pane))])
