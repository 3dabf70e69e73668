"""One node in the hands of a test, by the very scripts that a run uses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from loomtui.fleet.facts import read_facts
from loomtui.fleet.fleet import WritableFleet
from loomtui.fleet.scripts import ChangeScript
from loomtui.fleet.session import Output
from loomtui.restore.running.node_run import (
    HOLD,
    KILL,
    LOCK,
    RUN_STATE,
    START,
    STOP,
    UNHOLD,
    UNLOCK,
    Process,
    read_processes,
)
from tests.lab import nodes

RUN = "lab-run"
WORKDIR = str(nodes.HOME)
HOLD_FILE = f"{nodes.UNIT}.d/99-loomtui-hold.conf"


@dataclass(frozen=True)
class Grip:
    """A node that is locked for RUN."""

    fleet: WritableFleet
    node: str

    async def change(
        self, script: ChangeScript, *args: str, stdin: bytes | None = None, accept: tuple[int, ...] = (0,)
    ) -> Output:
        session = self.fleet.session(self.node)
        return await session.change(script, WORKDIR, RUN, *args, stdin=stdin, accept=accept)

    async def hold(self) -> None:
        await self.change(HOLD, nodes.UNIT.name, HOLD_FILE)

    async def stop(self, seconds: int = 20) -> Output:
        return await self.change(STOP, nodes.UNIT.name, str(seconds), accept=(0, 75))

    async def kill(self, processes: Iterable[Process]) -> None:
        await self.change(KILL, nodes.UNIT.name, HOLD_FILE, *(process.mark for process in processes))

    async def unhold(self) -> None:
        await self.change(UNHOLD, nodes.UNIT.name, HOLD_FILE)

    async def start(self) -> None:
        await self.change(START, nodes.UNIT.name)


def left_of(stopped: Output) -> tuple[Process, ...]:
    """What a stop that is none says to be still running."""
    return read_processes(read_facts(stopped.stdout).all("left"))


@asynccontextmanager
async def gripped(fleet: WritableFleet, node: str) -> AsyncIterator[Grip]:
    """At the end the node is as it was: not held, running, given back."""
    grip = Grip(fleet, node)
    await grip.change(LOCK, json.dumps({"run": RUN, "who": "test"}))
    try:
        yield grip
    finally:
        # A look comes again over a new connection where the node was away meanwhile; a change does not.
        await fleet.session(node).inspect(RUN_STATE, WORKDIR, RUN, nodes.UNIT.name, HOLD_FILE)
        await grip.unhold()
        await grip.start()
        await grip.change(UNLOCK)
