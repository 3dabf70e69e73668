"""What the outage costs with a small and a large data set, when the data is staged before the stop.

    python benchmarks/stage_first.py [--small] [--nodes N] [--rounds N] [--compare]

Restores practice clusters in one go: each gets a data backup of that size (random bytes: nothing compresses
them), is restored with `stage_first`, and must make blocks again. Exit status 1 when the outage of the large
one is more than 1.3 times that of the small one. `--small` takes 5 and 20 MB, for a quick try; `--compare`
adds the large one without staging first.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import io
import os
import statistics
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.model import BackupKind
from loomtui.drill.environment import surroundings
from loomtui.drill.practice import Practice, practice
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.inventory.load import load
from loomtui.inventory.model import Inventory
from loomtui.restore.choices import Choices
from loomtui.restore.planning.planner import make_plan
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.report import timings
from loomtui.restore.running.operator import Unattended
from loomtui.restore.running.runner import Runner

MOST = 1.3
KEY = "nightly/2030-01-01--000000-grown.tar.gz"
_TABLE_BYTES = 2 * 1024**2  # as LevelDB makes them


@dataclass(frozen=True)
class Result:
    """Seconds, by the run's own journal."""

    steps: Mapping[str, float]
    downtime: float


def grow(packed: bytes, target: Path, megabytes: int) -> None:
    """The same backup with so much more in app.db."""
    with (
        tarfile.open(fileobj=io.BytesIO(packed)) as small,
        # Random bytes do not shrink: level 0 stores them, and spares the time to find that out.
        gzip.open(target, "wb", compresslevel=0) as stream,
        tarfile.open(fileobj=stream, mode="w|") as large,
    ):
        for member in small:
            large.addfile(member, small.extractfile(member) if member.isreg() else None)
        for number in range(megabytes * 1024**2 // _TABLE_BYTES):
            table = tarfile.TarInfo(f"app.db/{100 + number:06}.ldb")
            table.size = _TABLE_BYTES
            large.addfile(table, io.BytesIO(os.urandom(_TABLE_BYTES)))


async def offer(inventory: Inventory, catalogue: Catalogue, folder: Path, megabytes: int) -> None:
    """Puts the grown backup beside the others."""
    import boto3

    backups = [await catalogue.guess(backup) for backup in await catalogue.list()]
    newest = next(backup for backup in backups if backup.kind in {BackupKind.DATA, BackupKind.FULL})
    packed = b"".join([chunk async for chunk in catalogue.stream(newest.key, newest.etag)])
    path = folder / "grown.tar.gz"
    await asyncio.to_thread(grow, packed, path, megabytes)
    client = boto3.client("s3", endpoint_url=inventory.s3.endpoint)
    await asyncio.to_thread(client.upload_file, str(path), inventory.s3.bucket, KEY)
    path.unlink()


async def restore(cluster: Practice, megabytes: int, *, stage_first: bool) -> Result:
    inventory = load(cluster.inventory_path)
    catalogue = Catalogue(inventory.s3)
    try:
        await offer(inventory, catalogue, cluster.root, megabytes)
        choices = Choices(data_key=KEY, reset_signing=True)
        async with Fleet(inventory, Refuse()) as looking:
            plan = await make_plan(inventory, looking, catalogue, replace(choices, stage_first=stage_first))
        run = RunStore().create(plan, cluster.inventory_path)
        async with WritableFleet(inventory, Refuse()) as fleet:
            await Runner(run, inventory, fleet, catalogue, Unattended("benchmark")).restore()
    finally:
        await catalogue.close()
    times = timings(run)
    assert times.downtime_seconds is not None, "the chain did not move"
    return Result({step.name.value: step.seconds or 0.0 for step in times.steps}, times.downtime_seconds)


def measure(megabytes: int, nodes: int, *, stage_first: bool = True) -> Result:
    """Starts a practice cluster for it; prints a line."""
    with practice("clean-restore", nodes) as cluster, surroundings(cluster):
        found = asyncio.run(restore(cluster, megabytes, stage_first=stage_first))
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found.steps.items())
    how = "staged first" if stage_first else "fetched after the stop"
    print(
        f"{megabytes:5,} MB on {nodes + 1} nodes, {how}: DOWNTIME {found.downtime:5.1f} s ({steps})",
        flush=True,
    )
    return found


def measure_both(sizes: tuple[int, int], nodes: int, rounds: int) -> tuple[float, float]:
    """The medians of the downtimes; in turn, so that what else the machine does hits both."""
    found = [[measure(size, nodes).downtime for size in sizes] for _ in range(rounds)]
    return statistics.median(pair[0] for pair in found), statistics.median(pair[1] for pair in found)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="5 and 20 MB instead of 50 MB and 1 GB")
    parser.add_argument("--nodes", type=int, default=2, help="validators; the backup node comes on top")
    parser.add_argument("--rounds", type=int, default=1, help="restores of each size; the medians count")
    parser.add_argument("--compare", action="store_true", help="the large one without staging first, too")
    options = parser.parse_args()
    sizes = (5, 20) if options.small else (50, 1024)
    little, much = measure_both(sizes, options.nodes, options.rounds)
    ratio = much / little
    print(
        f"downtime {little:.1f} s with {sizes[0]:,} MB, {much:.1f} s with {sizes[1]:,} MB: ratio {ratio:.2f}"
    )
    if options.compare:
        late = measure(sizes[1], options.nodes, stage_first=False).downtime
        print(f"without staging first the outage is {late / much:.1f} times as long")
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
