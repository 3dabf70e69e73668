"""Compares every node's identity with every reference to it, and gives the references that would be right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from loomtui.inventory.model import Role
from loomtui.loom.databases import NODE_KEY
from loomtui.loom.identity import Directory
from loomtui.loom.identity import NodeFacts as NodeFacts
from loomtui.loom.peers import Peer, PeerProblem, read_peers
from loomtui.loom.units import EffectiveUnit, Origin, PeerFlag


class MismatchKind(StrEnum):
    WRONG_ID = "wrong-id"
    WRONG_ADDRESS = "wrong-address"
    WRONG_PORT = "wrong-port"
    UPPER_CASE = "upper-case"
    MISSING = "missing"
    FORMER_ENTRY = "former-entry"
    UNKNOWN_PEER = "unknown-peer"
    SELF = "self"
    BACKUP_NODE_LISTED = "backup-node-listed"
    DUPLICATE_IDENTITY = "duplicate-identity"
    BAD_ENTRY = "bad-entry"
    STALE_ADDRBOOK = "stale-addrbook"
    REPORTED_DIFFERS = "reported-differs"
    NO_KEY = "no-key"
    PEERS_UNKNOWN = "peers-unknown"  # what the node lists cannot be read


@dataclass(frozen=True)
class Mismatch:
    kind: MismatchKind
    on: str  # the node that holds the reference
    about: str | None  # the node that is meant
    expected: str | None
    found: str | None
    where: (
        str  # 'addrbook.json', 'config.toml', …; of what is in a unit the file's path and line, 'PATH:LINE'
    )
    cause: str  # what is wrong; with a fix it has no full stop
    blocking: bool  # False: only worth knowing
    fix: str = ""  # what mends it, to be read after a colon; empty: that has to be found out

    @property
    def message(self) -> str:
        """One sentence, with the fix."""
        return f"{self.cause}: {self.fix}" if self.fix else self.cause


@dataclass(frozen=True)
class KeyReport:
    ok: bool  # no blocking mismatch
    nodes: tuple[NodeFacts, ...]  # that were looked at
    mismatches: tuple[Mismatch, ...]  # duplicates first
    unseen: tuple[NodeFacts, ...] = ()  # that could not be

    @property
    def everyone(self) -> tuple[NodeFacts, ...]:
        return (*self.nodes, *self.unseen)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The nodes of which it is not known whom they list."""
        return tuple(node.name for node in self.nodes if not node.peers_known)


def compare(nodes: Sequence[NodeFacts]) -> KeyReport:
    """Compares every node's ID, address and port with what the others hold. Duplicates come first."""
    known = Directory(nodes)
    seen_nodes = tuple(node for node in nodes if node.seen)
    mismatches = [*_duplicates(seen_nodes), *_keys(seen_nodes), *_ports(seen_nodes)]
    for node in seen_nodes:
        mismatches += _with_places(node, _lists(node, known))
        mismatches += _addrbook(node, known)
    unseen = tuple(node for node in nodes if not node.seen)
    return KeyReport(
        not any(mismatch.blocking for mismatch in mismatches), seen_nodes, tuple(mismatches), unseen
    )


def _duplicates(nodes: Sequence[NodeFacts]) -> Iterator[Mismatch]:
    first: dict[str, NodeFacts] = {}
    for node in nodes:
        if not node.node_id:
            continue
        other = first.setdefault(node.node_id, node)
        if other is not node:
            yield Mismatch(
                MismatchKind.DUPLICATE_IDENTITY,
                on=node.name,
                about=other.name,
                expected=None,
                found=node.node_id,
                where=NODE_KEY,
                cause=f"{node.name} and {other.name} have the same node key",
                blocking=True,
                fix="give one of them its own node_key.json back before either is started.",
            )


def _keys(nodes: Sequence[NodeFacts]) -> Iterator[Mismatch]:
    for node in nodes:
        if not node.node_id:
            why = f" ({node.key_problem})" if node.key_problem else ""
            cause = f"{node.name} has no usable node_key.json{why}"
            fix = "restore its own from its config backup."
            yield Mismatch(MismatchKind.NO_KEY, node.name, None, None, None, NODE_KEY, cause, True, fix)
        elif node.reported and node.reported != node.id_of_file:
            message = (
                f"`loom nodekey` on {node.name} prints {node.reported}, its node_key.json makes "
                f"{node.id_of_file}: Loom goes by another file, or the command has made a new key."
            )
            yield _reported(node, message, blocking=True)
        elif node.reported_problem and not node.reported:
            message = f"`loom nodekey` on {node.name} gave no ID: {node.reported_problem}"
            yield _reported(node, message, blocking=False)


def _reported(node: NodeFacts, message: str, *, blocking: bool) -> Mismatch:
    kind, where = MismatchKind.REPORTED_DIFFERS, "loom nodekey"
    return Mismatch(kind, node.name, node.name, node.id_of_file, node.reported, where, message, blocking)


