"""The question before a dangerous act: what it is, where, with what effect, and how to undo it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from screens.input import keys
from screens.modals.base import Dialog, DialogText
from screens.text import content
from screens.text.words import Tone

if TYPE_CHECKING:
    from textual.widget import Widget

_SECOND_WORD = "production"


@dataclass(frozen=True)
class Act:
    """What is to be confirmed. `verb` is on the button; `typed` asks for the cluster's name.

    On a production cluster it is asked a second time, for the word `production`.
    """

    title: str
    nodes: tuple[str, ...]
    effect: str
    undo: str
    verb: str
    typed: bool = False


class ConfirmDialog(Dialog[bool]):
    """Enter cancels until the operator has moved on or typed what is asked for."""

    KIND = "-danger"
    AUTO_FOCUS = "#cancel"  # not a focus when it is mounted: that comes behind what was typed meanwhile

    def __init__(self, act: Act) -> None:
        super().__init__(act.title)
        self.act = act
        self._asks_again = False  # asked the second time

    def body(self) -> Iterable[Widget]:
        yield DialogText(self._text())
        if self.act.typed:
            yield Static(self._instruction(), id="how", classes="dialog-how")
            yield Input(id="name", placeholder=self._placeholder(), compact=True, select_on_focus=False)
        with Horizontal(classes="dialog-buttons"):
            yield Button(Content("Cancel"), id="cancel", compact=True)
            yield Button(
                content.line(self.act.verb),
                id="confirm",
                variant="error",
                disabled=self.act.typed,
                compact=True,
            )
        yield Static(self._key_hints(), classes="dialog-keys")

    def on_key(self, event: events.Key) -> None:
        """Typing needs no tab, because the first letter goes into the field."""
        if event.is_printable and event.character is not None:
            self._type_into_field(event, event.character)

    def on_paste(self, event: events.Paste) -> None:
        self._type_into_field(event, "".join(event.text.splitlines()[:1]))

    def _type_into_field(self, event: events.Event, typed: str) -> None:
        if self.act.typed and typed and not (field := self.query_one("#name", Input)).has_focus:
            field.focus()
            field.insert_text_at_cursor(typed)
            event.stop()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#confirm", Button).disabled = not self._is_right(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._is_right(event.value):
            self._accept(event.value)
        else:
            content.tell(
                self, f"That is not {self._placeholder()}. It is {self._wanted_word()}.", severity="warning"
            )

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id != "confirm":
            self.dismiss(False)
        elif not self.act.typed:
            self.dismiss(True)
        elif self._is_right(typed := self.query_one("#name", Input).value):
            self._accept(typed)

    def cancelled(self) -> bool:
        return False

    def _accept(self, typed: str) -> None:
        """The operator typed what was asked for. A second question begins with what was typed meanwhile."""
        if self._asks_again or not self.context.engine.inventory.production:
            self.dismiss(True)
            return
        self._asks_again = True
        self.query_one("#how", Static).update(self._instruction())
        field = self.query_one("#name", Input)
        field.placeholder = self._placeholder()
        field.value = field.value.removeprefix(typed)
        field.cursor_position = len(field.value)
        field.focus()

    def _wanted_word(self) -> str:
        return _SECOND_WORD if self._asks_again else self.context.cluster

    def _placeholder(self) -> str:
        return "the second word" if self._asks_again else "the cluster's name"

    def _is_right(self, value: str) -> bool:
        return value.strip() == self._wanted_word()

    def _text(self) -> Content:
        return content.lines(
            [
                content.fact(
                    "Cluster", Content.styled(f"{self.context.cluster} {self.context.mark}", "bold"), 8
                ),
                content.fact("Nodes", ", ".join(self.act.nodes) or "none", 8),
                content.fact("Effect", self.act.effect, 8),
                content.fact("Undo", self.act.undo, 8),
            ]
        )

    def _instruction(self) -> Content:
        request = "It is a production cluster. Type " if self._asks_again else "Type the cluster's name, "
        return content.row(
            request,
            Content.styled(self._wanted_word(), Tone.ACCENT.value),
            " as well, and press enter:" if self._asks_again else ", and press enter:",
        )

    def _key_hints(self) -> Content:
        if self.act.typed:
            return Content("  ").join([content.keycap(keys.name("dialog.cancel"), "cancel, nothing happens")])
        return Content("  ").join(
            [
                content.keycap("enter", "cancel, nothing happens"),
                content.keycap("tab", "then enter: " + self.act.verb.lower()),
            ]
        )
