"""Runs the inventory's `notify` command for what happens in a run. Whatever it does, the run goes on.

One command runs at a time. What happens meanwhile waits, and of several things only the last one is told,
with the number of those before it: a flood of events does not become a flood of commands.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from loomtui.aio import Threads
from loomtui.errors import LoomtuiError
from loomtui.inventory.model import NotifySettings
from loomtui.programs import run_program
from loomtui.restore.record.recorder import Recorder
from loomtui.restore.record.run_store import Run
from loomtui.restore.running.notices import About, Notice, document, notice_of_end
from loomtui.text import clean_line

#: Between the beginnings of two commands, unless the run has ended.
_APART_SECONDS = 5.0
_EXCERPT = 200  # characters of what a failed command said
#: How much longer than its own deadline a command is waited for: a process may hang in the kernel.
_PATIENCE_SECONDS = 2.0
#: What the last command gets when loomtui ends: whoever leaves the screens does not wait longer.
_LAST_SECONDS = 3.0

_THREADS = Threads("notify")


class Notifier:
    """`tell` is given a sentence about each command that failed."""

    def __init__(self, settings: NotifySettings | None, about: About, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._about = about
        self._tell = tell
        self._next: tuple[Notice, datetime] | None = None
        self._passed_over = 0
        self._over = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    def post(self, notice: Notice) -> None:
        """Has it told as soon as that is possible. Neither waits nor raises."""
        if self._settings is None:
            return
        self._passed_over += self._next is not None
        self._next = (notice, datetime.now(UTC))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(self._settings))

    async def flush(self) -> None:
        """Waits until all is told, which takes no longer than two commands may."""
        self._over.set()
        if self._worker is not None:
            await self._worker

    async def _work(self, settings: NotifySettings) -> None:
        while self._next is not None:
            (notice, at), passed_over = self._next, self._passed_over
            self._next, self._passed_over = None, 0
            text = json.dumps(document(notice, self._about, at, passed_over), ensure_ascii=False) + "\n"
            problem = await _run(settings, text.encode())
            if problem:
                with suppress(LoomtuiError):  # the journal's disk is full: the run itself says that
                    self._tell(f"the notify command {problem}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), _APART_SECONDS)


async def _run(settings: NotifySettings, text: bytes) -> str:
    """What went wrong, in words; empty: nothing."""
    words = [_at_home(word) for word in settings.command]
    program = clean_line(words[0], limit=_EXCERPT)
    late = f"{program} was ended: it took more than {settings.timeout:g} s"
    try:
        async with asyncio.timeout(settings.timeout + _PATIENCE_SECONDS):
            ended = await _THREADS.run(
                run_program, words, settings.timeout, stdin=text, last_seconds=_LAST_SECONDS
            )
    except TimeoutError:
        return late
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return f"{program} cannot be started: {clean_line(why, limit=_EXCERPT)}"
    if ended.status == 0:
        return ""
    said = clean_line(ended.complained, limit=_EXCERPT)
    how = late if ended.status is None else f"{program} ended with status {ended.status}"
    return f"{how}: {said}" if said else how


def _at_home(word: str) -> str:
    """Without a shell nobody else does it."""
    return str(Path.home() / word[2:]) if word.startswith("~/") else word


@asynccontextmanager
async def at_work(recorder: Recorder, notifier: Notifier, run: Run) -> AsyncIterator[None]:
    """Records the work on the run, and tells how it ends, if anything was done. Raises LockHeld."""
    with recorder.recording():
        before, error = len(run.events()), None
        try:
            yield
        except LoomtuiError as caught:
            error = caught
            raise
        finally:
            if events := run.events()[before:]:
                notifier.post(notice_of_end(run.id, events, error))
            await notifier.flush()
