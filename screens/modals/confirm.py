"""The question before a dangerous act: what, where, with what effect, and how it is undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from screens import content, keys
from screens.modals.base import Dialog, DialogText
from screens.words import Tone

if TYPE_CHECKING:
    from textual.widget import Widget


@dataclass(frozen=True)
class Act:
    """What is to be confirmed; `verb` is on the button, `typed` asks for the cluster's name."""

    title: str
    nodes: tuple[str, ...]
    effect: str
    undo: str
    verb: str
    typed: bool = False


class ConfirmDialog(Dialog[bool]):
    """Enter cancels until the operator has moved on or typed the cluster's name."""

    KIND = "-danger"
    AUTO_FOCUS = "#cancel"  # not a focus when it is mounted: that comes behind what was typed meanwhile

    def __init__(self, act: Act) -> None:
        super().__init__(act.title)
        self.act = act

    def body(self) -> Iterable[Widget]:
        yield DialogText(self._text())
        if self.act.typed:
            yield Static(self._how(), classes="dialog-how")
            yield Input(id="name", placeholder="the cluster's name", compact=True, select_on_focus=False)
        with Horizontal(classes="dialog-buttons"):
            yield Button(Content("Cancel"), id="cancel", compact=True)
            yield Button(
                content.line(self.act.verb),
                id="confirm",
                variant="error",
                disabled=self.act.typed,
                compact=True,
            )
        yield Static(self._keys(), classes="dialog-keys")

    def on_key(self, event: events.Key) -> None:
        """Typing needs no tab: the first letter goes into the field."""
        if event.is_printable and event.character is not None:
            self._take(event, event.character)

    def on_paste(self, event: events.Paste) -> None:
        self._take(event, "".join(event.text.splitlines()[:1]))

    def _take(self, event: events.Event, typed: str) -> None:
        if self.act.typed and typed and not (field := self.query_one("#name", Input)).has_focus:
            field.focus()
            field.insert_text_at_cursor(typed)
            event.stop()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#confirm", Button).disabled = not self._named(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._named(event.value):
            self.dismiss(True)
        else:
            content.tell(
                self, f"That is not the cluster's name. It is {self.desk.cluster}.", severity="warning"
            )

    def on_button_pressed(self, event: Button.Pressed) -> None:
        confirmed = event.button.id == "confirm"
        self.dismiss(confirmed and (not self.act.typed or self._named(self.query_one("#name", Input).value)))

    def cancelled(self) -> bool:
        return False

    def _named(self, value: str) -> bool:
        return value.strip() == self.desk.cluster

    def _text(self) -> Content:
        return content.lines(
            [
                content.fact("Cluster", Content.styled(f"{self.desk.cluster} {self.desk.mark}", "bold"), 8),
                content.fact("Nodes", ", ".join(self.act.nodes) or "none", 8),
                content.fact("Effect", self.act.effect, 8),
                content.fact("Undo", self.act.undo, 8),
            ]
        )

    def _how(self) -> Content:
        return content.row(
            "Type the cluster's name, ",
            Content.styled(self.desk.cluster, Tone.ACCENT.value),
            ", and press enter:",
        )

    def _keys(self) -> Content:
        if self.act.typed:
            return Content("  ").join([content.keycap(keys.name("dialog.cancel"), "cancel, nothing happens")])
        return Content("  ").join(
            [
                content.keycap("enter", "cancel, nothing happens"),
                content.keycap("tab", "then enter: " + self.act.verb.lower()),
            ]
        )
