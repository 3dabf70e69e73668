"""Looks at a run that goes on on another machine, by the record that its nodes hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial

from loomtui.errors import CallError, NodeUnreachable
from loomtui.fleet.fleet import Fleet
from loomtui.inventory.model import Inventory
from loomtui.restore.events import Event
from loomtui.restore.plan import Plan
from loomtui.restore.takeover.known_runs import SeenRun
from loomtui.restore.takeover.records import Record, read_records
from loomtui.restore.takeover.seen import NodeRuns, look_at_runs, seen_runs

POLL_SECONDS = 3.0
_SILENT_POLLS = 20  # a minute without any node: then nothing is to be seen any more

#: What the nodes tell of the run now, and the record that counts.
Told = tuple[SeenRun | None, Record | None]
Look = Callable[[], Awaitable[Told]]


class NodesRun:
    """One run in the hands of another machine."""

    def __init__(self, run: str, plan: Plan, look: Look, *, poll_seconds: float = POLL_SECONDS) -> None:
        self.id = run
        self.plan = plan
        self._look = look
        self._poll_seconds = poll_seconds

    async def events(self) -> AsyncIterator[Event]:
        """The events so far, then each new one within a few seconds. Ends when nobody works on it any more.

        Progress in bytes is not in the journal, so it is not seen here. Raises NodeUnreachable.
        """
        passed_on = silent = 0
        while True:
            seen, record = await self._look()
            silent = 0 if seen is not None else silent + 1
            if silent > _SILENT_POLLS:
                raise NodeUnreachable(f"no node tells of run {self.id} any more")
            for event in record.events if record is not None else ():
                if event.seq > passed_on:
                    passed_on = event.seq
                    yield event
            if seen is not None and not seen.is_alive:
                return
            await asyncio.sleep(self._poll_seconds)


async def watch_on_nodes(fleet: Fleet, inventory: Inventory, run: str) -> NodesRun:
    """Raises CallError: no node has a valid record of it."""
    look = partial(_look, fleet, inventory, run)
    _, record = await look()
    if record is None:
        raise CallError(f"no node has a record of run {run} that can be read")
    return NodesRun(run, record.plan, look)


async def _look(fleet: Fleet, inventory: Inventory, run: str) -> Told:
    nodes, _ = await look_at_runs(fleet, run)
    return told_of(run, nodes, inventory)


def told_of(run: str, nodes: Mapping[str, NodeRuns], inventory: Inventory) -> Told:
    """What the nodes together tell of this run. Pure."""
    records, _ = read_records(run, nodes, inventory)
    seen = next((one for one in seen_runs(nodes) if one.id == run), None)
    return seen, records[0] if records else None
