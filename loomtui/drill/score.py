"""What a drill is worth: times, wrong moves and points, by its journals and by what was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loomtui.restore.choices import Objectives
from loomtui.restore.events import EventKind
from loomtui.restore.record.run_store import Run
from loomtui.restore.report import Timings
from loomtui.wording.objectives import Standing
from loomtui.wording.quantities import count

_BEST = 100
_PREVENTED = 5  # points for each wrong move that a gate or a plan's refusal has prevented
_MADE = 25  # for each that nothing prevented
_LATE = 10  # where the chain has moved later than was agreed


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
    recovered_seconds: float | None = None  # from the drill's beginning until the chain moved
    late_points: int = 0
    objectives: Objectives = field(default_factory=Objectives)

    @property
    def recovery_standing(self) -> Standing | None:
        """How the recovery stands to the agreed downtime: whoever waits counts from the alarm on.

        None: nothing was agreed, or nothing had to be recovered.
        """
        return _standing(self.recovered_seconds, self.objectives.downtime_seconds)

    @property
    def data_loss_standing(self) -> Standing | None:
        """None: nothing was agreed, or no data was restored."""
        return _standing(self.data_loss_seconds, self.objectives.data_loss_seconds)


def _standing(seconds: float | None, agreed: float | None) -> Standing | None:
    if seconds is None or agreed is None:
        return None
    return Standing.MISSED if seconds > agreed else Standing.MET


@dataclass(frozen=True)
class Course:
    """How it went, as far as no journal tells."""

    solved: bool
    detect_seconds: float | None
    decide_seconds: float | None
    refused_plans: int
    traps: int  # that somebody fell into
    hint_points: tuple[int, ...] = ()  # of each hint that was asked for
    began: datetime | None = None  # UTC; None: when the chain moved is not counted
    objectives: Objectives = field(default_factory=Objectives)


def score(course: Course, times: Timings | None, runs: Sequence[Run]) -> Score:
    """`times`: of the last run; None: there was none."""
    gates = sum(event.kind is EventKind.GATE_REFUSED for run in runs for event in run.events())
    prevented = gates + course.refused_plans
    recovered = _recovered(course, times)
    is_late = _standing(recovered, course.objectives.downtime_seconds) is Standing.MISSED
    late = _LATE if is_late else 0
    costs = sum(course.hint_points) + _PREVENTED * prevented + _MADE * course.traps + late
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
        recovered_seconds=recovered,
        late_points=late,
        objectives=course.objectives,
    )


def _recovered(course: Course, times: Timings | None) -> float | None:
    last = times.outages[-1] if times and times.outages else None
    if last is None or last.until is None or last.put_back or course.began is None:
        return None
    return max(0.0, (last.until - course.began).total_seconds())


def costs_of(score: Score) -> tuple[tuple[str, int], ...]:
    """What has cost points, and how many."""
    found = (
        (count(score.hints, "hint"), score.hint_points),
        (f"{count(score.prevented, 'wrong move')} that loomtui has prevented", _PREVENTED * score.prevented),
        (f"{count(score.made, 'wrong move')} that nothing prevented", _MADE * score.made),
        ("the chain moved later than was agreed", score.late_points),
    )
    return tuple((what, points) for what, points in found if points)
