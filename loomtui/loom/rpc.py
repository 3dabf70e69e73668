"""Replies of Tendermint's RPC. Integers are strings in them. Source: tendermint 0.27.3 rpc/core."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class RpcError(ValueError):
    """An answer that is not what was asked for; its text is one sentence."""


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
    voting_power: int
    peers: int | None = None  # None: not asked
    peer_ids: tuple[str, ...] = ()
    listen_addr: str = ""


def read_status(body: bytes) -> ChainFacts:
    """Reads `/status`. Raises RpcError."""
    raise NotImplementedError


def read_net_info(body: bytes, facts: ChainFacts) -> ChainFacts:
    """`facts` with the peers of `/net_info`. Raises RpcError."""
    raise NotImplementedError


def read_validators(body: bytes) -> tuple[tuple[str, int], ...]:
    """Address (upper-case hex) and voting power of each validator in `/validators`. Raises RpcError."""
    raise NotImplementedError


def read_block(body: bytes) -> tuple[int, str]:
    """Height and app hash (upper-case hex) of the header in `/block?height=H`. Raises RpcError."""
    raise NotImplementedError


def read_genesis(body: bytes) -> str:
    """The Tendermint genesis document in `/genesis`, as JSON text. Raises RpcError."""
    raise NotImplementedError
