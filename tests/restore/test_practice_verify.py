"""A chain that does not move after the restore: a deadline, a diagnosis, and the operator's choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from loomtui.backups.catalogue import Catalogue
from loomtui.drill.auto import plan_with_remedy
from loomtui.drill.practice import Practice, practice
from loomtui.engine.live import LiveEngine, opened
from loomtui.errors import LoomtuiError
from loomtui.fleet.fleet import Refuse, WritableFleet
from loomtui.inventory.load import load
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.running.operator import FailureQuestion, Go, OnFailure, Preview, Unattended
from loomtui.restore.running.runner import Runner

pytestmark = pytest.mark.slow


class Colleague(Unattended):
    """Somebody stops a validator between start and verify; the operator mends that, then tries again."""

    def __init__(self, cluster: Practice) -> None:
        super().__init__("test")
        self._cluster = cluster
        self.told: list[LoomtuiError] = []

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        if step is StepName.VERIFY:
            assert self._cluster.shell("val-2", "systemctl stop loom").returncode == 0
        return Go.CONTINUE

    async def on_failure(self, question: FailureQuestion) -> tuple[OnFailure, str | None]:
        self.told.extend(question.failures.values())
        if len(self.told) > len(question.failures):
            return OnFailure.STOP, None
        assert self._cluster.shell("val-2", "systemctl start loom").returncode == 0
        return OnFailure.RETRY, None


async def test_a_standing_chain_is_diagnosed_by_node_and_can_be_tried_again(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with practice("clean-restore", 2, block_seconds=0.3) as cluster:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        inventory = load(cluster.inventory_path)
        catalogue = Catalogue(inventory.s3)
        operator = Colleague(cluster)
        try:
            async with opened(LiveEngine(inventory), Refuse()) as engine:
                plan = replace(await plan_with_remedy(engine), verify_deadline_seconds=8)
            run = RunStore(tmp_path / "runs").create(plan, cluster.inventory_path)
            async with WritableFleet(inventory, Refuse()) as fleet:
                outcome = await Runner(run, inventory, fleet, catalogue, operator).restore()
        finally:
            await catalogue.close()
    assert outcome is Outcome.RESTORED
    assert {error.node for error in operator.told} == {"val-2"}
    assert "does not run" in operator.told[0].what
    assert operator.told[0].advice
