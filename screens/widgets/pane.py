"""A text that scrolls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.widgets import Static

from screens.input import keys
from screens.text import content

if TYPE_CHECKING:
    from textual.content import Content
    from textual.widget import Widget


class Pane(VerticalScroll):
    """Text that scrolls by keys."""

    BINDINGS = keys.bindings(keys.SCROLL)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.can_focus = True
        self.text: Content = content.text("")

    def compose(self) -> Iterable[Widget]:
        yield Static(classes="pane-text")

    def show(self, text: Content) -> None:
        if self.text.is_same(text):
            return
        self.text = text
        self.query_one(".pane-text", Static).update(text)
