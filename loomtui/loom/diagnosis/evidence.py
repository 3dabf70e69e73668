"""What is known of a cluster when loomtui asks why it is not well."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from loomtui.loom.connected import Connections, Roster
from loomtui.loom.health import NodeView, Verdict
from loomtui.loom.holders import Holder, Life, top
from loomtui.loom.references import KeyReport
from loomtui.loom.validator import SigningState, ValidatorFacts
from loomtui.text import clean_line

#: Refusals to sign; judged together with the heights instead of line by line.
REFUSAL = re.compile(r"(?:Height|Round|Step) regression|Error signing \w+: Conflicting data")


@dataclass(frozen=True)
class NodeEvidence:
    """What is known of one node. Without a view the node was not looked at."""

    name: str
    view: NodeView | None = None
    flapping: bool = False
    validator: ValidatorFacts | None = None
    lines: tuple[str, ...] = ()  # of its log since the start

    @property
    def signing(self) -> SigningState | None:
        return self.validator.signing if self.validator else None

    @property
    def height(self) -> int | None:
        """0 means that it answers and has no block."""
        return self.view.height if self.view else None

    @property
    def reachable(self) -> bool:
        return self.view is not None and self.view.reachable

    @property
    def active(self) -> bool:
        return self.view is not None and self.view.active

    @property
    def addresses(self) -> frozenset[str] | None:
        """Addresses of the validator keys in its file and its process, or None if its file is not known."""
        if not self.reachable or self.validator is None:
            return None
        if self.validator.address is None and not self.validator.absent:
            return None
        in_process = self.view.address if self.view else None
        return frozenset(filter(None, (self.validator.address, in_process)))

    def refusals(self) -> tuple[str, ...]:
        return tuple(clean_line(line, limit=300) for line in self.lines if REFUSAL.search(line))


@dataclass(frozen=True)
class Cluster:
    """`nodes` are all nodes of the inventory; one that was not looked at is there without a view."""

    nodes: tuple[NodeEvidence, ...]
    keys: KeyReport | None = None
    verdict: Verdict | None = None  # over the looks that the views are the last of

    @property
    def views(self) -> tuple[NodeView, ...]:
        return tuple(node.view for node in self.nodes if node.view)

    @cached_property
    def holders(self) -> tuple[Holder, ...]:
        return tuple(self._holder(node) for node in self.nodes)

    @cached_property
    def connections(self) -> Mapping[str, Connections]:
        """The connections of the nodes that told their peers."""
        roster = Roster(self.views)
        by_name = {view.name: roster.connections(view) for view in self.views}
        return {name: one for name, one in by_name.items() if one is not None}

    @property
    def strangers(self) -> frozenset[str]:
        return frozenset(one for own in self.connections.values() for one in own.strangers)

    @property
    def top(self) -> int | None:
        return top(self.holders)

    def grows(self, name: str) -> bool:
        return self.verdict is not None and name in self.verdict.grew

    @property
    def moves(self) -> bool:
        """Whether some node was seen to gain blocks."""
        return bool(self.verdict and self.verdict.grew)

    def life(self, node: NodeEvidence) -> Life:
        if node.view is None or not node.reachable or node.flapping:
            return Life.OPEN
        if node.view.stopped:
            return Life.STOPPED
        stood = self.verdict is not None and node.name in self.verdict.stood
        return Life.STANDS if stood and node.active else Life.OPEN

    def _holder(self, node: NodeEvidence) -> Holder:
        view = node.view
        return Holder(
            name=node.name,
            life=self.life(node),
            addresses=node.addresses,
            signed=node.signing.height if node.signing else None,
            refuses=bool(node.refusals()),
            members=frozenset(view.members) if view and view.members else None,
            height=node.height,
        )
