"""Who a reference means. A node is known by its ID, then by an ID that it had, then by its address.

For a node that could not be looked at, the inventory tells the name and the address. Its ID is the one that
others give for that address, which is enough to call it by its name, but not to write into a unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from loomtui.inventory.model import Role
from loomtui.loom.peers import Peer, read_peers
from loomtui.loom.units import EffectiveUnit


@dataclass(frozen=True)
class NodeFacts:
    name: str
    role: Role
    address: str  # at which peers dial it
    port: int  # P2P, as the inventory says
    node_id: str | None  # what `loom nodekey` printed, which wins; else what node_key.json makes
    reported: str | None = None  # what `loom nodekey` printed; None: it was not run
    reported_problem: str | None = None
    unit: EffectiveUnit | None = None
    listen_port: int | None = None  # P2P, as config.toml says; it wins over `port`
    addrbook: tuple[tuple[str, str], ...] = ()  # (ID, host:port)
    former_ids: frozenset[str] = frozenset()  # IDs that it had, from its backups
    former_addresses: frozenset[str] = frozenset()
    file_id: str | None = None  # what its key file makes; None: the same as `node_id`
    key_problem: str | None = None  # why its key file makes no ID
    connected: tuple[str, ...] | None = None  # the IDs that its RPC names as peers; None: it did not tell
    seen: bool = True  # False: it could not be looked at; name, role, address and port are the inventory's

    @property
    def p2p_port(self) -> int:
        return self.listen_port or self.port

    @property
    def id_of_file(self) -> str | None:
        """What its key file makes."""
        return self.file_id or self.node_id

    @property
    def peers_known(self) -> bool:
        """Whether its lists of peers could be read. What could not be read is not wrong."""
        return self.unit is None or not self.unit.peers_unknown


class Directory:
    """Finds the node that an entry means.

    If two nodes share an ID or an address, it names neither of them.
    """

    def __init__(self, nodes: Sequence[NodeFacts]) -> None:
        self.nodes = tuple(nodes)
        # Every node may name every other one, so each answer is kept.
        self._resolved: dict[Peer, NodeFacts | None] = {}
        self._right: dict[Peer, Peer] = {}
        self._ids = _index(nodes, lambda node: [node.node_id] if node.node_id else [])
        self._former_ids = _index(nodes, lambda node: map(str.lower, node.former_ids))
        self._places = _index(nodes, lambda node: [_place(node.address, node.p2p_port)])
        self._hosts = _index(nodes, lambda node: [_host(node.address)])
        self._former_hosts = _index(nodes, lambda node: map(_host, node.former_addresses))
        listed_ids = self._listed_ids()
        self._listed = _index(nodes, lambda node: listed_ids.get(node.name, ()))

    def resolve(self, peer: Peer) -> NodeFacts | None:
        """None means that it is none of the nodes, or that it cannot be told which."""
        if peer not in self._resolved:
            self._resolved[peer] = self._resolve(peer)
        return self._resolved[peer]

    def right(self, peer: Peer) -> Peer:
        """What has to replace the entry. If the entry is right, it is the same one."""
        if peer not in self._right:
            self._right[peer] = _right_peer(peer, self.resolve(peer))
        return self._right[peer]

    def _resolve(self, peer: Peer) -> NodeFacts | None:
        node_id, place = peer.id.lower(), _place(peer.host, peer.port)
        return (
            self._ids.get(node_id)
            or self._former_ids.get(node_id)
            or self._listed.get(node_id)
            or self._node_at(peer)
            or self._former_hosts.get(place)
            or self._former_hosts.get(_host(peer.host))
        )

    def _node_at(self, peer: Peer) -> NodeFacts | None:
        return self._places.get(_place(peer.host, peer.port)) or self._hosts.get(_host(peer.host))

    def _listed_ids(self) -> Mapping[str, set[str]]:
        """The IDs that other units give for the address of a node that was not seen, by the node's name."""
        ids_by_name: dict[str, set[str]] = {}
        for unit in (node.unit for node in self.nodes if node.unit is not None):
            for peer in (peer for value in unit.peer_values for peer in read_peers(value.value).peers):
                node_id, target = peer.id.lower(), self._node_at(peer)
                taken = node_id in self._ids or node_id in self._former_ids
                if target is not None and not target.seen and not taken:
                    ids_by_name.setdefault(target.name, set()).add(node_id)
        return ids_by_name


def _index(
    nodes: Sequence[NodeFacts], names: Callable[[NodeFacts], Iterable[str]]
) -> Mapping[str, NodeFacts]:
    owners: dict[str, set[str]] = {}
    for node in nodes:
        for name in names(node):
            owners.setdefault(name, set()).add(node.name)
    by_name = {node.name: node for node in nodes}
    return {name: by_name[min(who)] for name, who in owners.items() if len(who) == 1}


def _host(address: str) -> str:
    return address.strip("[]").lower()


def _place(address: str, port: int) -> str:
    return f"{_host(address)}:{port}"


def _right_peer(peer: Peer, target: NodeFacts | None) -> Peer:
    """What has to replace the entry. If the entry is right, it stays, however its host is written."""
    if target is None:
        return replace(peer, id=peer.id.lower())
    host = without_brackets(target.address)
    return Peer(
        target.node_id or peer.id.lower(),
        peer.host if peer.host.lower() == host.lower() else host,
        target.p2p_port if target.seen else peer.port,
    )


def without_brackets(address: str) -> str:
    return address.strip("[]")
