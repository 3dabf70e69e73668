"""Painting is a third of a screen test's time, and without a terminal what it gives goes nowhere.

A snapshot is painted when it is taken. A dialog is painted always: what shines through it depends on that.
"""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

#: Textual's own.
paint = Screen._compositor_refresh


def paint_dialogs_only(screen: Screen[Any]) -> None:
    """In place of `Screen._compositor_refresh`."""
    app = screen.app
    if screen is not app.screen or app._background_screens or not app.is_headless:
        paint(screen)
        return
    screen._dirty_widgets.clear()
    screen._compositor._dirty_regions.clear()
