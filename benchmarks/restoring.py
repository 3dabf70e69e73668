"""A whole restore of a practice cluster by the engine, and how long its steps took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.testbed import Bed, catalogue_of
from loomtui.fleet.fleet import Refuse, WritableFleet
from loomtui.restore.choices import Choices
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.report import timings
from loomtui.restore.running.operator import Unattended
from loomtui.restore.running.runner import Runner


@dataclass(frozen=True)
class Restored:
    """Seconds, by the run's own journal."""

    steps: Mapping[str, float]
    downtime: float  # from the first stop to the chain that moves


async def restore(bed: Bed, choices: Choices) -> Restored:
    """From the first look to the chain that moves."""
    plan = await bed.plan(choices)
    assert not plan.refusals, plan.refusals
    run = RunStore().create(plan, bed.path)
    async with (
        catalogue_of(bed.inventory) as catalogue,
        WritableFleet(bed.inventory, Refuse()) as fleet,
    ):
        await Runner(run, bed.inventory, fleet, catalogue, Unattended("benchmark")).restore()
    times = timings(run)
    assert times.downtime_seconds is not None, "the chain did not move"
    return Restored({step.name.value: step.seconds or 0.0 for step in times.steps}, times.downtime_seconds)
