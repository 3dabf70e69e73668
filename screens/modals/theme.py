"""The choice of colours. The marked theme is shown at once; escape goes back to the one before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from screens.input import keys
from screens.modals.base import Dialog
from screens.settings import THEME_NAMES
from screens.text import content
from screens.text.words import Tone

if TYPE_CHECKING:
    from textual.widget import Widget

_FOR = {
    "dark": "light text on a dark ground",
    "light": "dark text on a light ground",
    "high-contrast": "white on black, every text at 7:1 or more",
    "colour-blind": "good is blue, bad is orange, nothing is told by red and green",
}


class ThemeDialog(Dialog[str | None]):
    """The name of a theme, or None to leave it as it was."""

    def __init__(self) -> None:
        super().__init__("Theme")
        self._previous_theme = ""

    def body(self) -> Iterable[Widget]:
        yield OptionList(
            *(
                Option(content.lines([content.line(name, Tone.STRONG), f"  {_FOR[name]}"]), id=name)
                for name in THEME_NAMES
            ),
            id="themes",
            markup=False,
        )
        yield Static(
            Content("  ").join(
                [content.keycap("enter", "take it"), content.keycap(keys.name("dialog.cancel"), "as before")]
            ),
            classes="dialog-keys",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self._previous_theme = self.app.theme
        options = self.query_one(OptionList)
        options.highlighted = (
            THEME_NAMES.index(self._previous_theme) if self._previous_theme in THEME_NAMES else 0
        )
        options.focus()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option.id is not None:
            self.app.theme = event.option.id

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def cancelled(self) -> None:
        self.app.theme = self._previous_theme
