"""Shows a run that another process on this machine works on. It can only be looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from screens.restore.run_controller import RunMonitor
from screens.restore.run_screen import RunScreen
from screens.restore.run_text import RunUiState


class WatchScreen(RunScreen):
    NAME_SHOWN: ClassVar[str] = "Watch"
    HELP: ClassVar[str] = (
        "Somebody else does this restore from this machine. You see what its journal tells: the steps, the "
        "nodes of the current step, and the services' logs. You cannot decide anything here. The bytes that "
        "are being moved are not in the journal, so they are not counted here."
    )

    def __init__(self, watcher: RunMonitor) -> None:
        super().__init__(watcher)

    def state(self) -> RunUiState:
        return replace(super().state(), watching=True)
