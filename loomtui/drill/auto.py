"""A drill that the engine plays by itself: the same plan and run as for any cluster, and then a score."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from loomtui.drill.environment import surroundings
from loomtui.drill.practice import practice
from loomtui.engine.api import Engine, RunHandle
from loomtui.engine.live import WritableLiveEngine, opened
from loomtui.errors import LoomtuiError
from loomtui.fleet.ssh.prompter import Refuse
from loomtui.inventory.load import load
from loomtui.restore.choices import Choices
from loomtui.restore.events import Event, Outcome
from loomtui.restore.plan import Plan
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.report import StepTiming, Timings, timings
from loomtui.restore.running.operator import Unattended


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
        path = cluster.inventory_path
        async with opened(WritableLiveEngine(load(path), path), Refuse()) as engine:
            run = engine.begin(await plan_with_remedy(engine), Unattended("drill"))
            error = await _carry_out(run, emit)
        return _result(scenario, timings(RunStore().open(run.id)), error)


async def plan_with_remedy(engine: Engine) -> Plan:
    """The plan that an operator would come to: signing states reset where only that is safe."""
    plan = await engine.plan(Choices())
    if not plan.prediction.moves:
        plan = await engine.plan(replace(plan.choices, reset_signing=True))
    return plan


async def _carry_out(run: RunHandle, emit: Callable[[Event], None]) -> str:
    watcher = _watch(run, emit)
    try:
        outcome = await run.restore()
    except LoomtuiError as error:
        return str(error)
    finally:
        await watcher
    return "" if outcome is Outcome.RESTORED else f"the run ended {outcome.value}"


def _result(scenario: str, times: Timings, error: str) -> DrillResult:
    passed = not error and len(times.steps) == 8 and all(step.outcome == "done" for step in times.steps)
    return DrillResult(scenario, passed, times.downtime_seconds, times.data_loss_seconds, times.steps, error)


def _watch(run: RunHandle, emit: Callable[[Event], None]) -> asyncio.Task[None]:
    async def watch() -> None:
        async for event in run.events():
            emit(event)

    return asyncio.create_task(watch(), name="drill-events")
