"""Journals as LevelDB writes them, for the tests of what reads them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import google_crc32c

from loomtui.loom.leveldb import BLOCK_SIZE

_HEADER = struct.Struct("<IHB")  # masked CRC-32C of type and data, length of the data, type
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_VALUE = 1


def write_batch(sequence: int, items: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A write batch of puts; `sequence` is the number of the first."""
    parts = [struct.pack("<QI", sequence, len(items))]
    for key, value in items:
        parts += [bytes([_VALUE]), _varint(len(key)), key, _varint(len(value)), value]
    return b"".join(parts)


def journal(batches: Iterable[bytes]) -> bytes:
    """A journal that holds these records."""
    out = bytearray()
    for batch in batches:
        rest, first = batch, True
        while first or rest:
            left = BLOCK_SIZE - len(out) % BLOCK_SIZE
            if left < _HEADER.size:
                out += bytes(left)
                continue
            piece, rest = rest[: left - _HEADER.size], rest[left - _HEADER.size :]
            kind = (_LAST if not rest else _MIDDLE) if not first else (_FULL if not rest else _FIRST)
            body = bytes([kind]) + piece
            out += _HEADER.pack(_masked_crc(body), len(piece), kind) + piece
            first = False
    return bytes(out)


def manifest(*, log_number: int, next_file: int, last_sequence: int) -> bytes:
    """The smallest valid MANIFEST: no tables, everything in the journal `log_number`."""
    comparator = b"leveldb.BytewiseComparator"
    edit = bytes([1]) + _varint(len(comparator)) + comparator
    for tag, number in ((2, log_number), (3, next_file), (4, last_sequence)):
        edit += bytes([tag]) + _varint(number)
    return journal([edit])


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _masked_crc(data: bytes) -> int:
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
