"""Lists of peers, as in `--peers` and `--persistent-peers`.

Source: tendermint 0.27.3 node/node.go (splitAndTrimEmpty) and p2p/netaddress.go (NewNetAddressString).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from loomtui.text import clean_line

_HEX = re.compile(r"[0-9A-Fa-f]*")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_PORT = re.compile(r"[0-9]{1,5}")
_ID_BYTES = 20


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
    """Reads a comma list of `[tcp://]ID@host:port`. Never raises.

    Blanks around entries and empty entries are ignored, as Loom does.
    """
    peers: list[Peer] = []
    problems: list[PeerProblem] = []
    for entry in filter(None, map(str.strip, value.split(","))):
        try:
            peers.append(_read_peer(entry))
        except ValueError as error:
            shown = clean_line(entry, limit=120)
            problems.append(PeerProblem(shown, f"{shown}: {error}."))
    return PeerList(tuple(peers), tuple(problems))


def write_peers(peers: Iterable[Peer]) -> str:
    """The list as Loom reads it, in the given order."""
    return ",".join(str(peer) for peer in peers)


@lru_cache(maxsize=4096)  # a cluster's nodes name the same peers
def _read_peer(entry: str) -> Peer:
    """Raises ValueError with what is wrong."""
    node_id, at, address = entry.split("://", 1)[-1].rpartition("@")
    if not at:
        raise ValueError("it has no node ID; an entry is tcp://ID@host:port")
    if not _HEX.fullmatch(node_id):
        raise ValueError("its ID is not hexadecimal")
    if len(node_id) != 2 * _ID_BYTES:
        raise ValueError(f"its ID is {_count_bytes(node_id)} long, an ID has {_ID_BYTES} bytes")
    host, colon, port = address.rpartition(":")
    if not colon or host.count("[") != host.count("]"):
        raise ValueError("it has no port; an entry is tcp://ID@host:port")
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= 65535:
        raise ValueError("its port is not a number from 1 to 65535")
    return Peer(node_id, _read_host(host), int(port))


def _count_bytes(digits: str) -> str:
    return f"{len(digits) // 2} bytes" if len(digits) % 2 == 0 else f"{len(digits)} digits"


def _read_host(host: str) -> str:
    if not host:
        raise ValueError("it has no host")
    if host.startswith("[") and host.endswith("]") and _IPV6.fullmatch(host[1:-1]):
        return host[1:-1]
    if not _HOST.fullmatch(host):
        raise ValueError("its host is neither a name nor an address")
    return host
