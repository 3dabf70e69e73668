"""Nodes whose units name each other, for the tests of references."""

from __future__ import annotations

from loomtui.inventory.model import Role
from loomtui.loom.references import KeyReport, MismatchKind, NodeFacts
from loomtui.loom.units import PeerFlag, read_unit
from tests.loom.vectors import A, B, C

PERSISTENT, PEERS = PeerFlag.PERSISTENT, PeerFlag.PEERS


def unit_text(**lists: str) -> str:
    flags = "".join(f" --{name.replace('_', '-')} {value}" for name, value in lists.items())
    return f"[Service]\nExecStart=/usr/bin/loom run{flags}\n"


def node(
    number: int, node_id: str | None, role: Role = Role.VALIDATOR, *, more: str = "", **lists: str
) -> NodeFacts:
    """n1 at 10.2.0.1 and so on; the lists by flag, or no unit."""
    unit = read_unit("loom.service", unit_text(**lists) + more) if lists or more else None
    return NodeFacts(f"n{number}", role, f"10.2.0.{number}", 46656, node_id, unit=unit)


def peer(node_id: str, number: int, port: int = 46656) -> str:
    return f"tcp://{node_id}@10.2.0.{number}:{port}"


def peers(*entries: str) -> str:
    return ",".join(entries)


def kinds(report: KeyReport) -> list[MismatchKind]:
    return [mismatch.kind for mismatch in report.mismatches]


HEALTHY = (
    node(1, A, persistent_peers=peers(peer(B, 2), peer(C, 3))),
    node(2, B, persistent_peers=peers(peer(A, 1), peer(C, 3))),
    node(3, C, persistent_peers=peers(peer(A, 1), peer(B, 2))),
)
