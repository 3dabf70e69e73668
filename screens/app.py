"""The app: its frame, its parts, and what works on every screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.worker import Worker, WorkerState

from loomtui.engine.api import Engine, WritableEngine
from loomtui.errors import LoomtuiError
from loomtui.fleet.ssh.prompter import Refuse
from screens import unfinished_run
from screens.attention import LOOK_SECONDS, Attention, terminal_of
from screens.context import AppContext
from screens.frame import Clock, utc_now
from screens.framed_app import FramedApp
from screens.health.health_screen import HealthScreen
from screens.input import keys
from screens.input.key_order import Typed
from screens.leaving import Leaving
from screens.navigator import Navigator
from screens.prompter import ScreenPrompter
from screens.restore.run_controller import RunController
from screens.run_navigator import RunNavigator
from screens.settings import Settings

if TYPE_CHECKING:
    from textual.driver import Driver

    from loomtui.drill.desk import Desk
    from screens.drill.referee import Referee

_CLOSE_SECONDS = 3.0


class LoomApp(FramedApp):
    """`drill` is what is played, if this is a drill. `plan_path` is a plan to review at once.

    `at_choice` opens the choice of what is restored at once, unless a restore is unfinished.
    `served` means that the app is shown in a browser, where nobody is asked anything.
    """

    BINDINGS = keys.bindings(keys.APP, keys.DRILL)

    def __init__(
        self,
        engine: Engine,
        *,
        drill: Desk | None = None,
        plan_path: Path | None = None,
        at_choice: bool = False,
        now: Clock = utc_now,
        settle_seconds: float = 0.7,
        settings: Settings | None = None,
        own_keys: Mapping[str, str] | None = None,
        keep_theme: Callable[[str], None] | None = None,
        driver_class: type[Driver] | None = None,
        served: bool = False,
    ) -> None:
        settings = settings or Settings()
        context = AppContext(engine, now=now, settle_seconds=settle_seconds, served=served, drill=drill)
        super().__init__(
            context, settings=settings, own_keys=own_keys, keep_theme=keep_theme, driver_class=driver_class
        )
        self.context = context
        self._prompter = ScreenPrompter(self)
        self._plan_path = plan_path
        self._at_choice = at_choice
        if isinstance(engine, WritableEngine):
            self.context.controller = RunController(self, engine)
        self.runs = RunNavigator(self, self.context)
        self.navigation = Navigator(self, self.context, self.runs)
        self.leaving = Leaving(self, self.context)
        self._referee: Referee | None = None
        if drill is not None:
            from screens.drill.referee import Referee  # what it imports takes time that no incident has

            self._referee = Referee(self, self.context, drill)
        self.attention = Attention(self.context, lambda: terminal_of(self._driver), settings.attention)

    def on_mount(self) -> None:
        home_screen = HealthScreen()
        self.push_screen(home_screen)
        self.call_later(home_screen.call_after_refresh, self._begin, home_screen)

    def _begin(self, home_screen: HealthScreen) -> None:
        """Begins after the first frame, so that nobody waits for a connection to see something."""
        self.context.engine.open(Refuse() if self.context.served else self._prompter)
        home_screen.start_polling()
        if self._plan_path is not None:
            self.navigation.review(self._plan_path)
        elif self.context.writable and (unfinished := self.runs.unfinished()):
            unfinished_run.offer(self, self.runs, unfinished[0])
        elif self._at_choice:
            self.navigation.restore()
        if self.context.writable:
            self.set_interval(LOOK_SECONDS, self.attention.look)
        if self._referee is not None:
            self._referee.begin()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Handles the workers that belong to no screen: those of a run."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.navigation.show_fault(event.worker.error)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, Typed | events.MouseEvent):
            self.attention.typed()
        await super().on_event(event)

    def on_screen_prompter_asked(self, message: ScreenPrompter.Asked) -> None:
        def set_answer(answer: object) -> None:
            if not message.answer.done():
                message.answer.set_result(answer)

        self.push_screen(message.dialog, set_answer)

    def on_screen_prompter_withdrawn(self, message: ScreenPrompter.Withdrawn) -> None:
        if message.dialog.is_active:
            message.dialog.dismiss(None)

    def action_go(self, place: str) -> None:
        self.navigation.go(place)

    def action_restore(self) -> None:
        self.navigation.restore()

    def action_drill(self, what: str) -> None:
        if self._referee is not None:
            self._referee.do(what)

    def action_suspend(self) -> None:
        if self.leaving.may_suspend():
            self.action_suspend_process()

    async def action_quit(self) -> None:
        self.leaving.ask()

    def on_terminal_gone(self) -> None:
        self._prompter.leave()
        self.leaving.terminal_gone()

    async def on_unmount(self) -> None:
        """A node that hangs does not keep the program from ending."""
        with suppress(TimeoutError, LoomtuiError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.context.engine.close()
