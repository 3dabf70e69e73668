"""The screens that lie on one another."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.screen import Screen


def return_to(app: App[Any], kind: type[Screen[None]]) -> bool:
    """Takes away what lies on the topmost screen of this kind.

    False means that none is open; then nothing happens.
    """
    depth = next(
        (depth for depth, screen in enumerate(reversed(app.screen_stack)) if isinstance(screen, kind)), None
    )
    for _ in range(depth or 0):
        app.pop_screen()
    return depth is not None
