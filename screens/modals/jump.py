"""Jump mode puts a letter over each part of the screen that can have the focus; the letter goes there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from textual import events
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from screens.input import keys
from screens.text import content

if TYPE_CHECKING:
    from textual.app import ComposeResult

#: The row under the fingers first.
LETTERS = "asdfghjklqwertyuiopzxcvbnm"


def targets(screen: Screen[Any]) -> Sequence[Widget]:
    """The visible parts that can have the focus, in the order of tab."""
    visible_widgets = [
        widget for widget in screen.focus_chain if widget.region.area and not widget.has_class("-no-jump")
    ]
    return visible_widgets[: len(LETTERS)]


class JumpLabel(Static):
    """One letter. Its place tells what it stands for."""


class JumpScreen(ModalScreen[Widget | None]):
    BINDINGS = keys.bindings(keys.DIALOG)

    def __init__(self, widgets: Sequence[Widget]) -> None:
        super().__init__()
        self._widgets = dict(zip(LETTERS, widgets, strict=False))

    def compose(self) -> ComposeResult:
        yield from self._labels()
        yield Static(
            content.row(
                "  ",
                content.keycap("a letter", "goes there"),
                "  ",
                content.keycap(keys.name("dialog.cancel"), "stay"),
            ),
            id="jump-how",
        )

    def _labels(self) -> Iterable[Widget]:
        for letter, widget in self._widgets.items():
            label = JumpLabel(content.line(f" {letter} "))
            label.absolute_offset = Offset(widget.region.x, widget.region.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            return
        event.stop()
        self.dismiss(self._widgets.get(event.character or ""))

    def on_click(self) -> None:
        self.dismiss(None)

    def action_cancel(self) -> None:
        self.dismiss(None)
