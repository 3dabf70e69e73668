"""The bottom of the restore screens says in words what is going on, and what the next key is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from screens.input import keys
from screens.text import content
from screens.text.words import Tone


@dataclass(frozen=True)
class Choice:
    """A key by its action's id, what it does, and what follows from it."""

    key_id: str
    effect: str
    consequence: str = ""


class NextPanel(VerticalScroll, can_focus=False):
    """Says it in a sentence, then with one line for each key.

    `urgent` marks it as waiting for the operator.
    """

    def compose(self) -> ComposeResult:
        yield Static(id="next-text")

    def say(
        self,
        headline: str,
        choices: Sequence[Choice] = (),
        *,
        detail: str = "",
        urgent: bool = False,
        title: str = "What is going on",
    ) -> None:
        parts = [content.text(headline, Tone.STRONG)]
        if detail:
            parts.append(content.text(detail))
        parts += [self._choice_line(choice) for choice in choices]
        self.set_class(urgent, "-urgent")
        self.border_subtitle = content.line("↑↓ scroll what is above" if choices else "")
        self.border_title = content.line("▶ What to do next" if urgent else title)
        self.query_one("#next-text", Static).update(content.lines(parts))

    @staticmethod
    def _choice_line(choice: Choice) -> Content:
        consequence = content.line(f"  {choice.consequence}" if choice.consequence else "", Tone.DIM)
        return content.row(content.keycap(keys.name(choice.key_id), choice.effect), consequence)
