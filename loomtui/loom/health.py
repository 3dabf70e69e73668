"""Is the cluster healthy? Only heights that grow, with equal app hashes and all peers there, prove it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loomtui.inventory.model import Role

#: How long heights may stand still before the chain counts as halted: several times a block's usual 1.3 s.
PATIENCE = timedelta(seconds=15)


class ClusterState(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"  # it moves, but not all is well
    HALTED = "halted"  # nodes are up and the chain stands still
    STOPPED = "stopped"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"  # one look says nothing about growth


@dataclass(frozen=True)
class NodeView:
    """One node at one moment, as far as health needs it."""

    name: str
    role: Role
    reachable: bool
    active: bool  # the service runs and does not flap
    height: int | None = None
    app_hash: str | None = None
    peers: int | None = None
    catching_up: bool = False
    block_time: datetime | None = None  # UTC


@dataclass(frozen=True)
class Verdict:
    state: ClusterState
    sentence: str
    reasons: tuple[str, ...] = ()
    growing: bool = False  # the height of every node that answers grew


def judge_cluster(
    looks: Sequence[Sequence[NodeView]],
    at: Sequence[datetime],
    expected_peers: Mapping[str, int] | None = None,
    *,
    patience: timedelta = PATIENCE,
) -> Verdict:
    """Judges a row of looks, oldest first, `at` their times.

    `expected_peers`: the least number of peers by node; by default all other validators.
    """
    raise NotImplementedError
