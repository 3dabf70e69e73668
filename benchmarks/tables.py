"""Backups of any size: a small one of a practice cluster, and behind it tables as LevelDB makes them.

The tables are the same for every cluster, so they are packed once; bzip2 and gzip allow streams in a row.
"""

from __future__ import annotations

import bz2
import gzip
import io
import random
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO

TABLE_BYTES = 2 * 1024**2  # as LevelDB makes them
_FIRST = 100  # the practice cluster's own files have smaller numbers
_HASHES, _NAMES = 2_600, 24  # bytes and lines in turn: bzip2 makes 0.7 of them, as of a node's databases


class Packing(Enum):
    """The value is how such a backup's name ends."""

    BZIP2 = "tar.bz2"
    STORED = "tar.gz"  # by gzip at level 0, where unpacking is not what is measured


@dataclass(frozen=True)
class Tables:
    """What lies in app.db. Two of the same count and seed differ where their `night` changed a table."""

    count: int
    night: int = 0

    @property
    def size_bytes(self) -> int:
        return self.count * TABLE_BYTES

    def bodies(self) -> Iterator[tuple[str, bytes]]:
        """Path and bytes of each. Every night one table of twenty gets other bytes, as compaction does."""
        for number in range(self.count):
            night = self.night if number % 20 == 10 else 0
            yield f"app.db/{_FIRST + number:06}.ldb", _body(number, night)


def tables_of(megabytes: int, night: int = 0) -> Tables:
    """So many, in units of 10^6 bytes, that they have this size."""
    return Tables(max(1, round(megabytes * 1e6 / TABLE_BYTES)), night)


def _body(number: int, night: int) -> bytes:
    source = random.Random(f"{number} {night}")
    body = bytearray()
    while len(body) < TABLE_BYTES:
        body += source.randbytes(_HASHES)
        body += b"account/%020d/balance/" % source.randrange(10**9) * _NAMES
    return bytes(body[:TABLE_BYTES])


def pack_tables(tables: Tables, packing: Packing, folder: Path) -> Path:
    """A compressed stream of the tables, with the end of a tar. What was made once stays in the folder."""
    path = folder / f"tables-{tables.count}-{tables.night}.{packing.value}"
    if not path.exists():
        half = path.with_suffix(".half")
        with half.open("wb") as file:
            _write(tables, packing, file)
        half.rename(path)
    return path


def _write(tables: Tables, packing: Packing, file: IO[bytes]) -> None:
    quick = shutil.which("lbzip2")
    if packing is Packing.STORED:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=0, mtime=0) as stream:
            _write_tar(tables, stream)
    elif quick is None:
        with bz2.BZ2File(file, "wb") as packed:
            _write_tar(tables, packed)
    else:
        with subprocess.Popen([quick, "-9"], stdin=subprocess.PIPE, stdout=file) as process:
            assert process.stdin is not None
            _write_tar(tables, process.stdin)
        if process.returncode:
            raise OSError(f"lbzip2 ended with status {process.returncode}")


def _write_tar(tables: Tables, stream: gzip.GzipFile | IO[bytes]) -> None:
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for path, body in tables.bodies():
            member = tarfile.TarInfo(path)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))


def grow(packed: bytes, tables: Path, packing: Packing, target: Path) -> None:
    """The backup with these packed tables behind what it holds."""
    head = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(packed)) as small,
        tarfile.open(fileobj=head, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for member in small:
            archive.addfile(member, small.extractfile(member) if member.isreg() else None)
        members = head.getvalue()[: archive.offset]  # without the blocks that end a tar
    compressed = bz2.compress(members) if packing is Packing.BZIP2 else gzip.compress(members, 0)
    with target.open("wb") as file, tables.open("rb") as behind:
        file.write(compressed)
        shutil.copyfileobj(behind, file, 1024**2)
