"""A log view that fetches its lines itself."""

from __future__ import annotations

import asyncio
import gc
from datetime import datetime
from functools import partial

from textual.message import Message
from textual.worker import Worker, WorkerState

from loomtui.errors import LoomtuiError
from screens import workers
from screens.context import context_of
from screens.logs.log_buffer import Entry, entry_of
from screens.logs.log_view import LogView
from screens.navigation import navigation_of


class LiveLog(LogView):
    """Follows the logs of all nodes for as long as it is on a screen."""

    class Received(Message):
        def __init__(self, entries: tuple[Entry, ...], since: datetime | None) -> None:
            super().__init__()
            self.entries = entries
            self.since = since

    class Ended(Message):
        """Why nothing more comes: an error, or None."""

        def __init__(self, error: LoomtuiError | None) -> None:
            super().__init__()
            self.error = error

    def __init__(self, nodes: tuple[str, ...], *, initial_lines: int = 200, id: str | None = None) -> None:
        super().__init__(nodes, id=id)
        self._initial_lines = initial_lines
        self._since: datetime | None = None  # what was asked for last
        self._target_time: datetime | None = None  # to be shown as soon as it comes

    def on_mount(self) -> None:
        super().on_mount()
        gc.freeze()  # a search for garbage among all that is there already would hold keys up in a flood
        self._start_reading()

    def on_unmount(self) -> None:
        gc.unfreeze()

    def read_since(self, since: datetime) -> None:
        """Forgets the lines, and reads those from this moment on from every node's journal."""
        self._since = self._target_time = since
        self.buffer.pause(False)
        self.buffer.clear()
        self.change()
        self._start_reading()

    def _start_reading(self) -> None:
        workers.start(self, partial(self._follow, self._since), group="logs")

    async def _follow(self, since: datetime | None) -> None:
        lines = self._initial_lines if since is None else None
        try:
            async for batch in context_of(self).engine.logs(follow=True, lines=lines, since=since):
                entries = [entry_of(line.node, line.at, line.text, notice=line.notice) for line in batch]
                self.post_message(self.Received(tuple(entries), since))
                await asyncio.sleep(0)  # in a flood too, keys have their turn
            self.post_message(self.Ended(None))
        except LoomtuiError as error:
            self.post_message(self.Ended(error))

    def on_live_log_received(self, message: Received) -> None:
        if message.since != self._since:
            return  # of a reading that was given up
        self.add(message.entries)
        if self._target_time is not None and self.buffer.shown:
            target_time, self._target_time = self._target_time, None
            self.position.stay()
            self.move_to(self.buffer.place_at(target_time))
            self.position.stay()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            navigation_of(self).show_fault(event.worker.error)
