"""The run as it was at a moment of its replay: its events, folded as the screen of a run folds them."""

from __future__ import annotations

from loomtui.restore.replay.recording import Recording
from screens.restore.run_view import RunView


class Stage:
    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._view = RunView(recording.nodes)
        self._taken = 0

    def after(self, events: int) -> RunView:
        """After so many events. Back in time, it is folded anew from the beginning."""
        if events < self._taken:
            self._view, self._taken = RunView(self._recording.nodes), 0
        for event in self._recording.events[self._taken : events]:
            self._view.take(event)
        self._taken = events
        return self._view
