"""The app of `loomtui replay`. It has a recording: no inventory, no engine, no connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.worker import Worker, WorkerState

from loomtui.restore.replay.player import Player
from screens.faults import show_fault
from screens.frame import FrameContext
from screens.framed_app import FramedApp
from screens.input import keys
from screens.replay.replay_screen import ReplayScreen
from screens.terminal import GONE_STATUS

if TYPE_CHECKING:
    from textual.driver import Driver

    from screens.settings import Settings


class ReplayApp(FramedApp):
    """Its one screen is the replay, so the way back from there leads out."""

    BINDINGS = keys.bindings(keys.APART)

    def __init__(
        self,
        player: Player,
        *,
        settings: Settings | None = None,
        own_keys: Mapping[str, str] | None = None,
        keep_theme: Callable[[str], None] | None = None,
        driver_class: type[Driver] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives seconds."""
        recording = player.recording
        context = FrameContext(recording.cluster, production=False, mark="▶▶ REPLAY")
        super().__init__(
            context, settings=settings, own_keys=own_keys, keep_theme=keep_theme, driver_class=driver_class
        )
        self.context = context
        self.navigation = self
        self._replay = ReplayScreen(player, clock=clock)

    def on_mount(self) -> None:
        self.push_screen(self._replay)

    def back(self) -> None:
        self.exit(0)

    def show_fault(self, error: BaseException) -> None:
        show_fault(self, error, "A replay changes nothing.", f"Leave with {keys.name('app.quit')}.")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.show_fault(event.worker.error)

    def action_suspend(self) -> None:
        self.action_suspend_process()

    async def action_quit(self) -> None:
        self.exit(0)

    def on_terminal_gone(self) -> None:
        self.exit(GONE_STATUS)
