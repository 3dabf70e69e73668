"""What the outage costs with a small and a large data set: the data is unpacked before the stop."""

from __future__ import annotations

import asyncio
from functools import partial

from benchmarks.claims import Aim, Claim, Measurement, Options
from benchmarks.interleaved import Side, in_turn
from benchmarks.restoring import restore
from benchmarks.tables import Packing, tables_of
from benchmarks.testbed import Bed, key_of, testbed
from loomtui.restore.choices import Choices


async def _downtime(bed: Bed, megabytes: int) -> float:
    await bed.offer(tables_of(megabytes), Packing.STORED)
    return (await restore(bed, Choices(data_key=key_of(Packing.STORED), reset_signing=True))).downtime


def _restored_anew(options: Options, megabytes: int) -> float:
    """Every time with a cluster of its own, which nothing was restored to before."""
    with testbed(options, nodes=2) as bed:
        return asyncio.run(_downtime(bed, megabytes))


def _measure(options: Options) -> Measurement:
    much, little = (
        Side(f"{megabytes:,} MB", partial(_restored_anew, options, megabytes))
        for megabytes in ((20, 5) if options.small else (2_000, 50))
    )
    limit = "Stopping, starting and the consensus take the time; the data is put in place by renames."
    return Measurement(*in_turn(much, little, options.rounds), limit)


CLAIMS = (
    Claim(
        "downtime",
        "Downtime of a restore, from the first stop to the chain that moves: 2 GB of data against 50 MB.",
        Aim.AT_MOST,
        1.2,
        _measure,
    ),
)
