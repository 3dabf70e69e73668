"""Every node's identity against every reference to it, and the references that would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from loomtui.inventory.model import Role
from loomtui.loom.units import EffectiveUnit, PeerFlag


@dataclass(frozen=True)
class NodeFacts:
    name: str
    role: Role
    address: str  # at which peers dial it
    port: int  # P2P, as the inventory says
    node_id: str | None  # derived from node_key.json
    reported: str | None = None  # what `loom nodekey` printed; None: it was not run
    reported_problem: str | None = None
    unit: EffectiveUnit | None = None
    listen_port: int | None = None  # P2P, as config.toml says; it wins over `port`
    addrbook: tuple[tuple[str, str], ...] = ()  # (ID, host:port)
    former_ids: frozenset[str] = frozenset()  # IDs that it had, from its backups
    former_addresses: frozenset[str] = frozenset()

    @property
    def p2p_port(self) -> int:
        return self.listen_port or self.port


class MismatchKind(StrEnum):
    WRONG_ID = "wrong-id"
    WRONG_ADDRESS = "wrong-address"
    WRONG_PORT = "wrong-port"
    UPPER_CASE = "upper-case"
    MISSING = "missing"
    UNKNOWN_PEER = "unknown-peer"
    SELF = "self"
    BACKUP_NODE_LISTED = "backup-node-listed"
    DUPLICATE_IDENTITY = "duplicate-identity"
    BAD_ENTRY = "bad-entry"
    STALE_ADDRBOOK = "stale-addrbook"
    REPORTED_DIFFERS = "reported-differs"
    NO_KEY = "no-key"


@dataclass(frozen=True)
class Mismatch:
    kind: MismatchKind
    on: str  # the node that holds the reference
    about: str | None  # the node that is meant
    expected: str | None
    found: str | None
    where: str  # '--persistent-peers', 'addrbook.json', 'config.toml', …
    message: str  # one sentence, with the fix
    blocking: bool  # False: only worth knowing


@dataclass(frozen=True)
class KeyReport:
    ok: bool  # no blocking mismatch
    nodes: tuple[NodeFacts, ...]
    mismatches: tuple[Mismatch, ...]  # duplicates first


def compare(nodes: Sequence[NodeFacts]) -> KeyReport:
    """Compares every node's ID, address and port with what the others hold. Duplicates come first."""
    raise NotImplementedError


def corrected(node: NodeFacts, nodes: Sequence[NodeFacts]) -> Mapping[PeerFlag, str]:
    """The right value of each flag whose value has to change; empty where all are right.

    Entries are matched to nodes by identity, never by position: by present ID, then by former ID, then by
    address. Known entries keep their order, every other validator is there exactly once over all flags, the
    node itself and the backup node are not, unknown peers stay.
    """
    raise NotImplementedError
