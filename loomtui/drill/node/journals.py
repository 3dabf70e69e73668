"""LevelDB folders that are only ever appended to: CURRENT, a MANIFEST, one journal with genuine records.

Written independently of `loomtui.loom.leveldb`, which reads real databases: tests check one by the other.
Sources: LevelDB doc/log_format.md, db/write_batch.cc, db/version_edit.cc, util/crc32c.h.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

from loomtui.drill.node.varint import read_varint, varint

BLOCK = 32 * 1024
_HEADER = 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_JOURNAL = "000003.log"
_MANIFEST = "MANIFEST-000001"
_COMPARATOR = b"leveldb.BytewiseComparator"
_NEXT_FILE = 1000  # tables below it that nothing names are old ones


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        entries.append(byte)
    return tuple(entries)


_CRC = _table()


def _checksum(data: bytes) -> int:
    """Masked CRC-32C (Castagnoli)."""
    crc = 0xFFFFFFFF
    table = _CRC
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frame(record: bytes, offset: int) -> bytes:
    """The record as it is stored at this offset of a journal."""
    parts = []
    first = True
    while True:
        room = BLOCK - offset % BLOCK
        if room < _HEADER:
            parts.append(bytes(room))
            offset += room
            room = BLOCK
        piece, record = record[: room - _HEADER], record[room - _HEADER :]
        kind = (_FULL if first else _LAST) if not record else (_FIRST if first else _MIDDLE)
        body = bytes([kind]) + piece
        parts.append(struct.pack("<IH", _checksum(body), len(piece)) + body)
        offset += _HEADER + len(piece)
        first = False
        if not record:
            return b"".join(parts)


def batch(sequence: int, items: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A write batch of puts."""
    puts = [b"\x01" + varint(len(key)) + key + varint(len(value)) + value for key, value in items]
    return struct.pack("<QI", sequence, len(puts)) + b"".join(puts)


def _items(record: bytes) -> Iterable[tuple[bytes, bytes]]:
    at = 12
    for _ in range(struct.unpack_from("<I", record, 8)[0]):
        size, at = read_varint(record, at + 1)
        key, at = record[at : at + size], at + size
        size, at = read_varint(record, at)
        value, at = record[at : at + size], at + size
        yield key, value


def _read(data: bytes) -> tuple[list[bytes], int]:
    """The whole records of a journal, and where the last of them ends."""
    records: list[bytes] = []
    pending = b""
    at = end = 0
    while at + _HEADER <= len(data):
        if BLOCK - at % BLOCK < _HEADER:
            at += BLOCK - at % BLOCK
            continue
        checksum, size, kind = struct.unpack_from("<IHB", data, at)
        piece = data[at + _HEADER : at + _HEADER + size]
        if len(piece) < size or _checksum(bytes([kind]) + piece) != checksum:
            break
        at += _HEADER + size
        pending = piece if kind in (_FULL, _FIRST) else pending + piece
        if kind in (_FULL, _LAST):
            records.append(pending)
            end = at
    return records, end


def _manifest() -> bytes:
    edit = b"\x01" + varint(len(_COMPARATOR)) + _COMPARATOR + b"\x02" + varint(3)
    return frame(edit + b"\x09" + varint(0) + b"\x03" + varint(_NEXT_FILE) + b"\x04" + varint(0), 0)


class DatabaseError(Exception):
    """As goleveldb words it."""


class Database:
    """One open database: everything in it is in memory; what is put is appended to its journal."""

    def __init__(self, folder: Path, lock: int, values: dict[bytes, bytes], size: int) -> None:
        self._lock = lock
        self._file = os.open(folder / _JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._size = size
        self._sequence = len(values) + 1
        self.values: Mapping[bytes, bytes] = values
        self._values = values

    @classmethod
    def open(cls, folder: Path) -> Database:
        """Made when it is missing. Raises DatabaseError."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        lock = _lock(folder)
        _check(folder)
        journal = folder / _JOURNAL
        data = journal.read_bytes() if journal.exists() else b""
        records, end = _read(data)
        if end < len(data):
            os.truncate(journal, end)
        values = {key: value for record in records for key, value in _items(record)}
        return cls(folder, lock, values, end)

    def put(self, *items: tuple[bytes, bytes]) -> None:
        framed = frame(batch(self._sequence, items), self._size)
        os.write(self._file, framed)
        self._sequence += len(items)
        self._size += len(framed)
        self._values.update(items)

    def close(self) -> None:
        os.close(self._file)
        os.close(self._lock)


def _lock(folder: Path) -> int:
    descriptor = os.open(folder / "LOCK", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise DatabaseError("resource temporarily unavailable") from None
    return descriptor


def _check(folder: Path) -> None:
    """A new folder becomes a database; one with files but without its CURRENT or MANIFEST is broken."""
    current = folder / "CURRENT"
    if current.exists():
        name = current.read_text("utf-8", "replace")
        if not name.endswith("\n") or "/" in name:
            raise DatabaseError("leveldb/storage: corrupted or incomplete CURRENT file")
        if not (folder / name.strip()).is_file():
            raise DatabaseError(f"file missing [file={name.strip()}]")
        return
    if any(entry.name not in ("LOCK", "LOG") for entry in folder.iterdir()):
        raise DatabaseError("file missing [file=MANIFEST-000000]")
    (folder / _MANIFEST).write_bytes(_manifest())
    current.write_text(_MANIFEST + "\n")
    (folder / "LOG").write_text("=============== Database opened ===============\n")
