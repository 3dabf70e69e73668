"""Puts one new validator in the place of those that a chain's state.db names.

The keys of the chain's own validators are never in a proof, so without that no block could be made. Nothing
else of the state changes: the blocks that are there, the app's state and its hash stay, and the last block is
still signed by whom it was signed. Sources: tendermint 0.27.3 state/state.go, state/store.go,
state/validation.go (`LastCommit` is checked by the last validators), consensus/replay.go.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from loomtui.drill.node.blocks import Block, Validator
from loomtui.drill.node.journals import batch, frame
from loomtui.drill.node.states import STATE, VALIDATORS, encode_set, stored_set
from loomtui.drill.node.varint import read_varint, varint
from loomtui.loom import leveldb
from loomtui.loom.chainstate import ChainState, decode_chain_state
from loomtui.loom.documents import read_object
from loomtui.loom.manifest import file_number

_NEXT_SET, _SET, _LAST_CHANGE = 7, 8, 10  # fields of the state
_FIXED = {1: 8, 5: 4}  # bytes, by the kind of a field
_VARINT, _BYTES = 0, 2
_MAX_BLOCK_BYTES = 1024**2  # of the stand-in's


class NoSuccessionError(Exception):
    """state.db does not tell its state where a journal is looked for."""


def succeed(state_db: Path, heir: Validator, store_height: int) -> int:
    """Appends the new state to the database. Gives the first height on which the heir decides alone.

    `store_height`: of the block store. A block that is stored and not yet in the state is one that the former
    validators have made, so these decide on it.

    Raises NoSuccessionError, OSError.
    """
    journal = _journal(state_db)
    data = journal.read_bytes()
    value = leveldb.last(data, lambda key, value: value if key == STATE else None)
    state = decode_chain_state(value) if value is not None else None
    if value is None or state is None:
        raise NoSuccessionError
    first = max(state.height, store_height) + 1
    if first > state.height + 2:
        raise NoSuccessionError
    new = _with_heir(value, heir, first, state)
    heights = range(first, state.height + 3)
    sets = [(b"%s:%d" % (VALIDATORS, height), stored_set((heir,), height)) for height in heights]
    end = leveldb.end_of_records(data)
    record = batch(_next_sequence(data), [*sets, (STATE, new)])
    with journal.open("r+b") as file:
        file.truncate(end)
        file.seek(end)
        file.write(frame(record, end))
    return first


def is_practice_chain(block_store: Path, height: int) -> bool:
    """Whether this is the last block of a practice cluster: the stand-in reads no others."""
    try:
        data = _journal(block_store).read_bytes()
    except (OSError, NoSuccessionError):
        return False
    key = b"H:%d" % height
    value = leveldb.last(data, lambda at, value: value if at == key else None)
    try:
        Block.from_json(dict(read_object(value or b"", limit=_MAX_BLOCK_BYTES)))
    except (ValueError, KeyError, TypeError):
        return False
    return True


def _journal(folder: Path) -> Path:
    """The one in force has the highest number. Raises NoSuccessionError."""
    numbers = {
        kind[1]: path for path in folder.iterdir() if (kind := file_number(path.name)) and kind[0] == "log"
    }
    if not numbers:
        raise NoSuccessionError
    return numbers[max(numbers)]


def _next_sequence(data: bytes) -> int:
    sequence = 1
    for record in leveldb.records(data):
        if len(record) >= 12:
            before, count = struct.unpack_from("<QI", record)
            sequence = max(sequence, before + count)
    return sequence


def _with_heir(value: bytes, heir: Validator, first: int, state: ChainState) -> bytes:
    """Raises NoSuccessionError."""
    members = encode_set((heir,))
    replaced = {_NEXT_SET: _bytes(_NEXT_SET, members), _LAST_CHANGE: _number(_LAST_CHANGE, first)}
    if first == state.height + 1:
        replaced[_SET] = _bytes(_SET, members)
    new = b"".join(replaced.get(number, raw) for number, raw in _fields(value))
    told = decode_chain_state(new)
    if told is None or [one.address for one in told.next_validators] != [heir.address]:
        raise NoSuccessionError
    return new


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Each field's number, and all of its bytes. The message is one that was decoded before."""
    at = 0
    while at < len(message):
        key, end = read_varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            _, end = read_varint(message, end)
        elif kind == _BYTES:
            length, end = read_varint(message, end)
            end += length
        else:
            end += _FIXED[kind]
        yield key >> 3, message[at:end]
        at = end


def _bytes(field: int, value: bytes) -> bytes:
    return varint(field << 3 | _BYTES) + varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)
