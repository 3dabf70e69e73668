"""The app before there is a cluster: only the choice of a drill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from textual.app import App

from loomtui.drill.logbook import Entry
from loomtui.drill.scenarios import Scenario
from screens.drill.chooser_screen import ChooserScreen
from screens.frame import utc_now
from screens.input import keymap, keys
from screens.input.key import use_keymap
from screens.settings import Settings
from screens.styles.sheets import STYLE_SHEETS
from screens.styles.themes import THEMES, Plain
from screens.terminal import GONE_STATUS

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.filter import LineFilter

_VALIDATORS = 4
_LEAVE = tuple(key for key in (*keys.APP, *keys.BACK) if key.id in ("app.quit", "screen.back"))


class ChooserApp(App[tuple[str, int]]):
    """Its answer is that of `ChooserScreen`; None: nobody wants to play."""

    TITLE = "loomtui"
    CSS_PATH = STYLE_SHEETS
    BINDINGS = keys.bindings(_LEAVE)
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        entries: Sequence[Entry],
        validators: int | None = None,
        *,
        settings: Settings | None = None,
        own_keys: Mapping[str, str] | None = None,
        now: Callable[[], datetime] = utc_now,
        driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = (settings or Settings()).theme
        use_keymap(own_keys or {})
        self.set_keymap(keymap.for_textual(own_keys or {}))
        self._chooser = ChooserScreen(scenarios, entries, validators or _VALIDATORS, now)

    def on_mount(self) -> None:
        self.push_screen(self._chooser, self.exit)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [Plain()] if self.no_color else super().get_line_filters()

    def on_terminal_gone(self) -> None:
        """There is nothing yet that has to be brought to an end."""
        self.exit(return_code=GONE_STATUS)

    async def action_back(self) -> None:
        self.exit()
