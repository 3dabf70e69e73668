"""Journals of LevelDB, as far as heights need them: 32 KiB blocks of checksummed records, each a write batch.

Sources: LevelDB doc/log_format.md, db/write_batch.cc, db/version_edit.cc, util/crc32c.h; tendermint 0.27.3
blockchain/store.go (key `blockStore`) and state/store.go (keys `consensusParamsKey:HEIGHT`); tendermint/iavl
nodedb.go (root keys).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import TypeVar

import google_crc32c

from loomtui.loom.documents import integer, read_object

#: Records never cross a block; a tail of a journal that begins at a multiple of this can be read as well.
BLOCK_SIZE = 32 * 1024

T = TypeVar("T")

_HEADER = struct.Struct("<IHB")  # masked CRC-32C of type and data, length of the data, type
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_BATCH_HEADER = 12  # sequence number and count
_DELETION, _VALUE = 0, 1
_STORE_KEY = b"blockStore"
_ROOT_KEY = re.compile(rb"r(?:(.{8})|/([0-9]{10}))", re.DOTALL)
_PARAMS_KEY = re.compile(rb"consensusParamsKey:([0-9]{1,18})")
_FIRST_WINDOW = 8 * BLOCK_SIZE


def records(data: bytes) -> Iterator[bytes]:
    """The write batches of a journal, or of its tail from a block boundary on. Never raises.

    A torn tail or a bad checksum ends it, as it ends LevelDB's own recovery. The rest of a record that
    began before the tail is passed over.
    """
    pieces: list[memoryview] | None = None
    for kind, piece in _fragments(memoryview(data)):
        if kind == _FULL:
            yield bytes(piece)
            pieces = None
        elif kind == _FIRST:
            pieces = [piece]
        elif pieces is not None:
            pieces.append(piece)
            if kind == _LAST:
                yield b"".join(pieces)
                pieces = None


def end_of_records(data: bytes) -> int:
    """Where the last whole record of a journal ends: the next one is appended there. Never raises."""
    end = 0
    for kind, _, after in _placed_fragments(memoryview(data)):
        if kind in (_FULL, _LAST):
            end = after
    return end


def _fragments(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    for kind, piece, _ in _placed_fragments(data):
        yield kind, piece


def _placed_fragments(data: memoryview) -> Iterator[tuple[int, memoryview, int]]:
    """With where each ends."""
    at = 0
    while at + _HEADER.size <= len(data):
        left = BLOCK_SIZE - at % BLOCK_SIZE
        if left < _HEADER.size:
            at += left  # the trailer of a block
            continue
        checksum, length, kind = _HEADER.unpack_from(data, at)
        end = at + _HEADER.size + length
        if not _FULL <= kind <= _LAST or length > left - _HEADER.size or end > len(data):
            return
        if checksum != _masked_crc(bytes(data[at + 6 : end])):
            return
        yield kind, data[at + _HEADER.size : end], end
        at = end


def puts(batch: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each put in a write batch; a malformed rest ends it. Never raises."""
    at = _BATCH_HEADER
    while at < len(batch):
        kind = batch[at]
        key, at = _take(batch, at + 1)
        if kind == _DELETION and key is not None:
            continue
        value, at = _take(batch, at)
        if kind != _VALUE or key is None or value is None:
            return
        yield key, value


def _take(data: bytes, at: int) -> tuple[bytes | None, int]:
    """A string with its length in front (varint32), and where it ends; None where there is none."""
    length = shift = 0
    for place in range(at, min(at + 5, len(data))):
        length |= (data[place] & 0x7F) << shift
        shift += 7
        if data[place] < 0x80:
            end = place + 1 + length
            return (data[place + 1 : end], end) if end <= len(data) else (None, len(data))
    return None, len(data)


def store_height(data: bytes) -> int | None:
    """The height of the block store, from its journal (or a tail of it). None: it is not in there."""
    return last(data, _store_height)


def app_height(data: bytes) -> int | None:
    """The last version saved to app.db, from its journal (or a tail of it). None: it is not in there."""
    return last(data, _root_version)


def state_height(data: bytes) -> int | None:
    """The height of state.db, from its journal (or a tail of it). None: it is not in there.

    With the state after block H, Tendermint saves the consensus parameters of H+1, under a key that names it.
    """
    return last(data, _params_height)


def last(data: bytes, read: Callable[[bytes, bytes], T | None]) -> T | None:
    """The last answer of `read` to a put in a journal (or a tail of it). None: it never had one.

    What is looked for stands near the end, so that the end is read first.
    """
    window = _FIRST_WINDOW
    while True:
        start = max(0, len(data) - window) // BLOCK_SIZE * BLOCK_SIZE
        newest: T | None = None
        for batch in records(data[start:]):
            for key, value in puts(batch):
                answer = read(key, value)
                newest = newest if answer is None else answer
        if newest is not None or start == 0:
            return newest
        window *= 4


def _store_height(key: bytes, value: bytes) -> int | None:
    if key != _STORE_KEY:
        return None
    try:
        document = read_object(value, limit=1024)
    except ValueError:
        return None
    height = integer(document.get("height", document.get("Height")))
    return height if height is not None and height >= 0 else None


def _params_height(key: bytes, _: bytes) -> int | None:
    match = _PARAMS_KEY.fullmatch(key)
    return int(match[1]) - 1 if match and int(match[1]) else None


def _root_version(key: bytes, _: bytes) -> int | None:
    """The version in a root key of the IAVL tree: `r` and eight bytes, big-endian; older: `r/%010d`."""
    match = _ROOT_KEY.fullmatch(key)
    if not match:
        return None
    version = int(match[2]) if match[2] else int.from_bytes(match[1], "big")
    return version if version < 2**63 else None


def _masked_crc(data: bytes) -> int:
    """CRC-32C (Castagnoli), rotated and shifted as LevelDB stores it."""
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
