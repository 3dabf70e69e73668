"""Looks at the chain again and again, from the moment that the first node is started.

So what the chain does while the others start, and while it is seen whether the services stay up, is not lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.fleet.probes.probe import look_at
from loomtui.inventory.model import Inventory, Role
from loomtui.loom.health import NodeView, Verdict, judge_cluster
from loomtui.restore.running.task_failures import on_all

_POLL_SECONDS = 0.5
_KEPT_LOOKS = 240


class ChainWatch:
    """One watch serves all nodes and both steps that wait for the chain."""

    def __init__(self, inventory: Inventory, fleet: Fleet, names: Callable[[], Sequence[str]]) -> None:
        """`names`: the nodes to be watched, which may become fewer."""
        self._inventory = inventory
        self._fleet = fleet
        self._names = names
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()  # the next look is done
        self._hurry = asyncio.Event()  # somebody waits for a look of this moment
        self._begun = self._done = 0  # looks, counted
        self._looks: deque[list[NodeView]] = deque(maxlen=_KEPT_LOOKS)
        self._times: deque[datetime] = deque(maxlen=_KEPT_LOOKS)
        self.last: dict[str, NodeStatus] = {}

    def begin(self) -> None:
        """Watches from now on, if it does not already."""
        if self._task is None:
            self._task = asyncio.create_task(self._look_on(), name="chain watch")

    def verdict(self) -> Verdict:
        """What the looks so far say together.

        Blocks that a node gets while it catches up are no proof that the chain moves: if ever all nodes
        answered and none was catching up, heights count from then on.
        """
        counted = (at for at, look in enumerate(self._looks) if all(map(_is_up_to_date, look)))
        start = next(counted, 0)
        return judge_cluster(list(self._looks)[start:], list(self._times)[start:])

    async def look_now(self) -> None:
        """Returns when the nodes were looked at by a look that begins after this call."""
        self.begin()
        wanted = self._begun + 1
        self._hurry.set()
        while self._done < wanted:
            await self.next_look()

    async def next_look(self) -> None:
        """Returns when the nodes were looked at once more; raises what keeps them from it."""
        self.begin()
        assert self._task is not None  # noqa: S101 - `begin` made it
        waiting = asyncio.create_task(self._news.wait(), name="chain watch")
        try:
            await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if self._task.done():
                self._task.result()
        finally:
            waiting.cancel()

    async def end(self) -> None:
        """Ends watching, and forgets all looks. Can be called again."""
        task, self._task = self._task, None
        self._looks.clear()
        self._times.clear()
        if task is None:
            return
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # whoever waits for the chain is told; nobody else has to be

    async def _look_on(self) -> None:
        while True:
            self._begun += 1
            self._hurry.clear()
            names = self._names()
            statuses, _ = await on_all(names, self._look)
            self.last |= statuses
            self._looks.append(
                [statuses[name].view if name in statuses else self._unreachable_view(name) for name in names]
            )
            self._times.append(datetime.now(UTC))
            self._done = self._begun
            news, self._news = self._news, asyncio.Event()
            news.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), _POLL_SECONDS)

    async def _look(self, name: str) -> NodeStatus:
        return await look_at(self._fleet.session(name), self.last.get(name))

    def _unreachable_view(self, name: str) -> NodeView:
        role = self._inventory.node(name).role
        return NodeView(name, Role(role), reachable=False, active=False)


def _is_up_to_date(node: NodeView) -> bool:
    return node.height is not None and not node.catching_up
