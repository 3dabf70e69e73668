"""Looks at every node again and again. If the cluster is not well, it also asks once what could tell why."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from loomtui.fleet.probes.findings import worth_asking
from screens import workers
from screens.health.foreign_locks import ForeignLocks

if TYPE_CHECKING:
    from loomtui.fleet.probes.node_status import NodeStatus
    from screens.base import LoomScreen

_REFRESH_SECONDS = 2.0


class NodePolls:
    """What is seen is in the context's watch. The screen gets `Seen` each time."""

    class Updated(Message):
        """There is something new to show."""

    def __init__(self, screen: LoomScreen) -> None:
        self._screen = screen
        self._look_now = asyncio.Event()
        self._asked_why = False
        self._passed_over = False
        self._locks = ForeignLocks(screen, self._show)

    def begin(self) -> None:
        """Begins once the engine is open."""
        for node in self._screen.context.engine.inventory.names:
            workers.start(self._screen, partial(self._poll, node), name=node, group=f"look-{node}")

    def look_now(self) -> None:
        """Wakes each poll once. The next wait is for another event."""
        self._look_now.set()
        self._look_now = asyncio.Event()

    def catch_up(self) -> None:
        """Looks at once, where looks were passed over."""
        if self._passed_over:
            self._passed_over = False
            self.look_now()

    def dial_again(self) -> None:
        """Dials nodes that cannot be reached, also where a login was refused or nobody gave a code."""
        if not all(status.reachable for status in self._screen.context.watch.latest.values()):
            workers.start(self._screen, self._dial, group="dial")

    async def _dial(self) -> None:
        await self._screen.context.engine.connect()
        self.look_now()

    async def _poll(self, node: str) -> None:
        """Waits again after each look, so that looks never pile up."""
        previous: NodeStatus | None = None
        while True:
            if self._are_wanted():
                previous = await self._screen.context.engine.look(node, previous)
                self._take_status(previous)
            else:
                self._passed_over = True
            try:
                async with asyncio.timeout(_REFRESH_SECONDS):
                    await self._look_now.wait()
            except TimeoutError:
                continue

    def _are_wanted(self) -> bool:
        """Not behind a run that works here: it looks at the nodes itself, and the outage waits for them."""
        controller = self._screen.context.controller
        return self._screen.is_current or controller is None or not controller.busy

    def _take_status(self, status: NodeStatus) -> None:
        context = self._screen.context
        context.watch.record(status, context.now())
        unwell = worth_asking(context.watch.verdict)
        if unwell and not self._asked_why:
            workers.start(self._screen, self._ask_why, group="why")
        self._asked_why = unwell
        self._locks.see()
        self._show()

    def _show(self) -> None:
        self._screen.post_message(self.Updated())

    async def _ask_why(self) -> None:
        """Asks once for each trouble, because the keys and the last log lines tell what heights do not."""
        context = self._screen.context
        context.watch.take_findings(await context.findings())
        self._show()
