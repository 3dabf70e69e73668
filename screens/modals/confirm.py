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

_PRODUCTION = "production"
#: Lines by which the text is scrolled: nothing else in the dialog goes by these keys.
_SCROLLS = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8}


@dataclass(frozen=True)
class Act:
    """What is to be confirmed. `verb` is on the button; `typed` asks for the cluster's name.

    Behind that one more word is asked for where the act has a `word` of its own, and `production` on a
    production cluster.
    """

    title: str
    nodes: tuple[str, ...]
    effect: str
    undo: str
    verb: str
    typed: bool = False
    word: str = ""  # of an act that nothing takes back
    deeds: tuple[str, ...] = ()  # all that it comes to, one below the other


class ConfirmDialog(Dialog[bool]):
    """Enter cancels until the operator has moved on or typed what is asked for."""

    KIND = "-danger"
    AUTO_FOCUS = "#cancel"  # not a focus when it is mounted: that comes behind what was typed meanwhile

    def __init__(self, act: Act) -> None:
        super().__init__(act.title)
        self.act = act
        self._typed = 0  # how many of the words were typed

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
        """Typing needs no tab, because the first letter goes into the field; arrows scroll the text."""
        if (scroll := _SCROLLS.get(event.key)) is not None:
            self.query_one(DialogText).scroll_relative(y=scroll, animate=False)
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
        """The operator typed what was asked for. The next question begins with what was typed meanwhile."""
        self._typed += 1
        if self._typed == len(self._words()):
            self.dismiss(True)
            return
        self.query_one("#how", Static).update(self._instruction())
        field = self.query_one("#name", Input)
        field.placeholder = self._placeholder()
        field.value = field.value.removeprefix(typed)
        field.cursor_position = len(field.value)
        field.focus()

    def _words(self) -> tuple[str, ...]:
        """What has to be typed, one after the other."""
        production = _PRODUCTION if self.frame.production else ""
        return (self.frame.cluster, *filter(None, (self.act.word, production)))

    def _wanted_word(self) -> str:
        return self._words()[self._typed]

    def _placeholder(self) -> str:
        return ("the cluster's name", "the second word", "the third word")[self._typed]

    def _is_right(self, value: str) -> bool:
        return value.strip() == self._wanted_word()

    def _text(self) -> Content:
        return content.lines(
            [
                content.fact("Cluster", Content.styled(f"{self.frame.cluster} {self.frame.mark}", "bold"), 8),
                content.fact("Nodes", ", ".join(self.act.nodes) or "none", 8),
                *(content.row(content.line("· ", Tone.ACCENT), deed) for deed in self.act.deeds),
                content.fact("Effect", self.act.effect, 8),
                content.fact("Undo", self.act.undo, 8),
            ]
        )

    def _instruction(self) -> Content:
        is_name, wanted = self._typed == 0, self._wanted_word()
        why = "It is a production cluster" if wanted == _PRODUCTION else "Nothing takes it back"
        request = "Type the cluster's name, " if is_name else f"{why}. Type "
        return content.row(
            request,
            Content.styled(wanted, Tone.ACCENT.value),
            ", and press enter:" if is_name else " as well, and press enter:",
        )

    def _key_hints(self) -> Content:
        if self.act.typed:
            caps = [content.keycap(keys.name("dialog.cancel"), "cancel, nothing happens")]
            caps += [content.keycap("↑↓", "scroll")] if self.act.deeds else []
            return Content("  ").join(caps)
        return Content("  ").join(
            [
                content.keycap("enter", "cancel, nothing happens"),
                content.keycap("tab", "then enter: " + self.act.verb.lower()),
            ]
        )
