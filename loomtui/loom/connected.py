"""Which nodes a node is connected to, by identity. A connection counts only for the node whose ID it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from loomtui.inventory.model import Role
from loomtui.wording.quantities import all_of


class Connectable(Protocol):
    """The part of a look at a node that tells who it is and who is connected to it."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> Role: ...
    @property
    def node_id(self) -> str | None: ...
    @property
    def peers(self) -> int | None: ...
    @property
    def peer_ids(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Connections:
    """All names in the order of the nodes. The other validators of the inventory are expected."""

    seen: tuple[str, ...]
    missing: tuple[str, ...]
    untold: tuple[str, ...]  # validators whose node ID is not known, or is another node's too
    others: tuple[str, ...]  # connected nodes that are not expected: the backup node
    strangers: tuple[str, ...]  # IDs of peers that are none of the nodes as far as is known
    nameless: tuple[str, ...] = ()  # all nodes whose ID is not known: a stranger may be one of them
    unnamed: int = 0  # peers that were counted and gave no ID, and shared IDs: each may be one of `untold`

    @property
    def expected(self) -> int:
        return len(self.seen) + len(self.missing) + len(self.untold)

    @property
    def possible(self) -> int:
        """How many of the expected ones may be connected."""
        return len(self.seen) + min(len(self.untold), len(self.strangers) + self.unnamed)

    @property
    def complete(self) -> bool:
        return self.possible == self.expected

    @property
    def certain(self) -> bool:
        return not self.untold

    @property
    def remarks(self) -> tuple[str, ...]:
        """One remark for each stranger: 'connected to 1a2b…, which is no node of the inventory'."""
        who = "which is no node of the inventory"
        if self.nameless:
            who = f"which may be {' or '.join(self.nameless)}, whose node ID is not known, or no node of ours"
        return tuple(f"connected to {one}, {who}" for one in self.strangers)

    @property
    def sentence(self) -> str:
        """'2 of 3 peers: n3 is missing'."""
        count = f"{self.possible} of {self.expected} peers"
        parts = [f"{all_of(self.missing)} {_is(self.missing)} missing"] if self.missing else []
        if self.untold:
            who = f"whether {all_of(self.untold)} {_is(self.untold)} there"
            parts.append(f"{who} cannot be told, for the node ID is not known")
        return f"{count}: {'; '.join(parts)}" if parts else count


class Roster:
    """Who has which node ID: from it the connections of each node are told."""

    def __init__(self, nodes: Iterable[Connectable]) -> None:
        self._names: list[str] = []
        self._validators: list[str] = []
        self._owners: dict[str, list[str]] = {}
        for node in nodes:
            self._names.append(node.name)
            if node.role is Role.VALIDATOR:
                self._validators.append(node.name)
            if node.node_id:
                self._owners.setdefault(node.node_id, []).append(node.name)
        self._known = {names[0] for names in self._owners.values() if len(names) == 1}

    def connections(self, node: Connectable) -> Connections | None:
        """None means that the node was not asked, or did not answer."""
        if node.peers is None:
            return None
        # Its own ID is not looked for: one that it shares is that of the other node alone.
        twins = [name for name in self._owners.get(node.node_id or "", ()) if name != node.name]
        known = self._known | set(twins) if len(twins) == 1 else self._known
        ids = tuple(dict.fromkeys(node.peer_ids))
        owners = [twins if one == node.node_id else self._owners.get(one, ()) for one in ids]
        present = {names[0] for names in owners if len(names) == 1}
        wanted = [name for name in self._validators if name != node.name]
        expected = set(wanted)
        return Connections(
            seen=tuple(name for name in wanted if name in present),
            missing=tuple(name for name in wanted if name in known and name not in present),
            untold=tuple(name for name in wanted if name not in known),
            others=tuple(name for name in self._names if name in present and name not in expected),
            strangers=tuple(
                one for one, names in zip(ids, owners, strict=True) if not names and one != node.node_id
            ),
            nameless=tuple(name for name in self._names if name != node.name and name not in known),
            unnamed=max(0, node.peers - len(ids)) + sum(1 for names in owners if len(names) > 1),
        )


def connections(node: Connectable, nodes: Sequence[Connectable]) -> Connections | None:
    """Those of one node. Whoever asks for those of many nodes makes a `Roster`."""
    return Roster(nodes).connections(node)


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
