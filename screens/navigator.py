"""The way between the screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loomtui.engine.api import WritableEngine
from loomtui.errors import LoomtuiError
from loomtui.restore.choices import Choices
from screens.backups.backups_screen import BackupsScreen
from screens.context import AppContext
from screens.faults import show_fault
from screens.health.health_screen import HealthScreen
from screens.identity.node_keys_screen import NodeKeysScreen
from screens.identity.services_screen import ServicesScreen
from screens.input import keys
from screens.logs.log_view import LogView
from screens.logs.logs_screen import LogsScreen
from screens.modals.text import ErrorDialog
from screens.restore.choose_screen import ChooseScreen
from screens.restore.plan_screen import PlanScreen
from screens.run_navigator import RunNavigator, tell_busy
from screens.runs.runs_screen import RunsScreen
from screens.stack import return_to

if TYPE_CHECKING:
    from textual.app import App

    from screens.base import LoomScreen

_NEW: dict[str, Callable[[], LoomScreen]] = {
    "backups": BackupsScreen,
    "keys": NodeKeysScreen,
    "services": ServicesScreen,
    "logs": LogsScreen,
    "runs": RunsScreen,
}
_KINDS: dict[str, type[LoomScreen]] = {
    "health": HealthScreen,
    "backups": BackupsScreen,
    "keys": NodeKeysScreen,
    "services": ServicesScreen,
    "logs": LogsScreen,
    "runs": RunsScreen,
}
#: The empty screen that Textual begins with, and home.
_BOTTOM = 2


class Navigator:
    """The `Navigation` of the app, and what only the app asks for: `restore` and `review`."""

    def __init__(self, app: App[Any], context: AppContext, runs: RunNavigator) -> None:
        self._app = app
        self._context = context
        self._runs = runs

    def back(self) -> None:
        if len(self._app.screen_stack) > _BOTTOM:
            self._app.pop_screen()

    def go(self, place: str) -> None:
        if not return_to(self._app, _KINDS[place]):
            self._app.push_screen(_NEW[place]())

    def restore(self) -> None:
        """Goes to the run that is going on, else to the open plan or choice, else to a new one."""
        if self._runs.open_current():
            return
        if not return_to(self._app, PlanScreen) and not return_to(self._app, ChooseScreen):
            self._app.push_screen(ChooseScreen())

    def restore_from(self, time: datetime | None) -> None:
        controller = self._context.controller
        if controller is None:
            return
        if controller.busy:
            tell_busy(self._app)
            return
        screen = ChooseScreen()
        screen.choices = replace(screen.choices, before=time)
        self._app.push_screen(screen)

    def plan_for(self, nodes: Sequence[str]) -> None:
        if not self._context.writable:
            return
        all_chosen = len(nodes) == len(self._context.engine.inventory.names)
        screen = ChooseScreen()
        screen.choices = Choices(nodes=None if all_chosen else tuple(nodes))
        self._app.push_screen(screen)

    def review(self, path: Path) -> None:
        """Shows the plan in a file."""
        engine = self._context.engine
        if not isinstance(engine, WritableEngine):
            return
        try:
            file = engine.load_plan(path)
            self._app.push_screen(PlanScreen(file.plan.choices, file))
        except LoomtuiError as error:
            self._app.push_screen(ErrorDialog("This plan cannot be read", error))

    def logs_of(self, nodes: Sequence[str]) -> None:
        self.go("logs")
        self._app.call_after_refresh(self._hide_others, frozenset(nodes))

    def _hide_others(self, nodes: frozenset[str]) -> None:
        for view in self._app.screen.query(LogView):
            view.buffer.select(hidden=frozenset(self._context.engine.inventory.names) - nodes)
            view.change()

    def show_fault(self, error: BaseException) -> None:
        controller = self._context.controller
        if controller is not None and controller.busy:
            safe = "The restore is not touched by it and goes on."
            advice = f"Close this; {keys.name('app.restore')} shows the restore."
        else:
            safe = "No step goes on. What a restore has stopped stays stopped and held."
            advice = f"Leave with {keys.name('app.quit')} and start again; a restore can be resumed."
        show_fault(self._app, error, safe, advice)
