"""Whose the runs are that hold nodes and are none of this machine's: asked for while such a lock is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from loomtui.restore.takeover.known_runs import RunsOnNodes, is_of_others
from screens import workers

if TYPE_CHECKING:
    from screens.base import LoomScreen

_AGAIN_SECONDS = 5.0


class ForeignLocks:
    """What the nodes tell of them is in the context's watch."""

    def __init__(self, screen: LoomScreen, show: Callable[[], object]) -> None:
        """`show` is called when the nodes have told."""
        self._screen, self._show = screen, show
        self._due = 0.0  # by the loop's clock: not before then
        self._asking = False

    def see(self) -> None:
        """Called after each look of a node."""
        watch = self._screen.context.watch
        if not any(status.lock for status in watch.latest.values()):
            watch.elsewhere = RunsOnNodes()
        elif not self._asking and asyncio.get_running_loop().time() >= self._due:
            self._asking = True
            workers.start(self._screen, self._ask, group="locks", exclusive=False)

    async def _ask(self) -> None:
        try:
            context = self._screen.context
            own = context.engine.runs()
            generations = {run.id: run.generation for run in own}
            locked = [status for status in context.watch.latest.values() if status.lock]
            if any(is_of_others(status.holder, generations) for status in locked):
                context.watch.elsewhere = (await context.engine.runs_on_nodes()).of_others(own)
            else:
                context.watch.elsewhere = RunsOnNodes()
            self._show()
        finally:
            self._asking = False
            self._due = asyncio.get_running_loop().time() + _AGAIN_SECONDS
