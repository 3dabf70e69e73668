"""Which room a node needs for a while, beyond the old databases and the new ones."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claims import Aim, Claim, Measurement, Options, Samples, Unit
from benchmarks.tables import Packing, tables_of
from benchmarks.testbed import bare, key_of, testbed
from loomtui.restore.choices import Choices

_RUN = "20300101-000000-beef"
_LOOK_SECONDS = 0.05


@dataclass
class Peak:
    bytes: int = 0


@contextmanager
def _watched(folder: Path) -> Iterator[Peak]:
    """The most bytes that files in the folder had together."""
    peak, over = Peak(), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            peak.bytes = max(peak.bytes, _bytes_in(folder))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
    peak.bytes = max(peak.bytes, _bytes_in(folder))


def _bytes_in(folder: Path) -> int:
    """What goes away while it is counted does not count: `os.walk` passes over it, where `rglob` ends."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def _measure(options: Options, *, twin: bool) -> Measurement:
    """Once: room does not depend on what else the machine does."""
    with testbed(options, nodes=1) as bed:

        async def begin() -> float:
            await bed.offer(tables_of(40 if options.small else 1_000), Packing.STORED)
            await bed.prepare(key_of(Packing.STORED), twin=twin)
            plan = await bed.plan(Choices(data_key=key_of(Packing.STORED), reset_signing=True))
            node, archive = bed.data_of(plan)
            with _watched(bed.loomtui_folder) as peak:
                await bed.stage(node, archive if twin else bare(archive), _RUN)
            return (peak.bytes - _bytes_in(bed.staged(_RUN))) / 1e6

        extra = asyncio.run(begin())
    limit = "Only notes of the job take room: bytes go through the decompressor to their files."
    return Measurement(
        Samples("beyond the new databases", Unit.MEGABYTES, (extra,)),
        Samples("allowed", Unit.MEGABYTES, (1_000.0 if twin else 1.0,)),
        limit,
    )


def _archive(options: Options) -> Measurement:
    return _measure(options, twin=False)


def _twin(options: Options) -> Measurement:
    return _measure(options, twin=True)


CLAIMS = (
    Claim(
        "room-archive",
        "Room that a node needs beyond old and new databases, 1 GB from an archive, against 1 MB.",
        Aim.AT_MOST,
        1.0,
        _archive,
    ),
    Claim("room-twin", "The same from the parts of its twin, against 1 GB.", Aim.AT_MOST, 1.0, _twin),
)
