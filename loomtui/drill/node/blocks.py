"""Blocks and what executing them does to the state. Small, and enough that forks differ in every hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Block:
    height: int
    time: str  # RFC 3339, UTC
    proposer: str  # validator address
    previous: str  # hash of the block before, or of the genesis
    app_hash: str  # of the state before this block
    signers: tuple[str, ...] = ()  # who precommitted it; not part of the hash

    @property
    def hash(self) -> str:
        parts = (self.height, self.time, self.proposer, self.previous, self.app_hash)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:40].upper()

    def executed(self, app_hash: str) -> str:
        """The application's hash after this block, from that before it."""
        return hashlib.sha256((app_hash + self.hash).encode()).hexdigest().upper()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Block:
        """Raises KeyError, TypeError for a document that is no block."""
        return cls(**{**document, "signers": tuple(document["signers"])})


@dataclass(frozen=True)
class Validator:
    address: str
    public_key: str  # base64
    power: int


@dataclass(frozen=True)
class Genesis:
    """chaindata/config/genesis.json, and the hash of Loom's genesis.json as the state at height 0."""

    chain_id: str
    time: str
    validators: tuple[Validator, ...]
    text: str
    app_hash: str

    @property
    def hash(self) -> str:
        parts = (self.chain_id, self.time, self.validators)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:40].upper()

    @classmethod
    def read(cls, tendermint: str, loom: str) -> Genesis:
        """Raises KeyError, TypeError, ValueError."""
        document = json.loads(tendermint)
        validators = tuple(
            Validator(entry["address"], entry["pub_key"]["value"], int(entry["power"]))
            for entry in document["validators"]
        )
        contracts = json.dumps(json.loads(loom), sort_keys=True)
        app_hash = hashlib.sha256(contracts.encode()).hexdigest().upper()
        return cls(document["chain_id"], document["genesis_time"], validators, tendermint, app_hash)


def enough(power: int, total: int) -> bool:
    """More than two thirds."""
    return 3 * power > 2 * total


def timestamp(moment: datetime | None = None) -> str:
    moment = (moment or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
