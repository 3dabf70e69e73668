"""A practice cluster with an S3 that limits nobody, and what benchmarks of data do with it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import yaml
from platformdirs import user_cache_path

from benchmarks.claims import Options
from benchmarks.front import Front, front
from benchmarks.tables import Packing, Tables, grow, pack_tables
from loomtui.backups.catalogue import Catalogue
from loomtui.backups.model import BackupKind
from loomtui.backups.prepared.making import Author
from loomtui.backups.prepared.preparations import Preparations
from loomtui.backups.prepared.preparing import PreparedBackup
from loomtui.drill.environment import surroundings
from loomtui.drill.practice import Practice, practice
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.inventory.load import load
from loomtui.inventory.model import Inventory
from loomtui.restore.choices import Choices
from loomtui.restore.plan import Archive, NodePlan, Plan
from loomtui.restore.planning.planner import make_plan
from loomtui.restore.running.lock import take_lock
from loomtui.restore.running.node_run import NodeRun
from loomtui.restore.running.staging import Stager

NODE = "val-1"
#: Of the base backup: what a full restore wants beside the tables.
_DATA = {BackupKind.DATA, BackupKind.FULL}
_HOST = "grown"
_STORE_SECONDS = 900


def key_of(packing: Packing, night: int = 0) -> str:
    """Nights lie in the future, so that theirs are the newest backups."""
    return f"nightly/2030-01-{1 + night:02}--000000-{_HOST}.{packing.value}"


@dataclass(frozen=True)
class Bed:
    """`direct` asks S3 itself; `inventory`, which lies at `path`, asks the front, and so do the nodes."""

    cluster: Practice
    direct: Inventory
    inventory: Inventory
    path: Path
    front: Front
    shared: Path  # where tables are kept that were packed once

    async def offer(self, tables: Tables, packing: Packing, key: str = "") -> int:
        """Puts a backup with these tables beside the others, and gives its size in bytes."""
        import boto3
        from botocore.config import Config

        base = await self._base()
        path = self.cluster.root / "grown"
        packed = await asyncio.to_thread(pack_tables, tables, packing, self.shared)
        await asyncio.to_thread(grow, base, packed, packing, path)
        # The practice S3 takes a minute to put gigabytes together, and cannot be asked twice to do so.
        patience = Config(read_timeout=_STORE_SECONDS, retries={"total_max_attempts": 1})
        client = boto3.client("s3", endpoint_url=self.direct.s3.endpoint, config=patience)
        key = key or key_of(packing, tables.night)
        await asyncio.to_thread(client.upload_file, str(path), self.direct.s3.bucket, key)
        size = path.stat().st_size
        path.unlink()
        return size

    async def _base(self) -> bytes:
        async with catalogue_of(self.direct) as catalogue:
            backups = [await catalogue.guess(backup) for backup in await catalogue.list()]
            found = (one for one in backups if one.kind in _DATA and one.source != _HOST)
            newest = next(found)
            return b"".join([chunk async for chunk in catalogue.stream(newest.key, newest.etag)])

    async def prepare(self, key: str, *, twin: bool = True) -> PreparedBackup:
        async with catalogue_of(self.direct) as catalogue:
            backup = next(one for one in await catalogue.list() if one.key == key)
            preparations = Preparations(catalogue, self.direct.s3, _author)
            try:
                return await preparations.prepare(backup, lambda _done, _total: None, twin=twin)
            finally:
                preparations.close()

    async def plan(self, choices: Choices) -> Plan:
        async with (
            catalogue_of(self.inventory) as catalogue,
            Fleet(self.inventory, Refuse()) as fleet,
        ):
            return await make_plan(self.inventory, fleet, catalogue, choices)

    def data_of(self, plan: Plan) -> tuple[NodePlan, Archive]:
        """What the one node gets that is measured."""
        node = plan.node(NODE)
        assert node.data is not None
        return node, node.data

    async def stage(self, node: NodePlan, archive: Archive, run: str, *, delta: bool = False) -> None:
        """From S3 to files beside the live ones, whole and checked: a rename each puts them in place."""
        async with (
            catalogue_of(self.inventory) as catalogue,
            WritableFleet(self.inventory, Refuse()) as fleet,
        ):
            node_run = NodeRun(fleet.session(NODE), node, run)
            await take_lock(node_run)
            stager = Stager(node_run, catalogue, lambda _amount: None, lambda _text: None, delta=delta)
            await stager.stage("data", archive)

    def staged(self, run: str) -> Path:
        """Where `stage` leaves the files."""
        return self.loomtui_folder / "runs" / run / "stage/data"

    @property
    def loomtui_folder(self) -> Path:
        return self.cluster.working_directory(NODE) / ".loomtui"

    def forget_runs(self) -> None:
        """The node as if nothing was ever staged on it."""
        shutil.rmtree(self.loomtui_folder, ignore_errors=True)

    def forget_looks(self) -> None:
        """This machine as if it had never read a backup."""
        shutil.rmtree(user_cache_path("loomtui"), ignore_errors=True)


@asynccontextmanager
async def catalogue_of(inventory: Inventory) -> AsyncIterator[Catalogue]:
    catalogue = Catalogue(inventory.s3)
    try:
        yield catalogue
    finally:
        await catalogue.close()


def _author() -> Author:
    return Author(datetime.now(UTC), "benchmark@here", "0")


@contextmanager
def testbed(options: Options, nodes: int) -> Iterator[Bed]:
    """A cluster that has lost its databases: `nodes` validators, and the backup node on top."""
    with practice("clean-restore", nodes, options.work) as cluster, surroundings(cluster):
        direct = load(cluster.inventory_path)
        assert direct.s3.endpoint is not None
        with front(direct.s3.endpoint, cluster.root / ".front") as before:
            path = cluster.root / "by-front.yml"
            document = yaml.safe_load(cluster.inventory_path.read_text(encoding="utf-8"))
            document["s3"]["endpoint"] = before.url
            path.write_text(yaml.safe_dump(document), encoding="utf-8")
            yield Bed(cluster, direct, load(path), path, before, options.shared)


def bare(archive: Archive) -> Archive:
    """The same archive as if it was never prepared: SHA-256 of the whole decides."""
    return replace(archive, manifest=None, has_twin=False)
