"""A run that another process on this machine works on, to look at only."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from screens.restore.run_controller import RunMonitor
from screens.restore.run_screen import RunScreen
from screens.restore.run_text import RunUiState


class WatchScreen(RunScreen):
    NAME_SHOWN: ClassVar[str] = "Watch"
    HELP: ClassVar[str] = (
        "A restore that somebody else does from this machine, as far as its journal tells: the steps, the "
        "nodes of the step at work, and the services' logs. Nothing can be decided here. Bytes that are "
        "being moved are not counted here; they are not in the journal."
    )

    def __init__(self, watcher: RunMonitor) -> None:
        super().__init__(watcher)

    def state(self) -> RunUiState:
        return replace(super().state(), watching=True)
