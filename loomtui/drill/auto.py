"""A drill that the engine plays by itself: the same plan and run as for any cluster, and then a score."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from loomtui.backups.catalogue import Catalogue
from loomtui.drill.environment import surroundings
from loomtui.drill.practice import Practice, practice
from loomtui.errors import LoomtuiError
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.inventory.load import load
from loomtui.inventory.model import Inventory
from loomtui.restore.choices import Choices
from loomtui.restore.events import Event, Outcome
from loomtui.restore.plan import Plan
from loomtui.restore.planning.planner import make_plan
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.report import StepTiming, timings
from loomtui.restore.running.operator import Unattended
from loomtui.restore.running.runner import Runner


@dataclass(frozen=True)
class DrillResult:
    scenario: str
    passed: bool  # the chain moves on every node, all eight steps done
    downtime_seconds: float | None
    data_loss_seconds: float | None
    steps: tuple[StepTiming, ...]
    error: str = ""


async def play(scenario: str, nodes: int, emit: Callable[[Event], None]) -> DrillResult:
    """Starts the practice cluster, restores it unattended, and takes it away again without a trace."""
    with practice(scenario, nodes) as cluster, surroundings(cluster):
        inventory = load(cluster.inventory_path)
        return await _restore(scenario, cluster, inventory, RunStore(), emit)


async def _restore(
    scenario: str, cluster: Practice, inventory: Inventory, store: RunStore, emit: Callable[[Event], None]
) -> DrillResult:
    catalogue = Catalogue(inventory.s3)
    try:
        plan = await plan_with_remedy(inventory, catalogue)
        run = store.create(plan, cluster.inventory_path)
        error = await _run(run, inventory, catalogue, emit)
    finally:
        await catalogue.close()
    times = timings(run)
    passed = not error and len(times.steps) == 8 and all(step.outcome == "done" for step in times.steps)
    return DrillResult(scenario, passed, times.downtime_seconds, times.data_loss_seconds, times.steps, error)


async def plan_with_remedy(inventory: Inventory, catalogue: Catalogue) -> Plan:
    """The plan that an operator would come to: signing states reset where only that is safe."""
    async with Fleet(inventory, Refuse()) as fleet:
        choices = Choices()
        plan = await make_plan(inventory, fleet, catalogue, choices)
        if not plan.prediction.moves:
            plan = await make_plan(inventory, fleet, catalogue, replace(choices, reset_signing=True))
        return plan


async def _run(run: Run, inventory: Inventory, catalogue: Catalogue, emit: Callable[[Event], None]) -> str:
    async with WritableFleet(inventory, Refuse()) as fleet:
        runner = Runner(run, inventory, fleet, catalogue, Unattended("drill"))
        watcher = _watch(runner, emit)
        try:
            outcome = await runner.restore()
        except LoomtuiError as error:
            return str(error)
        finally:
            await watcher
        return "" if outcome is Outcome.RESTORED else f"the run ended {outcome.value}"


def _watch(runner: Runner, emit: Callable[[Event], None]) -> asyncio.Task[None]:
    async def watch() -> None:
        async for event in runner.events():
            emit(event)

    return asyncio.create_task(watch(), name="drill-events")
