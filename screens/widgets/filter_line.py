"""One line for a filter, which works while it is typed."""

from __future__ import annotations

from textual.message import Message
from textual.widgets import Input

from loomtui.matching import Matcher
from screens.input import keys


class FilterLine(Input):
    """Hidden until it is asked for. Text that is not yet a regular expression leaves the filter as it was."""

    BINDINGS = keys.bindings(keys.FILTER_LINE)

    class Typed(Message):
        def __init__(self, matcher: Matcher) -> None:
            super().__init__()
            self.matcher = matcher

    class Left(Message):
        """The rows have the keys again."""

    def __init__(self, *, hint: str, id: str | None = None) -> None:
        super().__init__(placeholder=hint, id=id, compact=True, select_on_focus=True)
        self.display = False

    def ask(self) -> None:
        self.display = True
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            matcher = Matcher(event.value.strip())
        except ValueError:
            self.add_class("-invalid")
            return
        self.remove_class("-invalid")
        self.post_message(self.Typed(matcher))

    def action_take(self) -> None:
        self.display = bool(self.value)
        self.post_message(self.Left())

    def action_clear(self) -> None:
        self.value = ""
        self.display = False
        self.post_message(self.Left())