def _ports(nodes: Sequence[NodeFacts]) -> Iterator[Mismatch]:
    for node in nodes:
        if node.listen_port and node.listen_port != node.port:
            cause = (
                f"{node.name} listens for peers on {node.listen_port} by its config.toml, the inventory says "
                f"{node.port}"
            )
            fix = f"peers must dial {node.listen_port}, or config.toml must be changed."
            expected, found = str(node.port), str(node.listen_port)
            kind = MismatchKind.WRONG_PORT
            yield Mismatch(kind, node.name, node.name, expected, found, "config.toml", cause, False, fix)


def _with_places(node: NodeFacts, mismatches: Iterable[Mismatch]) -> Iterator[Mismatch]:
    """The same, with the place in the unit or its drop-ins where it is to be mended."""
    for mismatch in mismatches:
        yield replace(mismatch, where=_place_in_unit(node, mismatch.where) or mismatch.where)


def _place_in_unit(node: NodeFacts, flag: str) -> str | None:
    """Where the flag's value begins, or else where the command begins, to which it would be added."""
    if node.unit is None:
        return None
    places = [(value.file, value.line) for value in node.unit.peer_values if value.flag == flag]
    places += [(node.unit.exec_start_file, node.unit.exec_start_line)]
    places += [(file.path, 1) for file in node.unit.files]
    return next((f"{path}:{line}" for path, line in places if path), None)


def _lists(node: NodeFacts, known: Directory) -> Iterator[Mismatch]:
    """What is wrong in the peers that a node's unit gives it."""
    if node.unit is None:
        return
    for problem in node.unit.problems:
        if problem == node.unit.peers_unknown:
            continue
        yield Mismatch(MismatchKind.BAD_ENTRY, node.name, None, None, None, "unit", problem, False)
    values = {value.flag: read_peers(value.value) for value in node.unit.peer_values}
    targets = {peer: known.resolve(peer) for peers in values.values() for peer in peers.peers}
    listed = {node.name} | {target.name for target in targets.values() if target}
    right = {target.name for peer, target in targets.items() if target and peer == known.right(peer)}
    unsure = [other.name for other in known.nodes if not other.seen and other.name not in listed]
    for flag, peers in values.items():
        for bad in peers.problems:
            yield _bad_entry(node, flag, bad)
        for peer in peers.peers:
            target = targets[peer]
            if target is None:
                yield _unknown_peer(node, flag, peer, unsure)
            else:
                yield from _entry(
                    node, flag, peer, (target, known.right(peer)), elsewhere=target.name in right
                )
    if not node.peers_known:
        yield _peers_unknown(node, node.unit, known)
        return
    flags = [value.flag for value in node.unit.peer_values]
    where = flags[0] if len(flags) == 1 else PeerFlag.PERSISTENT
    for other in known.nodes:
        if other.role is Role.VALIDATOR and other.name not in listed:
            yield _missing_peer(node, other, where)


def _missing_peer(node: NodeFacts, other: NodeFacts, where: str) -> Mismatch:
    """Nobody can add a node without its ID. That it has none is told of the node itself."""
    kind, cause = MismatchKind.MISSING, f"{node.name} does not list {other.name}"
    if other.node_id:
        fix = f"add it to {where} in {_file_to_mend(node)}."
        return Mismatch(kind, node.name, other.name, other.node_id, None, where, cause, True, fix)
    why = "has no key" if other.seen else "could not be looked at"
    cause = f"{cause}, whose ID is not known, for it {why}."
    return Mismatch(kind, node.name, other.name, None, None, where, cause, False)


def _file_to_mend(node: NodeFacts) -> str:
    """Where its lists stand, in words."""
    others = (
        [value.file for value in node.unit.peer_values if value.origin is not Origin.UNIT]
        if node.unit
        else []
    )
    return others[0] if others else f"the unit of {node.name}"


def _peers_unknown(node: NodeFacts, unit: EffectiveUnit, known: Directory) -> Mismatch:
    """Says that the lists are not known, and what speaks for whom it is connected to."""
    cause = f"{node.name}'s list of peers is not known. {unit.peers_unknown}{_evidence(node, unit, known)}"
    found = ", ".join(f"{flag} {value}" for flag, value in unit.sources.running.items()) or None
    kind = MismatchKind.PEERS_UNKNOWN
    return Mismatch(kind, node.name, None, None, found, PeerFlag.PERSISTENT, cause, False)


def _evidence(node: NodeFacts, unit: EffectiveUnit, known: Directory) -> str:
    lists = [read_peers(value).peers for value in unit.sources.running.values()]
    running = [_name_of(peer.id, known.resolve(peer)) for peers in lists for peer in peers]
    names = {other.node_id: other.name for other in known.nodes if other.node_id}
    sentences = []
    if running:
        sentences.append(f" Its running loom was given {', '.join(dict.fromkeys(running))}.")
    if node.connected is not None:
        who = ", ".join(sorted(names.get(one.lower(), one) for one in node.connected)) or "nobody"
        sentences.append(f" By its /net_info it is connected to {who}.")
    return "".join(sentences)


