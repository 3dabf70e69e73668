"""What passes the operator's machine in a whole restore, from the first look to the chain that moves."""

from __future__ import annotations

import asyncio

from benchmarks.claims import Aim, Claim, Measurement, Options, Samples, Unit
from benchmarks.counting import counted_traffic
from benchmarks.restoring import restore
from benchmarks.tables import Packing, tables_of
from benchmarks.testbed import key_of, testbed
from loomtui.restore.choices import LOOK_LIMIT_BYTES, Choices

_KEY = key_of(Packing.STORED)


def _measure(options: Options, *, prepared: bool) -> Measurement:
    """Once: bytes do not depend on what else the machine does."""
    choices = Choices(
        data_key=_KEY,
        reset_signing=True,
        look_limit_bytes=20_000_000 if options.small else LOOK_LIMIT_BYTES,
    )
    with testbed(options, nodes=1) as bed:
        size = asyncio.run(bed.offer(tables_of(150 if options.small else 2_000), Packing.STORED))
        if prepared:
            asyncio.run(bed.prepare(_KEY))
        with counted_traffic() as traffic:
            asyncio.run(restore(bed, choices))
    passed = Samples("through the operator's machine, both ways", Unit.BYTES, (traffic.bytes,))
    archive = Samples("archive", Unit.BYTES, (size,))
    return Measurement(passed, archive, "Looks at the nodes while the run waits for them are most of it.")


def _unread(options: Options) -> Measurement:
    return _measure(options, prepared=False)


def _prepared(options: Options) -> Measurement:
    return _measure(options, prepared=True)


CLAIMS = (
    Claim(
        "operator-bytes",
        "Bytes that pass the operator's machine in a whole restore of 2 GB that nobody has read, against the"
        " archive.",
        Aim.AT_MOST,
        0.01,
        _unread,
    ),
    Claim("operator-bytes-prepared", "The same from a prepared backup.", Aim.AT_MOST, 0.01, _prepared),
)
