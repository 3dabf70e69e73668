"""The app before there is a cluster: only the choice of a drill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from loomtui.drill.logbook import Entry
from loomtui.drill.scenarios import Scenario
from screens.drill.chooser_screen import ChooserScreen
from screens.frame import utc_now
from screens.input import keys
from screens.settings import Settings
from screens.styled_app import StyledApp
from screens.terminal import GONE_STATUS

if TYPE_CHECKING:
    from textual.driver import Driver

_VALIDATORS = 4
_LEAVE = tuple(key for key in (*keys.APP, *keys.BACK) if key.id in ("app.quit", "screen.back"))


class ChooserApp(StyledApp[tuple[str, int]]):
    """Its answer is that of `ChooserScreen`; None: nobody wants to play."""

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
        super().__init__(settings, own_keys, driver_class)
        self._chooser = ChooserScreen(scenarios, entries, validators or _VALIDATORS, now)

    def on_mount(self) -> None:
        self.push_screen(self._chooser, self.exit)

    def on_terminal_gone(self) -> None:
        """There is nothing yet that has to be brought to an end."""
        self.exit(return_code=GONE_STATUS)

    async def action_back(self) -> None:
        self.exit()
