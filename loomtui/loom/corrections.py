"""What each node's lists of peers have to be, by identity and never by position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from loomtui.inventory.model import Role
from loomtui.loom.identity import Directory, NodeFacts, without_brackets
from loomtui.loom.peers import Peer, PeerList, read_peers, write_peers
from loomtui.loom.units import PeerFlag


def corrected(
    node: NodeFacts, nodes: Sequence[NodeFacts], known: Directory | None = None
) -> Mapping[PeerFlag, str]:
    """The right value of each flag whose value has to change; empty if all are right.

    Entries are matched to nodes by identity, never by position: by present ID, then by former ID, then by
    address. Known entries keep their order. Every other validator is there exactly once over all flags; the
    node itself and the backup node are not; unknown peers stay. A validator without a known ID keeps the ID
    that it has there, and one that was not seen keeps its port. An entry that is right stays as it is
    written. What is not known for certain is not corrected. Whoever corrects many nodes gives the directory
    of all of them as `known`.
    """
    if node.unit is None or not node.peers_known:
        return {}
    known = Directory(nodes) if known is None else known
    present = {value.flag: read_peers(value.value) for value in node.unit.peer_values}
    placed = {node.name} | {other.name for other in nodes if other.role is Role.BACKUP}
    wanted: dict[PeerFlag, list[Peer]] = {}
    for flag in sorted(present, reverse=True):  # an entry in both lists stays persistent
        wanted[flag] = list(_right_peers(present[flag].peers, known, placed))
    last = PeerFlag.PEERS if PeerFlag.PEERS in present and PeerFlag.PERSISTENT not in present else None
    missing = [
        Peer(other.node_id, without_brackets(other.address), other.p2p_port)
        for other in nodes
        if other.name not in placed and other.node_id
    ]
    wanted.setdefault(last or PeerFlag.PERSISTENT, []).extend(missing)
    return {
        flag: write_peers(peers)
        for flag, peers in wanted.items()
        if PeerList(tuple(peers)) != present.get(flag, PeerList(()))
    }


def _right_peers(peers: Iterable[Peer], known: Directory, placed: set[str]) -> Iterator[Peer]:
    """The corrected entries of one list; `placed` are the nodes that need no further entry."""
    unsure: set[Peer] = set()  # of what is not known for certain only what says the same is said once
    for peer in peers:
        target = known.resolve(peer)
        right = known.right(peer)
        if target is None or not target.seen:
            if right not in unsure and (target is None or target.name not in placed):
                yield right
            unsure.add(right)
        elif target.name not in placed:
            placed.add(target.name)
            yield right
