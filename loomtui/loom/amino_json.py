"""Numbers in Tendermint's JSON files: of most of them Amino wants quotes, of a few it wants none.

A file in which one is the other way round keeps every node from starting that reads it. Amino compares names
of fields by case and passes over those that it does not know.

Sources: go-amino 0.10.1 and 0.14.1, json-decode.go (int and int64 in quotes; int8 as
`encoding/json` reads it; times in UTC); tendermint 0.22.8 and 0.27.3, types/genesis.go, types/params.go,
privval/priv_validator.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from loomtui.loom.documents import read_object
from loomtui.text import clean_line

_MAX_BYTES = 16 * 1024 * 1024
_MAX_FAULTS = 100
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")


class Form(StrEnum):
    """How Amino wants a value in JSON."""

    QUOTED = "quoted"  # a Go int or int64
    PLAIN = "plain"  # a Go int8
    TEXT = "text"
    TIME = "time"


@dataclass(frozen=True)
class ListOf:
    """A list of like documents."""

    item: Mapping[str, Shape]


Shape: TypeAlias = "Form | ListOf | Mapping[str, Shape]"


@dataclass(frozen=True)
class FormFault:
    """A value that Tendermint cannot read. Nothing private is in here."""

    field: str  # 'validators[0].power'
    found: str  # as it stands in the file: '10'
    wanted: str  # '"10"', 'a whole number in quotes'

    @property
    def text(self) -> str:
        return f"{self.field} is {self.found}, and Tendermint wants {self.wanted}"


_GENESIS: Mapping[str, Shape] = {
    "genesis_time": Form.TIME,
    "chain_id": Form.TEXT,
    "app_hash": Form.TEXT,
    "validators": ListOf({"address": Form.TEXT, "power": Form.QUOTED, "name": Form.TEXT}),
    "consensus_params": {
        "block_size": {"max_bytes": Form.QUOTED, "max_gas": Form.QUOTED},
        "evidence": {"max_age": Form.QUOTED},
        # Until Tendermint 0.22; a later one knows none of these.
        "block_size_params": {"max_bytes": Form.QUOTED, "max_txs": Form.QUOTED, "max_gas": Form.QUOTED},
        "tx_size_params": {"max_bytes": Form.QUOTED, "max_gas": Form.QUOTED},
        "block_gossip_params": {"block_part_size_bytes": Form.QUOTED},
        "evidence_params": {"max_age": Form.QUOTED},
    },
}
_VALIDATOR: Mapping[str, Shape] = {
    "address": Form.TEXT,
    "last_height": Form.QUOTED,
    "last_round": Form.QUOTED,
    "last_step": Form.PLAIN,
    "last_signbytes": Form.TEXT,
}
#: What a reset of the signing state writes anew, in the right form.
SIGNING_FIELDS = frozenset({"last_height", "last_round", "last_step"})


def genesis_faults(text: str) -> tuple[FormFault, ...]:
    """What Tendermint cannot read in its genesis file; () where it is not JSON at all. Never raises."""
    try:
        document = read_object(text, limit=_MAX_BYTES)
    except ValueError:
        return ()
    return _faults(document, _GENESIS)


def validator_faults(document: Mapping[str, object]) -> tuple[FormFault, ...]:
    """The same of a `priv_validator.json`. Never raises."""
    return _faults(document, _VALIDATOR)


def first_of(faults: Sequence[FormFault]) -> str:
    """The faults of one file in words: the first, and how many more there are."""
    more = f" (and {len(faults) - 1} more of this kind)" if len(faults) > 1 else ""
    return f"{faults[0].text}{more}"


def _faults(document: object, shape: Shape) -> tuple[FormFault, ...]:
    found = _walk("", document, shape)
    return tuple(fault for _, fault in zip(range(_MAX_FAULTS), found, strict=False))


def _walk(field: str, value: object, shape: Shape) -> Iterator[FormFault]:
    """Of a null Go makes the zero value, whatever the type."""
    if value is None:
        return
    if isinstance(shape, Form):
        yield from _of_value(field, value, shape)
    elif isinstance(shape, ListOf):
        if not isinstance(value, list):
            yield FormFault(field, _kind(value), "a list")
            return
        for at, entry in enumerate(value):
            yield from _walk(f"{field}[{at}]", entry, shape.item)
    elif not isinstance(value, Mapping):
        yield FormFault(field, _kind(value), "an object")
    else:
        for name, inner in shape.items():
            yield from _walk(f"{field}.{name}".lstrip("."), value.get(name), inner)


def _of_value(field: str, value: object, form: Form) -> Iterator[FormFault]:
    if form is Form.QUOTED and not (isinstance(value, str) and _is_int64(value.strip(" \t"))):
        yield FormFault(field, _literal(value), _quoted(value))
    elif form is Form.PLAIN and not (isinstance(value, int) and not isinstance(value, bool)):
        yield FormFault(field, _literal(value), _plain(value))
    elif form is Form.TEXT and not isinstance(value, str):
        yield FormFault(field, _kind(value), "text in quotes")
    elif form is Form.TIME and not (isinstance(value, str) and value.endswith("Z")):
        yield FormFault(field, _literal(value), "a time in UTC that ends with Z")


def _is_int64(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63


def _quoted(value: object) -> str:
    """The right form where there is no doubt of the number."""
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return f'"{text}"' if len(text) <= 20 and _is_int64(text) else "a whole number in quotes"


def _plain(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    return text if _is_int64(text) else "a whole number without quotes"


def _literal(value: object) -> str:
    """A number or a string as JSON has it; the kind of anything else."""
    if isinstance(value, Mapping | list):
        return _kind(value)
    return clean_line(json.dumps(value), limit=60)


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
    return "an object"
