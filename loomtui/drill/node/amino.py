"""Numbers in Tendermint's JSON files, as Amino reads them. Source: go-amino 0.14.1 json-decode.go."""

from __future__ import annotations

import json


class AminoError(Exception):
    """Amino's own words, or those of Go's encoding/json."""


def quoted(value: object) -> int:
    """A Go int or int64. Raises AminoError, ValueError."""
    if not isinstance(value, str):
        raise AminoError(
            "invalid character -- Amino:JSON int/int64/uint/uint64 expects quoted values for javascript "
            "numeric "
            f"support, got: {json.dumps(value)}."
        )
    return int(value)


def plain(value: object) -> int:
    """A Go int8. Raises AminoError."""
    if not isinstance(value, int):
        raise AminoError("json: cannot unmarshal string into Go value of type int8")
    return value


def check_genesis(text: str) -> None:
    """Raises AminoError, KeyError, TypeError, ValueError."""
    document = json.loads(text)
    params = document.get("consensus_params") or {}
    for block in ("block_size", "evidence"):
        for value in params.get(block, {}).values():
            quoted(value)
    for validator in document["validators"]:
        quoted(validator["power"])
