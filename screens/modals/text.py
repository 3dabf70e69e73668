"""Dialogs that only show: a text, an error. Both scroll and can be copied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from loomtui.errors import FileError, LoomtuiError
from screens import clipboard
from screens.input import keys
from screens.modals.base import Dialog, DialogText
from screens.text import content
from screens.text.words import Tone

if TYPE_CHECKING:
    from textual.widget import Widget


class TextDialog(Dialog[None]):
    """Something to read."""

    BINDINGS = keys.bindings(keys.COPY)

    def __init__(self, title: str, text: Content | str) -> None:
        super().__init__(title)
        self.text = text if isinstance(text, Content) else content.text(text)

    def body(self) -> Iterable[Widget]:
        yield DialogText(self.text, focusable=True)
        yield Static(
            Content("  ").join([content.keycap(keys.name("dialog.cancel"), "close"), *self.more_keys()]),
            classes="dialog-keys",
        )

    def more_keys(self) -> tuple[Content, ...]:
        return content.keycap("↑↓", "scroll"), content.keycap(keys.name("screen.copy"), "copy")

    def action_copy(self) -> None:
        clipboard.copy(self, self.text.plain, "this text")


class ErrorDialog(TextDialog):
    """What happened, what is safe, what to do next."""

    KIND = "-error"

    def __init__(self, title: str, error: LoomtuiError) -> None:
        super().__init__(title, error_text(error))


def error_text(error: LoomtuiError) -> Content:
    """An error as an operator reads it."""
    what = f"{error.node}: {error.what}" if error.node else error.what
    parts = [content.text(what, Tone.STRONG)]
    if isinstance(error, FileError):
        parts += [content.text(f"  {problem}") for problem in error.problems]
    if error.safe:
        parts += [Content(""), content.fact("Safe now", error.safe)]
    if error.advice:
        parts += [content.fact("Do next", error.advice)]
    return content.lines(parts)
