"""Keeps the run going while screens come and go. The run belongs to the app, and a screen only watches it."""

from __future__ import annotations

import asyncio
import getpass
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.message_pump import MessagePump

from loomtui.engine.api import RunHandle, WatchedRun, WritableEngine
from loomtui.errors import LoomtuiError
from loomtui.restore.events import Outcome
from loomtui.restore.report import Ending, ending_of
from loomtui.wording.quantities import size
from screens import workers
from screens.restore.run_view import RunView
from screens.restore.screen_operator import Question, ScreenOperator
from screens.text import content

if TYPE_CHECKING:
    from textual.app import App
    from textual.worker import Worker

    from loomtui.restore.events import StepName
    from loomtui.restore.plan import Plan
    from loomtui.restore.planning.signed_plan import PlanFile
    from loomtui.restore.report.estimates import Estimate


_OVER = frozenset({Outcome.RESTORED, Outcome.ROLLED_BACK})


def operator_name() -> str:
    """The name under which the journal records who decided."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


class RunFollower:
    """Knows how far a run has come. All in `watchers` get `Changed` if there is something to show."""

    class Changed(Message):
        """Something moved in the run; only the latest matters."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, RunFollower.Changed)

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self.watchers: set[MessagePump] = set()
        self.handle: WatchedRun | None = None
        self.view: RunView | None = None
        self.error: LoomtuiError | None = None
        self._worker: Worker[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether something works on the run."""
        return self._worker is not None and self._worker.is_running

    @property
    def over(self) -> bool:
        """Whether it is restored or rolled back, so that there is nothing to go on with."""
        return self.view is not None and self.view.outcome in _OVER

    @property
    def pending(self) -> Question | None:
        """What the operator is asked now."""
        return None

    async def _follow(self, handle: WatchedRun, view: RunView) -> None:
        async for event in handle.events():
            view.take(event)
            self._notify_watchers()

    def _notify_watchers(self) -> None:
        for watcher in self.watchers:
            watcher.post_message(self.Changed())


class RunMonitor(RunFollower):
    """Follows a run that another process works on: it is seen here, and decided there."""

    def __init__(self, app: App[Any], handle: WatchedRun) -> None:
        super().__init__(app)
        self.handle = handle
        self.view = RunView(tuple(node.name for node in handle.plan.nodes))
        self._worker = workers.start(app, partial(self._watch, handle, self.view), group="watch")

    async def _watch(self, handle: WatchedRun, view: RunView) -> None:
        try:
            await self._follow(handle, view)
        except LoomtuiError as error:
            self.error = error
        finally:
            self._app.call_later(self._notify_watchers)


class RunController(RunFollower):
    """Drives one run after the other."""

    handle: RunHandle | None

    def __init__(self, app: App[Any], engine: WritableEngine) -> None:
        super().__init__(app)
        self._engine = engine
        self.operator = ScreenOperator(operator_name(), self._notify_watchers)
        self.estimates: Mapping[StepName, Estimate] = {}
        self.ending: Ending | None = None  # of a run that is over
        self.cleaning = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def pending(self) -> Question | None:
        return self.operator.pending

    @property
    def waits(self) -> bool:
        """Whether the run stands still until the operator answers."""
        return self.operator.pending is not None

    def begin(
        self,
        plan: Plan,
        file: PlanFile | None = None,
        *,
        break_glass: bool = False,
        carry_on: bool = False,
    ) -> None:
        """With `carry_on`, the operator has consented to all that the plan does.

        Raises LoomtuiError if the run cannot be created.
        """
        self._take_up(self._engine.begin(plan, self.operator, file, break_glass=break_glass))
        if carry_on:
            self.operator.consent(plan)
            self.operator.carry_on()
        self._drive(lambda handle: handle.restore())

    def resume(self, run_id: str, *, break_glass: bool = False) -> None:
        """Raises LoomtuiError if the run cannot be opened."""
        self._take_up(self._engine.reopen(run_id, self.operator, break_glass=break_glass))
        self._drive(lambda handle: handle.restore())

    def roll_back(self, run_id: str) -> None:
        """Raises LoomtuiError if the run cannot be opened."""
        self._take_up(self._engine.reopen(run_id, self.operator))
        self._drive(lambda handle: handle.rollback())

    def clean(self, run_id: str) -> None:
        """Deletes what the run replaced. Raises LoomtuiError if the run cannot be opened."""
        self._take_up(self._engine.reopen(run_id, self.operator))
        self.cleaning = True
        self._drive(self._clean)

    async def _clean(self, handle: RunHandle) -> None:
        freed = await handle.clean()
        content.tell(self._app, f"{size(freed)} are free again.", seconds=12)

    def stop(self) -> None:
        """Ends the work on the run. Its journal lets it be resumed."""
        if self._worker is not None:
            self._worker.cancel()

    async def ended(self) -> None:
        """Returns when nothing works on the run any more, however that came."""
        await self._idle.wait()  # not for the worker itself: whoever gives up waiting for that cancels it

    def _take_up(self, handle: RunHandle) -> None:
        self.handle = handle
        self.operator.take_up(handle.id)
        self.view = RunView(tuple(node.name for node in handle.plan.nodes))
        self.estimates = self._engine.estimates(handle.plan)

    def _drive(self, work: Callable[[RunHandle], Awaitable[object]]) -> None:
        handle = self.handle
        if handle is None:
            return
        self.error = self.ending = None
        self._idle.clear()
        self.view = RunView(tuple(node.name for node in handle.plan.nodes))
        workers.start(self._app, partial(self._follow, handle, self.view), group="run-events")
        self._worker = workers.start(self._app, partial(self._carry_out, handle, work), group="run")

    async def _carry_out(self, handle: RunHandle, work: Callable[[RunHandle], Awaitable[object]]) -> None:
        try:
            await work(handle)
        except LoomtuiError as error:
            self.error = error
        finally:
            self.cleaning = False
            self.ending = self._read_ending(handle)
            self._idle.set()
            self._app.call_later(self._notify_watchers)

    def _read_ending(self, handle: RunHandle) -> Ending | None:
        """None: the run is not over, or cannot be read any more; its report tells why."""
        try:
            chronicle = self._engine.chronicle(handle.id)
        except LoomtuiError:
            return None
        return ending_of(chronicle) if chronicle.summary.outcome in _OVER else None
