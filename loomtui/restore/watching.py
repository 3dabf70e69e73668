"""Looks at a run that another process on this machine works on. Takes part in nothing."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator

from loomtui.restore.events import Event
from loomtui.restore.runs import Run

POLL_SECONDS = 0.5


def is_worked_on(run: Run) -> bool:
    """Does a process on this machine hold the run? See `Run.hold`."""
    try:
        handle = os.open(run.working_path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False  # nobody ever did
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


async def follow(run: Run, *, poll_seconds: float = POLL_SECONDS) -> AsyncIterator[Event]:
    """The events so far, then each as it gets into the journal; ends when nobody works on the run any more.

    Progress in bytes is not in the journal, so it is not seen.
    """
    seen = 0
    while True:
        going_on = await asyncio.to_thread(is_worked_on, run)
        events = await asyncio.to_thread(run.events)
        for event in events[seen:]:
            yield event
        seen = len(events)
        if not going_on:
            return
        await asyncio.sleep(poll_seconds)
