"""How long a plan takes with a small and a large backup: what is prepared, and what nobody has read."""

from __future__ import annotations

import asyncio

from benchmarks.claims import Aim, Claim, Measurement, Options
from benchmarks.interleaved import Side, in_turn
from benchmarks.tables import Packing, tables_of
from benchmarks.testbed import Bed, key_of, testbed
from loomtui.restore.choices import LOOK_LIMIT_BYTES, Choices

_LITTLE, _MUCH = 0, 1  # nights: each backup has a name of its own


def _sizes(options: Options) -> tuple[int, int]:
    return (5, 60) if options.small else (50, 2_000)


def _measure(options: Options, *, prepared: bool) -> Measurement:
    with testbed(options, nodes=2) as bed:
        for night, megabytes in zip((_LITTLE, _MUCH), _sizes(options), strict=True):
            asyncio.run(_offer(bed, night, megabytes, prepared=prepared))
        much, little = (_planning(options, bed, night) for night in (_MUCH, _LITTLE))
        limit = "Looks at the nodes take the time; of a large backup its manifest or first bytes are read."
        return Measurement(*in_turn(much, little, options.rounds), limit)


async def _offer(bed: Bed, night: int, megabytes: int, *, prepared: bool) -> None:
    await bed.offer(tables_of(megabytes, night), Packing.STORED)
    if prepared:
        await bed.prepare(key_of(Packing.STORED, night), twin=False)


def _planning(options: Options, bed: Bed, night: int) -> Side:
    limit = 20_000_000 if options.small else LOOK_LIMIT_BYTES
    choices = Choices(data_key=key_of(Packing.STORED, night), reset_signing=True, look_limit_bytes=limit)
    size = _sizes(options)[night]

    def work() -> None:
        plan = asyncio.run(bed.plan(choices))
        assert not plan.refusals, plan.refusals

    return Side(f"{size:,} MB", work, bed.forget_looks)


def _prepared(options: Options) -> Measurement:
    return _measure(options, prepared=True)


def _unread(options: Options) -> Measurement:
    return _measure(options, prepared=False)


CLAIMS = (
    Claim(
        "plan-prepared",
        "Time to plan with backups that are prepared: 2 GB against 50 MB.",
        Aim.AT_MOST,
        1.3,
        _prepared,
    ),
    Claim(
        "plan-unread",
        "The same with backups that nobody has read, without `--look`.",
        Aim.AT_MOST,
        1.3,
        _unread,
    ),
)
