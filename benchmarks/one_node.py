"""One node, from S3 to files in place: against `aws s3 cp` and `tar xjf`, and from the twin in two ways."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.claims import Aim, Claim, Measurement, Options
from benchmarks.interleaved import Side, in_turn
from benchmarks.peers import python_peer, system_peer
from benchmarks.tables import Packing, Tables, tables_of
from benchmarks.testbed import NODE, Bed, bare, key_of, testbed
from loomtui.restore.choices import Choices
from loomtui.restore.plan import Archive, NodePlan

_BY_HAND = "aws s3 cp, tar xjf"
_RUN = "20300101-000000-beef"


def _megabytes(options: Options) -> int:
    return 20 if options.small else 1_000


@contextmanager
def _prepared(options: Options, packing: Packing) -> Iterator[tuple[Bed, NodePlan, Archive]]:
    """A cluster with a prepared backup, and how the node gets it: from its twin."""
    with testbed(options, nodes=1) as bed:

        async def begin() -> tuple[NodePlan, Archive]:
            await bed.offer(tables_of(_megabytes(options)), packing)
            await bed.prepare(key_of(packing))
            return bed.data_of(await bed.plan(Choices(data_key=key_of(packing), reset_signing=True)))

        node, archive = asyncio.run(begin())
        assert archive.has_twin
        yield bed, node, archive


def _staging(label: str, bed: Bed, node: NodePlan, archive: Archive, *, delta: bool = False) -> Side:
    def work() -> None:
        asyncio.run(bed.stage(node, archive, _RUN, delta=delta))

    return Side(label, work, bed.forget_runs, bed.forget_runs)


def _by_hand(options: Options, bed: Bed) -> Side:
    """Beside the live files, as loomtui does it, so that neither side has anything to delete first."""
    aws = python_peer("aws", options.peers)
    folder = bed.cluster.working_directory(NODE) / "by-hand"
    source = f"s3://{bed.inventory.s3.bucket}/{key_of(Packing.BZIP2)}"

    def empty() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    def work() -> None:
        copy = [str(aws), "s3", "cp", "--quiet", "--endpoint-url", bed.front.url, source, "backup.tar.bz2"]
        subprocess.run(copy, cwd=folder, check=True)
        subprocess.run(["tar", "xjf", "backup.tar.bz2"], cwd=folder, check=True)

    return Side(_BY_HAND, work, empty, lambda: shutil.rmtree(folder))


def _against_hand(
    options: Options, label: str, change: Callable[[Archive], Archive], limit: str, *hidden: str
) -> Measurement:
    with _prepared(options, Packing.BZIP2) as (bed, node, archive):
        if hidden:
            bed.cluster.hide(NODE, *hidden)
        loomtui = _staging(label, bed, node, change(archive))
        return Measurement(*in_turn(_by_hand(options, bed), loomtui, options.rounds), limit)


def _with_lbzip2(options: Options) -> Measurement:
    system_peer("lbzip2")
    limit = "lbzip2 on all cores limits it; SHA-256 of the archive is taken meanwhile."
    return _against_hand(options, "loomtui with lbzip2", bare, limit)


def _without_lbzip2(options: Options) -> Measurement:
    limit = "bzip2 limits it, which uses one core; fetching, SHA-256 and tar go on beside it."
    return _against_hand(options, "loomtui with bzip2", bare, limit, "lbzip2")


def _from_twin(options: Options) -> Measurement:
    limit = "SHA-256 of every file limits it, and the disk, on which the files have to be at the end."
    return _against_hand(options, "loomtui from the twin", lambda archive: archive, limit)


def _delta(options: Options) -> Measurement:
    """Both sides restore the second night's backup; the node has the first night's tables.

    How the backup itself is packed is of no moment: both sides take the twin.
    """
    first_night = tables_of(_megabytes(options))
    key = key_of(Packing.STORED, 1)
    with _prepared(options, Packing.STORED) as (bed, _, _):

        async def second_night() -> tuple[NodePlan, Archive]:
            await bed.offer(replace(first_night, night=1), Packing.STORED)
            await bed.prepare(key)
            return bed.data_of(await bed.plan(Choices(data_key=key, reset_signing=True)))

        node, archive = asyncio.run(second_night())
        assert archive.has_twin
        _write_live(first_night, bed.cluster.working_directory(NODE))
        full = _staging("all of it from the twin", bed, node, archive)
        delta = _staging("with --delta", bed, node, archive, delta=True)
        limit = "SHA-256 of the live files limits it; 95 of 100 tables are linked, the others are fetched."
        return Measurement(*in_turn(full, delta, options.rounds), limit)


def _write_live(tables: Tables, folder: Path) -> None:
    """As they are in the databases of a node that was restored from the first night's backup."""
    for path, body in tables.bodies():
        place = folder / path
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(body)
        place.chmod(0o644)


CLAIMS = (
    Claim(
        "one-node-lbzip2",
        "One node, 1 GB .tar.bz2, from S3 to files in place: `aws s3 cp` and `tar xjf` against loomtui with"
        " lbzip2.",
        Aim.AT_LEAST,
        2.2,
        _with_lbzip2,
    ),
    Claim("one-node-bzip2", "The same without lbzip2.", Aim.AT_LEAST, 1.0, _without_lbzip2),
    Claim("one-node-twin", "The same from the backup's twin.", Aim.AT_LEAST, 8.0, _from_twin),
    Claim(
        "delta",
        "One node, 1 GB of which 5 % of the tables changed since the node was restored: all of it from the"
        " twin against `--delta`.",
        Aim.AT_LEAST,
        4.0,
        _delta,
    ),
)
