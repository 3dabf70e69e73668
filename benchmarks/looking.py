"""A client of its own for the benchmarks: it looks at the nodes of an inventory as loomtui's engine does.

    python -m benchmarks.looking once INVENTORY
    python -m benchmarks.looking again INVENTORY
    python -m benchmarks.looking tail INVENTORY SECONDS EVERY

`once` connects to all nodes, looks at each and ends. `again` refreshes three times over the shells that stay
and three times by a command of its own for each node, in turn. `tail` follows all journals and refreshes
every EVERY seconds. What it says is JSON, one document a line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from loomtui.engine.live import LiveEngine, opened
from loomtui.fleet.probes.node_status import ClusterStatus, NodeStatus
from loomtui.fleet.ssh.prompter import Refuse
from loomtui.inventory.load import load

_ROUNDS = 3
_AT_ONCE = 32

_Statuses = Mapping[str, NodeStatus]


@asynccontextmanager
async def _engine(inventory: Path) -> AsyncIterator[LiveEngine]:
    async with opened(LiveEngine(load(inventory)), Refuse()) as engine:
        yield engine


async def _look(engine: LiveEngine, before: ClusterStatus | None = None) -> ClusterStatus:
    seen = await engine.status(before)
    _need_all(seen.nodes)
    return seen


def _need_all(nodes: Iterable[NodeStatus]) -> None:
    missing = [node.error or "its chain was not seen" for node in nodes if node.error or not node.chain]
    if missing:
        raise SystemExit(f"{len(missing)} nodes were not looked at: {missing[0]}")


async def once(inventory: Path) -> None:
    async with _engine(inventory) as engine:
        _tell(nodes=len((await _look(engine)).nodes))


async def again(inventory: Path) -> None:
    """CPU milliseconds and seconds of each refresh: `stay` over the shells, `exec` without."""
    async with _engine(inventory) as engine:
        seen = await _look(engine)
        for _ in range(2):  # the shells begin with a look at everything
            seen = await _look(engine, seen)
        for _ in range(_ROUNDS):
            for kind in ("stay", "exec"):
                cpu, began = time.process_time(), time.perf_counter()
                seen = await _look(engine, seen if kind == "stay" else None)
                spent = 1000 * (time.process_time() - cpu)
                _tell(kind=kind, cpu=spent, seconds=time.perf_counter() - began)


async def tail(inventory: Path, seconds: float, every: float) -> None:
    """A sample after each refresh: seconds, CPU seconds and megabytes so far, lines that came."""
    async with _engine(inventory) as engine:
        seen = await _look_by_turns(engine, await _look_by_turns(engine, {}))
        lines = [0]
        reading = asyncio.create_task(_read(engine, lines))
        began, cpu = time.monotonic(), time.process_time()
        while (past := time.monotonic() - began) < seconds:
            _tell(at=past, cpu=time.process_time() - cpu, megabytes=_megabytes(), lines=lines[0])
            await asyncio.sleep(every - past % every)
            seen = await _look_by_turns(engine, seen)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _look_by_turns(engine: LiveEngine, before: _Statuses) -> _Statuses:
    """A few nodes at a time: all of them are one machine, which could not answer hundreds at once in time."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> NodeStatus:
        async with turn:
            return await engine.look(name, before.get(name))

    names = engine.inventory.names
    nodes = await asyncio.gather(*map(one, names))
    _need_all(nodes)
    return dict(zip(names, nodes, strict=True))


async def _read(engine: LiveEngine, lines: list[int]) -> None:
    async for batch in engine.logs(follow=True, lines=0):
        lines[0] += len(batch)


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _tell(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    match sys.argv[1:]:
        case ["once", inventory]:
            asyncio.run(once(Path(inventory)))
        case ["again", inventory]:
            asyncio.run(again(Path(inventory)))
        case ["tail", inventory, seconds, every]:
            asyncio.run(tail(Path(inventory), float(seconds), float(every)))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
