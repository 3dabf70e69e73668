"""The two genesis files: Loom's (contracts) and Tendermint's (chain ID, validators)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GenesisKind(StrEnum):
    LOOM = "loom"
    TENDERMINT = "tendermint"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class GenesisValidator:
    address: str  # upper-case hex
    power: int
    name: str
    public_key: str  # base64 of 32 bytes


@dataclass(frozen=True)
class TendermintGenesis:
    chain_id: str
    genesis_time: datetime | None  # UTC
    validators: tuple[GenesisValidator, ...]


def classify_genesis(text: str) -> GenesisKind:
    """Which of the two it is, by content. Never raises."""
    raise NotImplementedError


def read_tendermint_genesis(text: str) -> TendermintGenesis:
    """Raises ValueError with a sentence."""
    raise NotImplementedError
