"""A log view that fetches its lines itself."""

from __future__ import annotations

from textual.message import Message
from textual.worker import Worker, WorkerState

from loomtui.errors import LoomtuiError
from screens.desk import app_of, desk_of
from screens.log_buffer import Entry, entry_of
from screens.widgets.log_view import LogView


class LiveLog(LogView):
    """Follows the logs of all nodes for as long as it is on a screen."""

    class Came(Message):
        def __init__(self, entries: tuple[Entry, ...]) -> None:
            super().__init__()
            self.entries = entries

    class Ended(Message):
        """Why nothing comes any more: an error, or None."""

        def __init__(self, error: LoomtuiError | None) -> None:
            super().__init__()
            self.error = error

    def __init__(self, nodes: tuple[str, ...], *, first: int = 200, id: str | None = None) -> None:
        super().__init__(nodes, id=id)
        self._first = first

    def on_mount(self) -> None:
        super().on_mount()
        self.run_worker(self._tail(), group="logs", exclusive=True, exit_on_error=False)

    async def _tail(self) -> None:
        try:
            async for batch in desk_of(self).engine.logs(follow=True, lines=self._first):
                entries = [entry_of(line.node, line.at, line.text, notice=line.notice) for line in batch]
                self.post_message(self.Came(tuple(entries)))
            self.post_message(self.Ended(None))
        except LoomtuiError as error:
            self.post_message(self.Ended(error))

    def on_live_log_came(self, message: Came) -> None:
        self.add(message.entries)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            app_of(self).show_fault(event.worker.error)
