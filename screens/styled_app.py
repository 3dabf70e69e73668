"""What every app of ours looks like, and the operator's own keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from textual.app import App

from screens.input import keymap
from screens.input.key import use_keymap
from screens.settings import Settings
from screens.styles.sheets import STYLE_SHEETS
from screens.styles.themes import THEMES, Plain

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.filter import LineFilter

Answer = TypeVar("Answer")


class StyledApp(App[Answer]):
    """`own_keys` are checked keys by action id."""

    TITLE = "loomtui"
    CSS_PATH = STYLE_SHEETS

    def __init__(
        self, settings: Settings | None, own_keys: Mapping[str, str] | None, driver_class: type[Driver] | None
    ) -> None:
        super().__init__(driver_class=driver_class)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = (settings or Settings()).theme
        use_keymap(own_keys or {})
        self.set_keymap(keymap.for_textual(own_keys or {}))

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [Plain()] if self.no_color else super().get_line_filters()
