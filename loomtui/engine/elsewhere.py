"""The runs that the nodes know, whoever began them, and from where."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loomtui.engine.api import WatchedRun
    from loomtui.fleet.fleet import Fleet
    from loomtui.inventory.model import Inventory
    from loomtui.restore.takeover.known_runs import RunsOnNodes


class RunsElsewhere(ABC):
    """The part of an engine that asks the nodes for runs."""

    @property
    @abstractmethod
    def inventory(self) -> Inventory: ...

    @property
    @abstractmethod
    def fleet(self) -> Fleet: ...

    async def runs_on_nodes(self) -> RunsOnNodes:
        from loomtui.restore.takeover.seen import look_at_runs, told_by

        return told_by(*await look_at_runs(self.fleet))

    async def watched_on_nodes(self, run_id: str) -> WatchedRun:
        from loomtui.restore.takeover.watching import watch_on_nodes

        return await watch_on_nodes(self.fleet, self.inventory, run_id)
