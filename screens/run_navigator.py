"""How a run is begun, resumed, rolled back or watched from any screen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from loomtui.engine.api import WritableEngine
from loomtui.errors import LoomtuiError, SecondMissing
from loomtui.restore.replay.player import Player
from screens import workers
from screens.context import AppContext
from screens.input import keys
from screens.modals.confirm import Act, ConfirmDialog
from screens.modals.text import ErrorDialog
from screens.replay.replay_screen import ReplayScreen
from screens.restore.restore_screen import RestoreScreen, rollback_act
from screens.restore.run_controller import RunController, RunMonitor, operator_name
from screens.restore.watch_screen import WatchScreen
from screens.runs.elsewhere_text import take_over_act
from screens.runs.record_screen import RunRecordScreen
from screens.runs.runs_screen import is_unfinished
from screens.stack import return_to
from screens.text import content

if TYPE_CHECKING:
    from textual.app import App

    from loomtui.restore.plan import Plan
    from loomtui.restore.planning.signed_plan import PlanFile
    from loomtui.restore.record.run_store import RunSummary
    from loomtui.restore.takeover.known_runs import SeenRun


class RunNavigator:
    """The `RunNavigation` of the app."""

    def __init__(self, app: App[Any], context: AppContext) -> None:
        self._app = app
        self._context = context

    def unfinished(self) -> tuple[RunSummary, ...]:
        runs = self._context.engine.runs()
        return tuple(run for run in runs if run.cluster == self._context.cluster and is_unfinished(run))

    def begin_run(self, plan: Plan, file: PlanFile | None = None, *, carry_on: bool = False) -> None:
        self._start_seen_by_two(
            file,
            lambda controller, break_glass: controller.begin(
                plan, file, break_glass=break_glass, carry_on=carry_on
            ),
        )

    def resume_run(self, run_id: str) -> None:
        self._start_seen_by_two(
            run_id, lambda controller, break_glass: controller.resume(run_id, break_glass=break_glass)
        )

    def _start_seen_by_two(
        self, of: PlanFile | str | None, start: Callable[[RunController, bool], None]
    ) -> None:
        """Asks for the cluster's name first, where nobody else has signed the plan and somebody has to."""
        engine = self._context.engine
        if not engine.inventory.require_second or not isinstance(engine, WritableEngine):
            self._start_work(lambda controller: start(controller, False))
            return

        async def see() -> None:
            try:
                await engine.see_second(of)
            except SecondMissing as missing:
                act = break_glass_act(missing, engine.inventory.names)
                self._app.push_screen(ConfirmDialog(act), break_glass_if)
            except LoomtuiError as error:
                self._app.push_screen(ErrorDialog("The run could not begin", error))
            else:
                self._start_work(lambda controller: start(controller, False))

        def break_glass_if(confirmed: bool | None) -> None:
            if confirmed:
                self._start_work(lambda controller: start(controller, True))

        workers.start(self._app, see, group="second")

    def roll_back_run(self, run_id: str) -> None:
        act = rollback_act(self._context.engine.inventory.names)
        self._app.push_screen(
            ConfirmDialog(act), lambda confirmed: self.start_rollback(run_id) if confirmed else None
        )

    def start_rollback(self, run_id: str) -> None:
        self._start_work(lambda controller: controller.roll_back(run_id))

    def clean_run(self, run_id: str) -> None:
        self._start_work(lambda controller: controller.clean(run_id))

    def show_record(self, run_id: str) -> None:
        try:
            run = self._context.engine.chronicle(run_id).summary
        except LoomtuiError as error:
            self._app.push_screen(ErrorDialog("No report", error))
            return
        self._app.push_screen(RunRecordScreen(run))

    def watch_run(self, run_id: str) -> None:
        try:
            handle = self._context.engine.watched(run_id)
        except LoomtuiError as error:
            self._app.push_screen(ErrorDialog("The run cannot be watched", error))
            return
        self._app.push_screen(WatchScreen(RunMonitor(self._app, handle)))

    def replay_run(self, run_id: str) -> None:
        try:
            recording = self._context.engine.recording(run_id)
        except LoomtuiError as error:
            self._app.push_screen(ErrorDialog("The run cannot be replayed", error))
            return
        self._app.push_screen(ReplayScreen(Player(recording)))

    def watch_elsewhere(self, run_id: str) -> None:
        async def watch() -> None:
            try:
                handle = await self._context.engine.watched_on_nodes(run_id)
            except LoomtuiError as error:
                self._app.push_screen(ErrorDialog("The run cannot be watched", error))
                return
            self._app.push_screen(WatchScreen(RunMonitor(self._app, handle)))

        workers.start(self._app, watch, group="take-over", exit_on_error=True)

    def take_over_run(self, run: SeenRun) -> None:
        def taken(confirmed: bool | None) -> None:
            if confirmed:
                workers.start(self._app, partial(self._take_over, run), group="take-over", exit_on_error=True)

        self._app.push_screen(ConfirmDialog(take_over_act(run)), taken)

    async def _take_over(self, run: SeenRun) -> None:
        """The name was typed, so it is done also while the run shows signs of life: the dialog told them."""
        engine = self._context.engine
        if not isinstance(engine, WritableEngine):
            return
        try:
            found = await engine.find_run(run.id)
            await engine.take_over(found, operator_name(), although_at_work=run.is_alive)
        except LoomtuiError as error:
            self._app.push_screen(ErrorDialog("The run could not be taken over", error))
            return
        if found.disagreement is None:
            self.resume_run(run.id)
        else:
            self.roll_back_run(run.id)  # by its record it must not be gone on with

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


def break_glass_act(missing: SecondMissing, nodes: tuple[str, ...]) -> Act:
    return Act(
        "Go on without a second pair of eyes",
        nodes,
        f"It is done although {missing.what}. The journal and the report say so.",
        f"Nothing is begun yet. {missing.advice}",
        "Break the glass",
        typed=True,
    )


def tell_busy(app: App[Any]) -> None:
    """Says that only one run can go on at a time."""
    content.tell(app, f"A run is going on; {keys.name('app.restore')} shows it.", severity="warning")