def _name_of(node_id: str, node: NodeFacts | None) -> str:
    return node.name if node is not None else node_id


def _unknown_peer(node: NodeFacts, flag: PeerFlag, peer: Peer, unsure: Sequence[str]) -> Mismatch:
    """An entry is in no inventory only if every node of the inventory is accounted for."""
    who = "a peer that is not in the inventory"
    if unsure:
        who = f"a peer that may be {' or '.join(unsure)}, which could not be looked at"
    cause, fix = f"{flag} of {node.name} names {who}, {peer}", "it stays, check that it belongs there."
    return Mismatch(MismatchKind.UNKNOWN_PEER, node.name, None, None, str(peer), flag, cause, False, fix)


def _bad_entry(node: NodeFacts, flag: PeerFlag, bad: PeerProblem) -> Mismatch:
    stops = flag is PeerFlag.PEERS
    effect = "loom does not start with it" if stops else "loom skips it"
    message = f"In {flag} of {node.name}, {effect}: {bad.message}"
    return Mismatch(MismatchKind.BAD_ENTRY, node.name, None, None, bad.text, flag, message, stops)


def _entry(
    node: NodeFacts, flag: PeerFlag, peer: Peer, meant: tuple[NodeFacts, Peer], *, elsewhere: bool
) -> Iterator[Mismatch]:
    """What is wrong with one entry, by the node that it means and the entry that would be right.

    `elsewhere` says that another one names the same node, and is right.
    """
    target, right = meant

    def mismatch(
        kind: MismatchKind, expected: str | None, found: str, wrong: str, fix: str, *, blocking: bool
    ) -> Mismatch:
        cause = f"{flag} of {node.name} {wrong}"
        return Mismatch(kind, node.name, target.name, expected, found, flag, cause, blocking, fix)

    if target.name == node.name:
        wrong = "lists the node itself"
        yield mismatch(MismatchKind.SELF, None, str(peer), wrong, "remove it.", blocking=False)
    elif target.role is Role.BACKUP:
        wrong = f"lists the backup node {target.name}, which live nodes must not dial"
        yield mismatch(MismatchKind.BACKUP_NODE_LISTED, None, peer.id, wrong, "remove it.", blocking=False)
    elif elsewhere and peer != right:
        wrong = f"names {target.name} rightly, and once more as {peer}, which it is not"
        yield mismatch(MismatchKind.FORMER_ENTRY, None, str(peer), wrong, "remove that one.", blocking=False)
    else:
        if target.node_id and peer.id != target.node_id:
            upper = peer.id.lower() == target.node_id
            kind = MismatchKind.UPPER_CASE if upper else MismatchKind.WRONG_ID
            why = "IDs are compared by case" if upper else f"the key of {target.name} makes {target.node_id}"
            wrong = f"has {peer.id} for {target.name}, but {why}"
            fix = f"put {target.node_id} there."
            yield mismatch(kind, target.node_id, peer.id, wrong, fix, blocking=True)
        if peer.host != right.host:
            wrong = f"has {target.name} at {peer.host}, but peers dial it at {right.host}"
            kind, fix = MismatchKind.WRONG_ADDRESS, "put that there."
            yield mismatch(kind, right.host, peer.host, wrong, fix, blocking=True)
        if peer.port != right.port:
            wrong = f"has port {peer.port} for {target.name}, which listens on {right.port}"
            kind, fix = MismatchKind.WRONG_PORT, "put that there."
            yield mismatch(kind, str(right.port), str(peer.port), wrong, fix, blocking=True)


def _addrbook(node: NodeFacts, known: Directory) -> Iterator[Mismatch]:
    """Entries of addrbook.json that lead a node to a wrong place; they are dialled again and again."""
    strangers = 0
    for node_id, address in node.addrbook:
        peers = read_peers(f"{node_id}@{address}").peers
        target = known.resolve(peers[0]) if peers else None
        if target is None:
            strangers += 1
        elif target.node_id and peers[0] != known.right(peers[0]):
            right = str(known.right(peers[0]))
            text = f"holds {peers[0]} for {target.name}, which is {right}"
            yield _stale_entry(node, target.name, right, str(peers[0]), text)
    if strangers:
        unseen = any(not other.seen for other in known.nodes)
        who = "none of the nodes that were looked at" if unseen else "not in the inventory"
        text = f"holds {strangers} addresses of nodes that are {who}"
        yield _stale_entry(node, None, None, str(strangers), text)


def _stale_entry(node: NodeFacts, about: str | None, expected: str | None, found: str, text: str) -> Mismatch:
    cause, fix = f"addrbook.json of {node.name} {text}", "set the file aside, it is rebuilt by itself."
    kind, where = MismatchKind.STALE_ADDRBOOK, "addrbook.json"
    return Mismatch(kind, node.name, about, expected, found, where, cause, False, fix)
