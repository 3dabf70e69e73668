"""Looks at a run that another process on this machine works on, and takes no part in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from loomtui.restore.events import Event
from loomtui.restore.record.run_store import Run

POLL_SECONDS = 0.5


async def follow(run: Run, *, poll_seconds: float = POLL_SECONDS) -> AsyncIterator[Event]:
    """The events so far, then each new one as it gets into the journal.

    Ends when nobody works on the run any more.

    Progress in bytes is not in the journal, so it is not seen here.
    """
    passed_on = 0
    while True:
        going_on = await asyncio.to_thread(run.is_worked_on)
        events = await asyncio.to_thread(run.events)
        for event in events[passed_on:]:
            yield event
        passed_on = len(events)
        if not going_on:
            return
        await asyncio.sleep(poll_seconds)
