"""What a transfer costs that is cut at random bytes: what came before a cut is not fetched again."""

from __future__ import annotations

import asyncio
import hashlib
import random
from pathlib import Path

from benchmarks.claims import Aim, Claim, Measurement, Options, Samples, Unit
from benchmarks.tables import Packing, tables_of
from benchmarks.testbed import Bed, bare, key_of, testbed
from loomtui.restore.choices import Choices

_RUN = "20300101-000000-beef"
_SEED = 11


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def _fetched(bed: Bed, places: list[int]) -> tuple[int, dict[str, str]]:
    """The bytes that S3 sent, and what lies on the node then."""
    plan = await bed.plan(Choices(data_key=key_of(Packing.BZIP2), reset_signing=True))
    node, archive = bed.data_of(plan)
    bed.front.cut_at(places)
    await bed.stage(node, bare(archive), _RUN)
    sent, files = bed.front.sent(), _digests(bed.staged(_RUN))
    bed.forget_runs()
    return sent, files


def _measure(options: Options) -> Measurement:
    """Once: bytes do not depend on what else the machine does."""
    cuts = 8 if options.small else 50
    with testbed(options, nodes=1) as bed:
        size = asyncio.run(bed.offer(tables_of(20 if options.small else 1_000), Packing.BZIP2))
        asyncio.run(bed.prepare(key_of(Packing.BZIP2), twin=False))
        places = random.Random(_SEED).sample(range(1, size), cuts)
        undisturbed, whole = asyncio.run(_fetched(bed, []))
        sent, files = asyncio.run(_fetched(bed, places))
    assert files == whole, "what was fetched in pieces is not what was fetched at once"
    return Measurement(
        Samples(f"cut at {cuts} bytes", Unit.BYTES, (sent,)),
        Samples("undisturbed", Unit.BYTES, (undisturbed,)),
        "What was on its way when a connection broke is sent again.",
    )


CLAIMS = (
    Claim(
        "cuts",
        "Bytes that S3 sends of 1 GB to a node, with the same files at the end: cut at 50 random bytes"
        " against undisturbed.",
        Aim.AT_MOST,
        1.05,
        _measure,
    ),
)
