"""Blocks and what executing them does to the state. Small, and enough that forks differ in every hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Validator:
    address: str
    public_key: str  # base64
    power: int


@dataclass(frozen=True)
class Block:
    height: int
    time: str  # RFC 3339, UTC
    proposer: str  # validator address
    previous: str  # hash of the block before, or of the genesis
    app_hash: str  # of the state before this block
    signers: tuple[str, ...] = ()  # who precommitted it; not part of the hash
    elected: tuple[Validator, ...] = ()  # a new set, where this block has the end of an election in it

    @property
    def hash(self) -> str:
        parts = (self.height, self.time, self.proposer, self.previous, self.app_hash, self.elected)
        return hashlib.sha256(repr(parts).encode()).hexdigest().upper()

    def executed(self, app_hash: str) -> str:
        """The application's hash after this block, from that before it."""
        return hashlib.sha256((app_hash + self.hash).encode()).hexdigest().upper()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Block:
        """Raises KeyError, TypeError for a document that is no block."""
        elected = tuple(Validator(**entry) for entry in document["elected"])
        return cls(**{**document, "signers": tuple(document["signers"]), "elected": elected})


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
        return hashlib.sha256(repr(parts).encode()).hexdigest().upper()

    @classmethod
    def read(cls, tendermint: str, loom: str) -> Genesis:
        """Raises KeyError, TypeError, ValueError."""
        contracts = json.dumps(json.loads(loom), sort_keys=True)
        return cls._read(tendermint, hashlib.sha256(contracts.encode()).hexdigest().upper())

    def with_document(self, tendermint: str) -> Genesis:
        """With another document of Tendermint's. Raises KeyError, TypeError, ValueError."""
        return self._read(tendermint, self.app_hash)

    @classmethod
    def _read(cls, tendermint: str, app_hash: str) -> Genesis:
        document = json.loads(tendermint)
        validators = tuple(
            Validator(entry["address"], entry["pub_key"]["value"], int(entry["power"]))
            for entry in document["validators"]
        )
        return cls(document["chain_id"], document["genesis_time"], validators, tendermint, app_hash)


def enough(power: int, total: int) -> bool:
    """More than two thirds."""
    return 3 * power > 2 * total


def timestamp(at: datetime | None = None) -> str:
    at = (at or datetime.now(UTC)).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
