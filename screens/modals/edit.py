"""A text of several lines for the operator to edit. It is judged before it is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static, TextArea

from loomtui.restore.running.operator import Judged
from screens.input import keys
from screens.modals.base import Dialog
from screens.text import content
from screens.text.words import Tone

if TYPE_CHECKING:
    from textual.widget import Widget


@dataclass(frozen=True)
class Edited:
    text: str
    accepted: bool  # False: the dialog was closed; nothing follows from it


class EditDialog(Dialog[Edited]):
    """Nothing is written from here. The text that is taken is shown as a difference, and asked about."""

    KIND = "-edit"

    def __init__(self, title: str, text: str, judge: Callable[[str], Judged]) -> None:
        super().__init__(title)
        self._text = text
        self._judge = judge

    def body(self) -> Iterable[Widget]:
        yield TextArea(self._text, id="text", soft_wrap=True, show_line_numbers=True, compact=True)
        with VerticalScroll(id="problems", can_focus=False):
            yield Static(id="problems-text")
        with Horizontal(classes="dialog-buttons"):
            yield Button(Content("See the difference"), id="take", variant="primary", compact=True)
        yield Static(
            Content("  ").join(
                [
                    content.keycap("tab", "then enter: see the difference"),
                    content.keycap(keys.name("dialog.cancel"), "close; it is kept until you come back"),
                ]
            ),
            classes="dialog-keys",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#problems").display = False
        self.query_one(TextArea).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        judgement = self._judge(self.query_one(TextArea).text)
        if not judgement.problems:
            self.dismiss(Edited(self.query_one(TextArea).text, True))
            return
        problem_lines = [content.line("It cannot be taken:", Tone.STRONG)]
        problem_lines += [
            content.row(content.line("✗ ", Tone.BAD), problem) for problem in judgement.problems
        ]
        self.query_one("#problems-text", Static).update(content.lines(problem_lines))
        self.query_one("#problems").display = True
        self.query_one(TextArea).focus()

    def cancelled(self) -> Edited:
        return Edited(self.query_one(TextArea).text, False)
