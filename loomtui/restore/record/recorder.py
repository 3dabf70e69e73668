"""Sends a run's events first to the disk, then to everyone who watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from loomtui.restore.events import Amount, Event, EventKind, Json, StepName
from loomtui.restore.record.run_journal import Journal
from loomtui.restore.record.run_store import Run

#: In a decision's data: the seconds that its answer took. Journals hold this name: never change it.
WAITED = "waited"


class Recorder:
    """The events of one run while this process works on it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._journal: Journal | None = None
        self._watchers: list[asyncio.Queue[Event | None]] = []
        self._over = False
        self.listener: Callable[[Event], None] = lambda _event: None  # is told at once, unlike who watches

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Keeps the journal open.

        Afterwards every watcher's stream ends. Raises LockHeld, as Run.hold does.
        """
        try:
            with self._run.hold():
                self._journal = self._run.journal()
                try:
                    yield
                finally:
                    journal, self._journal = self._journal, None
                    with suppress(OSError):
                        journal.close()
        finally:
            self._over = True
            for queue in self._watchers:
                queue.put_nowait(None)

    async def events(self) -> AsyncIterator[Event]:
        """The events so far, then each new one. Ends when `recording` has ended."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._watchers.append(queue)
        if self._over:
            queue.put_nowait(None)
        last = 0
        for event in self._run.events():
            last = event.seq
            yield event
        while (new := await queue.get()) is not None:
            if new.kind is EventKind.TASK_PROGRESS or new.data.get("live") or new.seq > last:
                yield new

    def emit(
        self,
        kind: EventKind,
        message: str,
        step: StepName | None = None,
        node: str | None = None,
        data: Mapping[str, Json] | None = None,
    ) -> None:
        """Raises LoomtuiError if the disk does not take the event; then the run must not go on."""
        assert self._journal is not None  # noqa: S101 - only called while `recording`
        event = self._journal.write(kind, message, step=step, node=node, data=dict(data or {}))
        self.listener(event)
        for queue in self._watchers:
            queue.put_nowait(event)

    def progress(self, step: StepName, node: str, amount: Amount) -> None:
        data: dict[str, Json] = {"done": amount.done, "total": amount.total}
        message = f"{amount.done:,} of {amount.total:,} bytes"
        if amount.files is not None:
            data |= {"files": amount.files, "files_total": amount.files_total}
            message += f", {amount.files:,} of {amount.files_total:,} files"
        self.emit(EventKind.TASK_PROGRESS, message, step, node, data)

    def note(self, step: StepName | None, node: str | None, message: str, data: Mapping[str, Json]) -> None:
        self.emit(EventKind.NOTE, message, step, node, data)

    def warn(self, node: str | None, message: str) -> None:
        self.emit(EventKind.NOTE, message, node=node, data={"severity": "warning"})

    def decided(
        self, step: StepName | None, node: str | None, message: str, data: Mapping[str, Json]
    ) -> None:
        """Records a decision. `data` says what was asked, what was answered, by whom, and after what wait."""
        self.emit(EventKind.DECISION, message, step, node, data)

    def has_begun(self, step: StepName) -> bool:
        """Whether the step has ever begun in this run."""
        return any(
            event.kind is EventKind.STEP_STARTED and event.step is step for event in self._run.events()
        )
