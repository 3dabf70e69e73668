"""Nodes that lack tools, or cannot reach S3, are restored over SSH: the same files in the end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loomtui.backups.catalogue import Catalogue
from loomtui.drill.auto import plan_with_remedy
from loomtui.drill.practice import Practice, practice
from loomtui.engine.live import LiveEngine, opened
from loomtui.fleet.fleet import Refuse, WritableFleet
from loomtui.inventory.load import load
from loomtui.restore.events import EventKind, Outcome
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.running.operator import Unattended
from loomtui.restore.running.runner import Runner

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch, home: Path) -> AsyncIterator[Practice]:
    with practice("clean-restore", 2, block_seconds=0.3) as cluster:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        assert os.environ["HOME"] == str(home)
        yield cluster


async def _restore(cluster: Practice, tmp_path: Path) -> tuple[Outcome, Run]:
    inventory = load(cluster.inventory_path)
    catalogue = Catalogue(inventory.s3)
    try:
        async with opened(LiveEngine(inventory), Refuse()) as engine:
            plan = await plan_with_remedy(engine)
        run = RunStore(tmp_path / "runs").create(plan, cluster.inventory_path)
        async with WritableFleet(inventory, Refuse()) as fleet:
            return await Runner(run, inventory, fleet, catalogue, Unattended("test")).restore(), run
    finally:
        await catalogue.close()


async def test_nodes_without_tools_and_without_s3_are_restored_by_relay(
    cluster: Practice, tmp_path: Path
) -> None:
    cluster.hide("val-1", "curl", "wget")
    cluster.hide("val-2", "bzip2", "lbzip2", "gzip", "pigz", "zstd", "xz")
    cluster.cut_off_s3("backup-1")

    outcome, run = await _restore(cluster, tmp_path)

    assert outcome is Outcome.RESTORED
    relayed = {
        event.node
        for event in run.events()
        if event.kind is EventKind.NOTE and event.node and "relaying over SSH" in event.message
    }
    assert relayed == {"val-1", "val-2", "backup-1"}
