"""What should be there according to a LevelDB's MANIFEST: its tables with their sizes, and its journal.

Sources: LevelDB db/version_edit.cc and doc/impl.md; goleveldb session_record.go. goleveldb does not open a
database if one of its tables is missing (db_util.go, `ErrMissingFiles`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from loomtui.loom import leveldb

_FILE = re.compile(r"(?:MANIFEST-([0-9]{1,18})|([0-9]{1,18})\.(ldb|sst|log))")
_LOG, _NEXT = 2, 3
#: Tag of a field -> what follows it: numbers (n) and texts with their length in front (t).
_FIELDS = {1: "t", _LOG: "n", _NEXT: "n", 4: "n", 5: "nt", 6: "nn", 7: "nnntt", 9: "n"}
_DELETED, _ADDED = 6, 7


@dataclass(frozen=True)
class Version:
    """The state of a database's files after the last edit that can be read."""

    log: int  # number of its journal; journals with lower numbers are dead
    next_file: int  # files that are made from now on have this number or a higher one
    tables: Mapping[int, int]  # number -> bytes


class _Edit:
    """Reads the fields of one edit, in order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_over(self) -> bool:
        return self._at >= len(self._data)

    def number(self) -> int:
        """Raises ValueError."""
        value = shift = 0
        while shift < 64 and not self.is_over:
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ValueError("no number")

    def skip_text(self) -> None:
        """Raises ValueError."""
        length = self.number()
        self._at += length
        if self._at > len(self._data):
            raise ValueError("cut off")


def read_manifest(data: bytes, limit: int = 500_000) -> Version | None:
    """None means that nothing in it can be read, or that it names more than `limit` tables. Never raises.

    A torn tail, or an edit of no known form, ends it.
    """
    tables: dict[int, int] = {}
    numbers = {_LOG: 0, _NEXT: 0}
    has_edits = False
    for record in leveldb.records(data):
        added: dict[int, int] = {}
        deleted: set[int] = set()
        changed_numbers = dict(numbers)
        try:
            for tag, values in _fields(_Edit(record)):
                if tag in changed_numbers:
                    changed_numbers[tag] = values[0]
                elif tag == _DELETED:
                    deleted.add(values[1])
                elif tag == _ADDED:
                    added[values[1]] = values[2]
                if len(added) + len(deleted) + len(tables) > 2 * limit:
                    return None
        except ValueError:
            break
        has_edits, numbers = True, changed_numbers
        for number in deleted:
            tables.pop(number, None)
        tables |= added
    return Version(numbers[_LOG], numbers[_NEXT], tables) if has_edits and len(tables) <= limit else None


def _fields(edit: _Edit) -> Iterator[tuple[int, list[int]]]:
    """Tag and numbers of each field. Raises ValueError."""
    while not edit.is_over:
        tag = edit.number()
        if tag not in _FIELDS:
            raise ValueError(f"no such field: {tag}")
        values = []
        for kind in _FIELDS[tag]:
            if kind == "n":
                values.append(edit.number())
            else:
                edit.skip_text()
        yield tag, values


def file_number(name: str) -> tuple[str, int] | None:
    """`manifest`, `table` or `log`, and the number, or None if the file is none of these."""
    match = _FILE.fullmatch(name)
    if match is None:
        return None
    if match[1]:
        return "manifest", int(match[1])
    return ("log" if match[3] == "log" else "table"), int(match[2])


def was_left_open(log: bytes) -> bool:
    """Whether the end of a goleveldb's LOG tells of an opening without a closing.

    It does while a node runs, and after it was killed. LevelDB in C++ writes no such lines.
    """
    return log.rfind(b"db@open") > log.rfind(b"db@close")
