"""What `state.db` tells of a chain: which one it is, its last block, and who decides on the next ones.

Tendermint writes the key `stateKey` again with every block, in Amino (the protobuf wire format), so it is
always in the journal. `genesisDoc` is the genesis and is written once, so only the journal of a young
database has it. Source: tendermint 0.27.3 state/state.go (`State`), state/store.go, node/node.go and
types/validator_set.go.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loomtui.loom import leveldb
from loomtui.loom.amino import Message, data_of, inner, list_of, number, read_message
from loomtui.loom.documents import base64_bytes
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.loom.nodekey import validator_address
from loomtui.text import clean_line

#: Of a validator set; Tendermint itself knows no bound, and no real chain comes near it.
MAX_VALIDATORS = 1000
#: Of the value of `stateKey`: three sets of so many validators.
MAX_STATE_BYTES = 512 * 1024
MAX_GENESIS_BYTES = 1024**2

_STATE_KEY, _GENESIS_KEY = b"stateKey", b"genesisDoc"
_PUBLIC_KEY_PREFIX = bytes.fromhex("1624de64") + b"\x20"  # ed25519, and the length that follows
_MAX_CHAIN_ID = 50  # types/genesis.go
_MAX_HASH_BYTES = 64
_HASH = re.compile(r"(?:[0-9A-F]{2}){0,64}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Power:
    """One validator of a set, with its voting power at that height."""

    address: str  # upper-case hex
    public_key: str  # base64 of 32 bytes, as a genesis has it
    power: int


@dataclass(frozen=True)
class ChainState:
    """The value of `stateKey`.

    On a DPOS chain the powers change with every block, and elections change the set.
    """

    chain_id: str
    height: int  # of the last block; 0: no block yet
    block_hash: str | None  # of the last block, upper-case hex; None: no block yet
    block_time: datetime | None  # of the last block, UTC, to the microsecond; None: no block yet
    last_validators: tuple[Power, ...]  # who signed block `height`
    validators: tuple[Power, ...]  # who decides on block `height` + 1
    next_validators: tuple[Power, ...]  # who decides on block `height` + 2
    last_change: int  # the height at which the set changed last
    app_hash: str  # after block `height`, upper-case hex


def read_chain_state(journal: bytes) -> ChainState | None:
    """Reads the last `stateKey` in a journal of state.db (or in a tail of it).

    None means that there is none, or that it is malformed. Never raises, whatever the bytes are.
    """
    value = leveldb.last(journal, lambda key, value: value if key == _STATE_KEY else None)
    return None if value is None else decode_chain_state(value)


def decode_chain_state(value: bytes) -> ChainState | None:
    """The value of `stateKey`, or None if it is malformed. Never raises."""
    if len(value) > MAX_STATE_BYTES:
        return None
    try:
        return _chain_state(read_message(value))
    except (ValueError, OverflowError):
        return None


def read_genesis_doc(journal: bytes) -> str | None:
    """Tendermint's genesis from a journal of state.db.

    None means that it is not there (any more), or malformed.

    Its key is looked for first, because a whole journal may be long, and few of them have it.
    """
    at = journal.find(_GENESIS_KEY)
    if at < 0:
        return None
    start = at // leveldb.BLOCK_SIZE * leveldb.BLOCK_SIZE
    window = journal[start : start + MAX_GENESIS_BYTES + 2 * leveldb.BLOCK_SIZE]
    for batch in leveldb.records(window):
        for key, value in leveldb.puts(batch):
            if key == _GENESIS_KEY:
                return _genesis_text(value)
    return None


def is_sound(state: ChainState) -> bool:
    """Whether the state, which somebody else wrote down, is such as `decode_chain_state` gives."""
    sets = state.last_validators, state.validators, state.next_validators
    is_begun = state.height > 0
    return (
        0 <= state.height < 2**63
        and 0 <= state.last_change < 2**63
        and 0 < len(state.chain_id) <= _MAX_CHAIN_ID
        and clean_line(state.chain_id) == state.chain_id
        and is_begun == (state.block_hash is not None) == (state.block_time is not None)
        and (state.block_time is None or state.block_time.tzinfo is not None)
        and all(_HASH.fullmatch(text) for text in (state.app_hash, state.block_hash or ""))
        and bool(state.validators and state.next_validators)
        and all(map(_is_sound_set, sets))
    )


def _is_sound_set(powers: tuple[Power, ...]) -> bool:
    if len(powers) > MAX_VALIDATORS or len({one.address for one in powers}) != len(powers):
        return False
    keys = [(one, base64_bytes(one.public_key, 32)) for one in powers]
    return all(
        key is not None and one.address == validator_address(key) and 0 < one.power < 2**63
        for one, key in keys
    )


def _genesis_text(value: bytes) -> str | None:
    if len(value) > MAX_GENESIS_BYTES:
        return None
    try:
        text = value.decode("utf-8")
        read_tendermint_genesis(text)
    except ValueError:
        return None
    return text


def _chain_state(state: Message) -> ChainState:
    """Raises ValueError, OverflowError."""
    height, last_change = number(state, 3), number(state, 10)
    chain_id = data_of(state, 2).decode("utf-8")
    next_, now, last = (_validators(inner(state, field)) for field in (7, 8, 9))
    block_hash = _hash(data_of(inner(state, 5), 1))
    if height < 0 or last_change < 0 or not now or not next_ or not 0 < len(chain_id) <= _MAX_CHAIN_ID:
        raise ValueError("no state of a chain")
    if (height > 0) != bool(block_hash):
        raise ValueError("a height without a block, or a block without a height")
    return ChainState(
        chain_id=clean_line(chain_id, limit=80),
        height=height,
        block_hash=block_hash or None,
        block_time=_time(inner(state, 6)) if height else None,
        last_validators=last,
        validators=now,
        next_validators=next_,
        last_change=last_change,
        app_hash=_hash(data_of(state, 14)),
    )


def _validators(message: Message) -> tuple[Power, ...]:
    """Raises ValueError."""
    powers = tuple(_validator(read_message(entry)) for entry in list_of(message, 1, limit=MAX_VALIDATORS))
    if len({entry.address for entry in powers}) != len(powers):
        raise ValueError("the same validator twice")
    return powers


def _validator(message: Message) -> Power:
    """Raises ValueError."""
    key, power = data_of(message, 2), number(message, 3)
    public = key.removeprefix(_PUBLIC_KEY_PREFIX)
    if len(public) != 32 or len(key) != 32 + len(_PUBLIC_KEY_PREFIX) or power <= 0:
        raise ValueError("no validator")
    address = validator_address(public)
    if data_of(message, 1).hex().upper() != address:
        raise ValueError("an address that is not the key's")
    return Power(address, base64.b64encode(public).decode(), power)


def _hash(data: bytes) -> str:
    """Raises ValueError."""
    if len(data) > _MAX_HASH_BYTES:
        raise ValueError("no hash")
    return data.hex().upper()


def _time(message: Message) -> datetime:
    """To the microsecond. Raises ValueError, OverflowError."""
    seconds, nanoseconds = number(message, 1), number(message, 2)
    if not 0 <= nanoseconds < 10**9:
        raise ValueError("no time")
    return _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
