"""All that a plan is made of: what was seen of the nodes, and the archives that were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from loomtui.errors import LoomtuiError
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.places import Places
from loomtui.fleet.probes.room import Room
from loomtui.fleet.ssh.reach import Reach
from loomtui.inventory.model import Inventory, Node
from loomtui.loom.databases import TENDERMINT_GENESIS
from loomtui.loom.launch.sources import Sources
from loomtui.restore.choices import Choices
from loomtui.restore.plan import Scope
from loomtui.restore.planning.chain import Chain, establish
from loomtui.restore.planning.choosing import Chosen


@dataclass(frozen=True)
class Observations:
    """The raw material of one plan."""

    inventory: Inventory
    selected: tuple[Node, ...]
    details: Mapping[str, NodeDetails]
    left_out: Mapping[str, NodeDetails | LoomtuiError]
    chosen: Chosen
    choices: Choices
    scope: Scope
    redis: Mapping[tuple[str, str, int], Reach] = field(default_factory=dict)  # node, host, port: tried
    unit_sources: Mapping[str, Sources] = field(default_factory=dict)  # what lies around the backups' units
    places: Mapping[str, Places] = field(default_factory=dict)  # of the nodes of the plan
    is_staged: bool = False  # the run that the plan is for holds its nodes
    unpacked: frozenset[str] = frozenset()  # nodes that have the data unpacked already, by that run
    rooms: Mapping[str, Room] = field(default_factory=dict)  # what could make room, of nodes that lack it

    @property
    def cluster(self) -> str:
        """The cluster's name in the inventory."""
        return self.inventory.cluster

    @cached_property
    def chain(self) -> Chain:
        """The chain that the data belongs to."""
        return establish(self.chosen.data, self.chosen.config, {**self.details, **self.others})

    @property
    def others(self) -> Mapping[str, NodeDetails]:
        """The nodes that are not in the plan, as far as they could be looked at."""
        return {name: result for name, result in self.left_out.items() if isinstance(result, NodeDetails)}

    @property
    def kin(self) -> Mapping[str, NodeDetails]:
        """Those of the other nodes whose genesis is not that of another chain."""
        return {
            name: details
            for name, details in self.others.items()
            if self.chain.owns(TENDERMINT_GENESIS, details.texts.get(TENDERMINT_GENESIS)) is not False
        }

    @property
    def height(self) -> int | None:
        """The height of the restored data.

        This is the block store's, because the app catches up with it at the start.
        """
        return self.chain.height

    @property
    def living_height(self) -> int | None:
        """The height of the chain that goes on on the nodes outside the plan."""
        heights = [
            details.status.chain.height for details in self.kin.values() if details.status.chain is not None
        ]
        return max(heights, default=None)

    @property
    def living_age(self) -> timedelta | None:
        """How old its newest block was at the look, by the node's own clock if that is known."""
        ages = [
            details.status.at + timedelta(seconds=details.status.clock_offset_seconds or 0) - chain.block_time
            for details in self.kin.values()
            if (chain := details.status.chain) and chain.block_time
        ]
        return min(ages, default=None)
