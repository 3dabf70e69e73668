"""Whether bzip2 is faster where loomtui decompresses it itself on all cores than by libbz2 as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.claims import Aim, Claim, Measurement, Options
from benchmarks.interleaved import Side, in_turn
from benchmarks.tables import Packing, pack_tables, tables_of
from loomtui.backups import bzip2
from loomtui.backups.compression import unpack
from loomtui.backups.model import Compression

_CHUNK = 1024**2


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _unpacking(label: str, path: Path, threads: int) -> Side:
    def work() -> None:
        for _ in unpack(_chunks(path), Compression.BZIP2, threads=threads):
            pass

    return Side(label, work)


def _measure(options: Options) -> Measurement:
    path = pack_tables(tables_of(20 if options.small else 200), Packing.BZIP2, options.shared)
    one = _unpacking("on one core", path, 1)
    all_of_them = _unpacking("on all cores", path, bzip2.workers())
    limit = "The cores limit it; one of them also has to find where blocks begin."
    return Measurement(*in_turn(one, all_of_them, options.rounds), limit)


CLAIMS = (
    Claim(
        "bzip2-cores",
        "Decompressing 200 MB of bzip2 on the operator's machine: on one core against on all.",
        Aim.AT_LEAST,
        1.2,
        _measure,
    ),
)
