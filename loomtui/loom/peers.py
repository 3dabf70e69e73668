"""Lists of peers as they stand in `--peers` and `--persistent-peers`.

Source: tendermint 0.27.3 node/node.go (splitAndTrimEmpty) and p2p/netaddress.go (NewNetAddressString).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    id: str  # as typed: 40 hex digits; upper case is accepted by Loom and never matches
    host: str  # name or address; an IPv6 address without its brackets
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{self.id}@{host}:{self.port}"


@dataclass(frozen=True)
class PeerProblem:
    """An entry that Loom cannot use."""

    text: str  # the entry, clean
    message: str  # one sentence


@dataclass(frozen=True)
class PeerList:
    peers: tuple[Peer, ...]
    problems: tuple[PeerProblem, ...] = ()


def read_peers(value: str) -> PeerList:
    """Reads a comma list of `[tcp://]ID@host:port`. Never raises."""
    raise NotImplementedError


def write_peers(peers: Iterable[Peer]) -> str:
    """The list as Loom reads it, in the given order."""
    return ",".join(str(peer) for peer in peers)
