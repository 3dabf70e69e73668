"""Estimates how long the steps of a plan will take, from what earlier runs on the same cluster took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from loomtui.errors import LoomtuiError
from loomtui.restore.events import StepName
from loomtui.restore.plan import Plan
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.report.chronicle import Chronicle, SpanState, chronicle_of

_PAST_RUNS = 5  # the latest ones: machines, links and data sizes change


@dataclass(frozen=True)
class Estimate:
    seconds: float
    runs: int  # how many earlier runs it is judged by
    bytes_per_second: float | None = None  # of unpacked data, where the step moves it


def past_runs(store: RunStore, cluster: str, limit: int = _PAST_RUNS) -> tuple[Chronicle, ...]:
    """The cluster's latest runs on this machine, newest first. A run that cannot be read is left out."""
    chronicles: list[Chronicle] = []
    for summary in store.list():
        if len(chronicles) >= limit:
            break
        if summary.cluster != cluster:
            continue
        try:
            chronicles.append(chronicle_of(store.open(summary.id)))
        except (LoomtuiError, OSError):
            continue
    return tuple(chronicles)


def estimate(plan: Plan, past: Sequence[Chronicle]) -> Mapping[StepName, Estimate]:
    """The estimate for each step. A step that was never done before has none."""
    moves_data = StepName.PREFLIGHT if plan.stage_first else StepName.DATA
    estimates = {step: _by_time(step, past) for step in StepName if step is not moves_data}
    estimates[moves_data] = _by_size(plan, past)
    return {step: guess for step, guess in estimates.items() if guess is not None}


def _by_time(step: StepName, past: Iterable[Chronicle]) -> Estimate | None:
    """A step takes as long as its slowest node; the median of that over the runs is the estimate."""
    slowest = [
        max(seconds)
        for run in past
        if _comparable(run, step)
        and (
            seconds := [
                task.seconds for task in run.tasks if task.step is step and task.state is SpanState.DONE
            ]
        )
    ]
    return Estimate(median(slowest), len(slowest)) if slowest else None


def _comparable(run: Chronicle, step: StepName) -> bool:
    """A step that fetched the data in that run says nothing about one that does not."""
    return step is not (StepName.PREFLIGHT if run.plan.stage_first else StepName.DATA)


def _by_size(plan: Plan, past: Iterable[Chronicle]) -> Estimate | None:
    """The bytes at the rate of the slowest node, because all nodes fetch at once."""
    slowest = [min(done.bytes_per_second for done in run.throughput) for run in past if run.throughput]
    sizes = [node.data.unpacked_bytes for node in plan.nodes if node.data is not None]
    if not slowest or not sizes:
        return None
    rate = median(slowest)
    return Estimate(max(sizes) / rate, len(slowest), rate)
