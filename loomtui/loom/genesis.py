"""The two genesis files: Loom's (contracts) and Tendermint's (chain ID, validators).

Source: loomchain cmd/loom/loom.go; tendermint 0.27.3 types/genesis.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loomtui.loom.documents import base64_bytes, integer, member, read_object, read_time, string
from loomtui.loom.nodekey import validator_address
from loomtui.text import clean_line

_MAX_BYTES = 16 * 1024 * 1024
#: What Tendermint puts in where a genesis has none: types/params.go (DefaultConsensusParams).
_DEFAULT_PARAMS = {
    "block_size": {"max_bytes": "22020096", "max_gas": "-1"},
    "evidence": {"max_age": "100000"},
    "validator": {"pub_key_types": ["ed25519"]},
}


class GenesisKind(StrEnum):
    LOOM = "loom"
    TENDERMINT = "tendermint"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class GenesisValidator:
    address: str  # upper-case hex, from the public key
    power: int
    name: str
    public_key: str  # base64 of 32 bytes


@dataclass(frozen=True)
class TendermintGenesis:
    chain_id: str
    genesis_time: datetime | None  # UTC
    validators: tuple[GenesisValidator, ...]


def classify_genesis(text: str) -> GenesisKind:
    """Which of the two files it is, by content. Never raises."""
    try:
        document = read_object(text, limit=_MAX_BYTES)
    except ValueError:
        return GenesisKind.UNKNOWN
    if string(document.get("chain_id")):
        return GenesisKind.TENDERMINT
    return GenesisKind.LOOM if isinstance(document.get("contracts"), list) else GenesisKind.UNKNOWN


def read_tendermint_genesis(text: str) -> TendermintGenesis:
    """Raises ValueError with a sentence."""
    try:
        document = read_object(text, limit=_MAX_BYTES)
    except ValueError as error:
        raise ValueError(f"The genesis file is {error}.") from None
    chain_id = string(document.get("chain_id"))
    if not chain_id:
        raise ValueError("The genesis file names no chain_id; it is not Tendermint's.")
    listed = document.get("validators")
    return TendermintGenesis(
        clean_line(chain_id, limit=80),
        read_time(string(document.get("genesis_time"))),
        tuple(map(_validator, listed)) if isinstance(listed, list) else (),
    )


def canonical_genesis(text: str) -> str:
    """One form for all spellings of the same document, to tell chains apart by all that is in it.

    Blanks, the order of fields and numbers in quotes make no difference, and what Tendermint completes is
    completed (types/genesis.go, ValidateAndComplete). Raises ValueError with a sentence.
    """
    try:
        document = dict(read_object(text, limit=_MAX_BYTES))
    except ValueError as error:
        raise ValueError(f"The genesis file is {error}.") from None
    if string(document.get("chain_id")):
        document = {"consensus_params": _DEFAULT_PARAMS} | {
            name: value for name, value in document.items() if value not in ("", None)
        }
        listed = document.get("validators")
        if isinstance(listed, list):
            document["validators"] = [_without_address(entry) for entry in listed]
    return json.dumps(_plain(document), sort_keys=True)


def _without_address(entry: object) -> object:
    """Leaves the address out, because it follows from the public key."""
    if not isinstance(entry, Mapping):
        return entry
    return {name: value for name, value in entry.items() if name != "address"}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _validator(entry: object) -> GenesisValidator:
    key = string(member(entry, "pub_key", "value"))
    public = base64_bytes(key, 32)
    power = integer(entry.get("power")) if isinstance(entry, Mapping) else None
    if public is None or power is None or power < 0:
        raise ValueError("The genesis file holds a validator without a public key or a power.")
    name = clean_line(string(member(entry, "name")), limit=80)
    return GenesisValidator(validator_address(public), power, name, key)
