"""How a run is begun, resumed, rolled back or watched from any screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loomtui.errors import LoomtuiError
from screens.context import AppContext
from screens.input import keys
from screens.modals.confirm import ConfirmDialog
from screens.modals.text import ErrorDialog
from screens.restore.restore_screen import RestoreScreen, rollback_act
from screens.restore.run_controller import RunController, RunMonitor
from screens.restore.watch_screen import WatchScreen
from screens.runs.runs_screen import is_unfinished
from screens.stack import return_to
from screens.text import content

if TYPE_CHECKING:
    from textual.app import App

    from loomtui.restore.plan import Plan
    from loomtui.restore.record.run_store import RunSummary


class RunNavigator:
    """The `RunNavigation` of the app."""

    def __init__(self, app: App[Any], context: AppContext) -> None:
        self._app = app
        self._context = context

    def unfinished(self) -> tuple[RunSummary, ...]:
        runs = self._context.engine.runs()
        return tuple(run for run in runs if run.cluster == self._context.cluster and is_unfinished(run))

    def begin_run(self, plan: Plan) -> None:
        self._start_work(lambda controller: controller.begin(plan))

    def resume_run(self, run_id: str) -> None:
        self._start_work(lambda controller: controller.resume(run_id))

    def roll_back_run(self, run_id: str) -> None:
        act = rollback_act(self._context.engine.inventory.names)
        self._app.push_screen(
            ConfirmDialog(act), lambda confirmed: self.start_rollback(run_id) if confirmed else None
        )

    def start_rollback(self, run_id: str) -> None:
        self._start_work(lambda controller: controller.roll_back(run_id))

    def watch_run(self, run_id: str) -> None:
        try:
            handle = self._context.engine.watched(run_id)
        except LoomtuiError as error:
            self._app.push_screen(ErrorDialog("The run cannot be watched", error))
            return
        self._app.push_screen(WatchScreen(RunMonitor(self._app, handle)))

    def open_current(self) -> bool:
        """Shows the run that this process works on. False means that there is none, or that it is over."""
        controller = self._context.controller
        if controller is None or controller.handle is None or (controller.over and not controller.busy):
            return False
        self._open(controller)
        return True

    def _start_work(self, start: Callable[[RunController], None]) -> None:
        controller = self._context.controller
        if controller is None:
            return
        if controller.busy:
            tell_busy(self._app)
            return
        try:
            start(controller)
        except LoomtuiError as error:
            self._app.push_screen(ErrorDialog("The run could not begin", error))
            return
        self._open(controller)

    def _open(self, controller: RunController) -> None:
        if not return_to(self._app, RestoreScreen):
            self._app.push_screen(RestoreScreen(controller))


def tell_busy(app: App[Any]) -> None:
    """Says that only one run can go on at a time."""
    content.tell(app, f"A run is going on; {keys.name('app.restore')} shows it.", severity="warning")
