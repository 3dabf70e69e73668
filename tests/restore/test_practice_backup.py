"""backup.sh on the practice cluster, over SSH: suspended, or left; either way it cannot start a held node."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from loomtui.backups.catalogue import Catalogue
from loomtui.drill.auto import plan_with_remedy
from loomtui.drill.practice import Practice, practice
from loomtui.engine.live import LiveEngine, opened
from loomtui.fleet.fleet import Refuse, WritableFleet
from loomtui.inventory.load import load
from loomtui.restore.choices import BackupPolicy
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.findings import texts_of
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.running.operator import Go, Preview, Unattended
from loomtui.restore.running.runner import Runner

pytestmark = pytest.mark.slow

NODE = "backup-1"


@pytest.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch, home: Path) -> AsyncIterator[Practice]:
    with practice("clean-restore", 2, block_seconds=0.3) as cluster:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        yield cluster


class BacksUp(Unattended):
    """Runs backup.sh before this step, and notes what comes of it."""

    def __init__(self, cluster: Practice, step: StepName) -> None:
        super().__init__("test")
        self._cluster = cluster
        self._step = step
        self.crontab = ""
        self.done: subprocess.CompletedProcess[str] | None = None
        self.active = ""

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        if step is self._step:
            root = self._cluster.node_root(NODE)
            self.crontab = (root / "etc/cron.d/loom-backup").read_text()
            self.done = self._cluster.shell(NODE, f"sh {root}/usr/local/bin/backup.sh", timeout=60)
            self.active = self._cluster.shell(NODE, "systemctl is-active loom").stdout
        return Go.CONTINUE


async def restored(cluster: Practice, operator: BacksUp, policy: BackupPolicy, folder: Path) -> Run:
    inventory = load(cluster.inventory_path)
    catalogue = Catalogue(inventory.s3)
    try:
        async with opened(LiveEngine(inventory), Refuse()) as engine:
            plan = await plan_with_remedy(engine)
        plan = replace(plan, choices=replace(plan.choices, backup_policy=policy))
        run = RunStore(folder).create(plan, cluster.inventory_path)
        async with WritableFleet(inventory, Refuse()) as fleet:
            outcome = await Runner(run, inventory, fleet, catalogue, operator).restore()
        assert outcome is Outcome.RESTORED
        return run
    finally:
        await catalogue.close()


@pytest.mark.parametrize("policy", [BackupPolicy.WAIT, BackupPolicy.LEAVE])
async def test_it_cannot_start_a_held_node(cluster: Practice, policy: BackupPolicy, tmp_path: Path) -> None:
    root = cluster.node_root(NODE)
    crontab = (root / "etc/cron.d/loom-backup").read_text()
    operator = BacksUp(cluster, StepName.CONFIG)
    run = await restored(cluster, operator, policy, tmp_path)
    assert operator.done is not None
    assert operator.done.returncode != 0
    assert "Assertion failed" in operator.done.stderr
    assert operator.active.strip() in ("inactive", "failed")
    assert (operator.crontab == crontab) == (policy is BackupPolicy.LEAVE)
    assert (root / "etc/cron.d/loom-backup").read_text() == crontab
    assert any(
        text.startswith(f"{NODE}: a backup job is there: {root}") for text in texts_of(run.plan.warnings)
    )
    assert not (root / "tmp/loom-bu-stage").exists()
    kept = cluster.working_directory(NODE) / ".loomtui/runs" / run.id / "replaced/staging"
    assert (kept / "genesis.json").exists()
