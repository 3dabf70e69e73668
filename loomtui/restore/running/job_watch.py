"""Follows a job on a node until it ends, and tells what it waits for meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from loomtui.restore.plan import Archive
from loomtui.restore.running.node_run import FETCH_URL, JobEnd, JobStatus, NodeRun, RunState
from loomtui.wording.quantities import length, rate, size

_POLL_SECONDS = 0.5
#: Of a long transfer, a look costs more than it tells.
_LONGEST_POLL_SECONDS = 5.0
_VANISHED_LOOKS = 20
#: A connection that breaks is no news as long as the next one brings bytes.
_STALL_SECONDS = 20.0
#: Of a shorter transfer nobody asks how fast it was.
_WORTH_SECONDS = 10.0

Show = Callable[[Archive, RunState], None]
Note = Callable[[str], None]


class JobWatch:
    """The jobs of one node in one run."""

    def __init__(self, node_run: NodeRun, show: Show, note: Note) -> None:
        self._hand = node_run
        self._show = show
        self._note = note

    async def wait(self, name: str, archive: Archive, fresh_url: Callable[[], str]) -> JobEnd:
        """How the job of this set ended. `fresh_url` makes a URL for a job that asks for one.

        Raises NodeUnreachable, ScriptFailed. The job on the node goes on then.
        """
        missing, begun_anew, stall, began = 0, 0, _Stall(), time.monotonic()
        while True:
            state = await self._hand.state()
            self._show(archive, state)
            if name in state.jobs:
                self._tell_speed(state.fetched_bytes.get(name, 0), time.monotonic() - began)
                return state.jobs[name]
            # A job that is just being started has not written its process ID yet.
            missing = 0 if name in state.running else missing + 1
            if missing > _VANISHED_LOOKS:
                return JobEnd(JobStatus.VANISHED, "the job on the node vanished")
            if state.begun_anew.get(name, 0) > begun_anew:
                begun_anew = state.begun_anew[name]
                self._note("a part of the transfer on the node was killed: the node begins that anew")
            if name in state.asking:
                await self._hand.change(FETCH_URL, name, stdin=f"{fresh_url()}\n".encode())
            if told := stall.told(state.fetched_bytes.get(name, 0), state.troubles.get(name, "")):
                self._note(f"{told}; the node tries again by itself")
            waited = time.monotonic() - began
            await asyncio.sleep(min(max(_POLL_SECONDS, waited / 50), _LONGEST_POLL_SECONDS))

    def _tell_speed(self, fetched: int, seconds: float) -> None:
        if fetched and seconds >= _WORTH_SECONDS:
            self._note(f"{size(fetched)} came in {length(seconds)}: {rate(fetched / seconds)}")


class _Stall:
    """Tells of a transfer that stands still: once, until bytes come again."""

    def __init__(self) -> None:
        self._bytes = -1
        self._since = time.monotonic()
        self._is_told = False

    def told(self, fetched: int, trouble: str) -> str:
        """What keeps the bytes from coming; empty if they come, or if it was told."""
        if fetched != self._bytes:
            self._bytes, self._since, self._is_told = fetched, time.monotonic(), False
        if not trouble or self._is_told or time.monotonic() - self._since < _STALL_SECONDS:
            return ""
        self._is_told = True
        return trouble
