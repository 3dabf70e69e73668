"""What should not happen, told without a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loomtui.errors import LoomtuiError
from loomtui.text import clean_line
from screens.modals.text import ErrorDialog

if TYPE_CHECKING:
    from textual.app import App


def show_fault(app: App[Any], error: BaseException, safe: str, advice: str) -> None:
    """`safe` and `advice` are for an error inside loomtui; others say that themselves. One at a time."""
    what = f"an unexpected error inside loomtui: {type(error).__name__}: {clean_line(str(error))}"
    fault = error if isinstance(error, LoomtuiError) else LoomtuiError(what, safe=safe, advice=advice)
    if not isinstance(app.screen, ErrorDialog):
        app.push_screen(ErrorDialog("Something went wrong", fault))
