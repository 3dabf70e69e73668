"""Replies of Tendermint's RPC. Integers are strings in them. Source: tendermint 0.27.3 rpc/core."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from loomtui.loom.documents import integer, member, read_object, read_time, string
from loomtui.text import clean_line

_MAX_BYTES = 16 * 1024 * 1024
_ADDRESS = re.compile(r"[0-9A-Fa-f]{40}")
_HASH = re.compile(r"[0-9A-F]{0,128}")


class RpcError(ValueError):
    """An answer that is not what was asked for. Its text is one sentence."""


@dataclass(frozen=True)
class ChainFacts:
    """What a node says of itself and of the chain."""

    node_id: str
    network: str  # chain ID
    version: str  # of Tendermint
    moniker: str
    height: int
    app_hash: str  # upper-case hex, of the header at `height`
    block_time: datetime | None  # UTC; None: no block yet
    catching_up: bool
    address: str | None  # of the validator key it uses, upper-case hex
    voting_power: int  # of that key in the set at `height`; 0: it is not in it
    peers: int | None = None  # None: not asked
    peer_ids: tuple[str, ...] = ()
    members: tuple[tuple[str, int], ...] = ()  # the set at `height`: address and power; empty: not asked


def read_status(body: bytes) -> ChainFacts:
    """Reads `/status`. Raises RpcError."""
    result = _result(body)
    node, sync = member(result, "node_info"), member(result, "sync_info")
    if not isinstance(node, Mapping) or not isinstance(sync, Mapping):
        raise RpcError("The answer is not that of a node's /status.")
    height = _height(sync.get("latest_block_height"))
    address = clean_line(string(member(result, "validator_info", "address")), limit=40).upper()
    return ChainFacts(
        node_id=clean_line(string(node.get("id")), limit=40),
        network=clean_line(string(node.get("network")), limit=80),
        version=clean_line(string(node.get("version")), limit=40),
        moniker=clean_line(string(node.get("moniker")), limit=80),
        height=height,
        app_hash=_hash(sync.get("latest_app_hash")),
        block_time=read_time(string(sync.get("latest_block_time"))) if height else None,
        catching_up=(sync.get("catching_up") or sync.get("syncing")) is True,  # `syncing` before 0.22
        address=address or None,
        voting_power=_whole(member(result, "validator_info", "voting_power")) or 0,
    )


def read_net_info(body: bytes, facts: ChainFacts) -> ChainFacts:
    """`facts` with the peers of `/net_info`. Raises RpcError."""
    result = _result(body)
    count, peers = _whole(result.get("n_peers")), result.get("peers")
    if count is None:
        raise RpcError("The answer is not that of a node's /net_info.")
    listed = peers if isinstance(peers, list) else []  # null when there are none
    ids = (clean_line(string(member(peer, "node_info", "id")), limit=40) for peer in listed)
    return replace(facts, peers=count, peer_ids=tuple(filter(None, ids)))


def read_validators(body: bytes) -> tuple[tuple[str, int], ...]:
    """Address (upper-case hex) and voting power of each validator in `/validators`. Raises RpcError."""
    listed = _result(body).get("validators")
    if not isinstance(listed, list):
        raise RpcError("The answer is not that of a node's /validators.")
    return tuple(_validator(entry) for entry in listed)


def _result(body: bytes) -> Mapping[str, object]:
    """The `result` of an answer. An error comes with HTTP status 200 too."""
    try:
        document = read_object(body, limit=_MAX_BYTES)
    except ValueError as error:
        raise RpcError(f"The answer is {error}.") from None
    failure = document.get("error")
    if failure:
        parts = (string(member(failure, name)) for name in ("message", "data"))
        message = clean_line(": ".join(filter(None, parts)), limit=300)
        raise RpcError(f"The node answered with an error: {message or 'it does not say which'}.")
    result = document.get("result")
    if not isinstance(result, Mapping):
        raise RpcError("The answer holds no result.")
    return result


def _validator(entry: object) -> tuple[str, int]:
    address = string(member(entry, "address"))
    power = _whole(member(entry, "voting_power"))
    if not _ADDRESS.fullmatch(address) or power is None:
        raise RpcError("The answer holds a validator without an address or a voting power.")
    return address.upper(), power


def _whole(value: object) -> int | None:
    number = integer(value)
    return number if number is not None and number >= 0 else None


def _height(value: object) -> int:
    height = _whole(value)
    if height is None:
        raise RpcError("The answer holds no block height.")
    return height


def _hash(value: object) -> str:
    text = string(value).upper()
    return text if _HASH.fullmatch(text) else ""
