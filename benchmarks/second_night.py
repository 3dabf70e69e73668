"""What `backups prepare --twin` uploads in the second night, of which a twentieth changed."""

from __future__ import annotations

import asyncio

from benchmarks.claims import Aim, Claim, Measurement, Options, Samples, Unit
from benchmarks.tables import Packing, tables_of
from benchmarks.testbed import Bed, key_of, testbed


async def _uploaded(bed: Bed, megabytes: int, night: int) -> float:
    await bed.offer(tables_of(megabytes, night), Packing.STORED)
    prepared = await bed.prepare(key_of(Packing.STORED, night))
    assert prepared.has_twin, prepared
    return prepared.uploaded_bytes


def _measure(options: Options) -> Measurement:
    """Once: bytes do not depend on what else the machine does."""
    megabytes = 100 if options.small else 1_000
    with testbed(options, nodes=1) as bed:
        first, second = (asyncio.run(_uploaded(bed, megabytes, night)) for night in (0, 1))
    return Measurement(
        Samples("second night", Unit.BYTES, (second,)),
        Samples("first night", Unit.BYTES, (first,)),
        "It uploads what changed, and the manifest, which names every file.",
    )


CLAIMS = (
    Claim(
        "second-night",
        "Bytes that `backups prepare --twin` uploads: the second night, with 5 % of the tables changed,"
        " against the first.",
        Aim.AT_MOST,
        0.15,
        _measure,
    ),
)
