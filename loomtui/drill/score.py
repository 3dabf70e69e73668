"""What a drill is worth: times, wrong moves and points, by its journals and by what was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loomtui.restore.events import EventKind
from loomtui.restore.record.run_store import Run
from loomtui.restore.report import Timings

_BEST = 100
_PREVENTED = 5  # points for each wrong move that a gate or a plan's refusal has prevented
_MADE = 25  # for each that nothing prevented


@dataclass(frozen=True)
class Score:
    """Seconds are None for what never came."""

    points: int  # from 0 to 100; 0: not solved
    detect_seconds: float | None  # from the drill's beginning until it was known that something is wrong
    decide_seconds: float | None  # from then until a run began, or a plan was refused
    downtime_seconds: float | None
    data_loss_seconds: float | None
    prevented: int  # wrong moves that gates and refusals have stopped
    made: int  # wrong moves that nothing stopped
    hints: int
    hint_points: int


@dataclass(frozen=True)
class Course:
    """How it went, as far as no journal tells."""

    solved: bool
    detect_seconds: float | None
    decide_seconds: float | None
    refused_plans: int
    traps: int  # that somebody fell into
    hint_points: tuple[int, ...] = ()  # of each hint that was asked for


def score(course: Course, times: Timings | None, runs: Sequence[Run]) -> Score:
    """`times`: of the last run; None: there was none."""
    gates = sum(event.kind is EventKind.GATE_REFUSED for run in runs for event in run.events())
    prevented = gates + course.refused_plans
    costs = sum(course.hint_points) + _PREVENTED * prevented + _MADE * course.traps
    return Score(
        points=max(0, _BEST - costs) if course.solved else 0,
        detect_seconds=course.detect_seconds,
        decide_seconds=course.decide_seconds,
        downtime_seconds=times.downtime_seconds if times else None,
        data_loss_seconds=times.data_loss_seconds if times else None,
        prevented=prevented,
        made=course.traps,
        hints=len(course.hint_points),
        hint_points=sum(course.hint_points),
    )
