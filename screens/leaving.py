"""Leaving the app: what it asks before, what it says after, and what happens if the terminal goes away."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from screens import workers
from screens.context import AppContext
from screens.modals.ask import ChoiceDialog
from screens.terminal import GONE_STATUS
from screens.text import content

if TYPE_CHECKING:
    from textual.app import App

    from screens.restore.run_controller import RunController

_INTERRUPTED = 130


class Leaving:
    """A run that is not done does not keep the operator, because its journal lets it be resumed."""

    def __init__(self, app: App[Any], context: AppContext) -> None:
        self._app = app
        self._context = context

    def ask(self) -> None:
        """Leaves, or asks first if a run is going on."""
        controller = self._context.controller
        if controller is None or not controller.busy or controller.handle is None:
            self._app.exit(self.exit_status)
            return
        run_id = controller.handle.id
        self._app.push_screen(
            ChoiceDialog(
                "Leave in the middle of a restore?",
                f"The run {run_id} stops where it is. What is stopped stays stopped and held. "
                f"It can be resumed:  loomtui resume {run_id}",
                (
                    ("", "Stay", "the run goes on"),
                    ("leave", "Leave", f"resume later with: loomtui resume {run_id}"),
                ),
            ),
            lambda answer: self._app.exit(_INTERRUPTED) if answer == "leave" else None,
        )

    def terminal_gone(self) -> None:
        """Brings what is at work to its end. The next question stops the run, because nobody hears it."""
        controller = self._context.controller
        if controller is not None:
            controller.operator.leave()
        workers.start(self._app, partial(self._exit_after, controller), group="leave", exit_on_error=True)

    async def _exit_after(self, controller: RunController | None) -> None:
        if controller is not None:
            await controller.ended()
        self._app.exit(GONE_STATUS)

    def may_suspend(self) -> bool:
        """If the shell stopped this process, it could not go on with a run either."""
        controller = self._context.controller
        if controller is None or not controller.busy or controller.waits:
            return True
        content.tell(
            self._app,
            "A run is at work and would stand still with this program. Open another terminal instead.",
            severity="warning",
        )
        return False

    @property
    def exit_status(self) -> int:
        """As the command line promises, 0 unless a run was begun and is not done."""
        controller = self._context.controller
        if controller is None or controller.handle is None or controller.over:
            return 0
        return _INTERRUPTED if controller.error is None else controller.error.exit_status

    @property
    def farewell(self) -> str:
        """What is left to say in the terminal."""
        controller = self._context.controller
        if controller is None or controller.handle is None or controller.over:
            return ""
        run_id = controller.handle.id
        commands = f"Go on: loomtui resume {run_id}   Undo: loomtui rollback {run_id}"
        return f"The restore {run_id} is unfinished. {commands}"
