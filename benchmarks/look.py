"""What a look at all nodes costs: over sessions that stay open, against connecting anew each time.

    python benchmarks/look.py [NODES] [ROUNDS]

Both sides run against the same practice cluster, in turn, in one go; the ratio is of the medians.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from loomtui.drill.practice import practice
from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.fleet.probes.probe import look
from loomtui.inventory import Inventory
from loomtui.inventory.load import load


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def _anew(inventory: Inventory) -> None:
    async with Fleet(inventory, Refuse()) as fleet:
        await look(fleet)


async def measure(inventory: Inventory, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each look: over open sessions, and with new ones."""
    opened, anew = [], []
    async with Fleet(inventory, Refuse()) as fleet:
        await look(fleet)
        for _ in range(rounds):
            opened.append(await _seconds(lambda: look(fleet)))
            anew.append(await _seconds(lambda: _anew(inventory)))
    return opened, anew


def main(nodes: int = 4, rounds: int = 10) -> None:
    with practice("healthy", nodes) as cluster:
        opened, anew = asyncio.run(measure(load(cluster.inventory_path), rounds))
    for label, seconds in (("open sessions", opened), ("connect anew", anew)):
        low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
        print(f"{label:14} {1000 * low:6.0f} {1000 * middle:6.0f} {1000 * high:6.0f} ms (min, median, max)")
    print(
        f"ratio {statistics.median(anew) / statistics.median(opened):.1f}, {nodes + 1} nodes, {rounds} rounds"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
