"""The time axis of a run.

Its order and labels are true, and it is wider where much happens in a short time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from loomtui.restore.report.chronicle import Chronicle

#: A wait is drawn at most this long, measured by all the work of the run: a run may lie over a weekend.
_LONGEST_WAIT = 0.15
_LEAST_SHARE = 0.02  # of the axis, for the shortest stretch of work
_MOST_LEAST = 0.5  # of the axis, for all those leasts together


@dataclass(frozen=True)
class Phase:
    """A stretch of the axis, from `left` to `right` as shares of its length."""

    began: datetime
    ended: datetime
    left: float
    right: float
    cut: bool  # it is drawn shorter than it was


class Scale:
    """From a moment to its place on the axis, 0 to 1."""

    def __init__(self, phases: Sequence[Phase]) -> None:
        self.phases = tuple(phases)

    def place(self, at: datetime) -> float:
        for phase in self.phases:
            if at <= phase.ended:
                length = (phase.ended - phase.began).total_seconds()
                share = max(0.0, (at - phase.began).total_seconds()) / length
                return phase.left + share * (phase.right - phase.left)
        return 1.0

    @property
    def cuts(self) -> bool:
        return any(phase.cut for phase in self.phases)


def scale_of(chronicle: Chronicle) -> Scale:
    if chronicle.began is None or chronicle.ended is None:
        return Scale(())
    pieces = _pieces(chronicle, chronicle.began, max(chronicle.ended, chronicle.began + timedelta(seconds=1)))
    lengths = [(ended - began).total_seconds() for began, ended, _ in pieces]
    work = sum(length for length, (_, _, works) in zip(lengths, pieces, strict=True) if works)
    longest = _LONGEST_WAIT * work if work else max(lengths)
    drawn_lengths = [
        length if works else min(length, longest) for length, (*_, works) in zip(lengths, pieces, strict=True)
    ]
    least = min(_LEAST_SHARE, _MOST_LEAST / len(pieces))
    spare = 1.0 - least * sum(1 for *_, works in pieces if works)
    phases, left = [], 0.0
    for (began, ended, works), length, shown in zip(pieces, lengths, drawn_lengths, strict=True):
        right = left + (least if works else 0.0) + spare * shown / sum(drawn_lengths)
        phases.append(Phase(began, ended, left, min(1.0, right), shown < length))
        left = right
    return Scale(phases)


def _pieces(chronicle: Chronicle, began: datetime, ended: datetime) -> list[tuple[datetime, datetime, bool]]:
    """The axis cut wherever a step begins or ends."""
    spans = chronicle.steps or chronicle.tasks
    ends = {began, ended}
    for span in (*chronicle.steps, *(task for task in chronicle.tasks if task.state == "undone")):
        ends |= {span.began, span.ended}
    cuts = sorted(end for end in ends if began <= end <= ended)
    busy = (*spans, *(task for task in chronicle.tasks if task.state == "undone"))
    return [
        (left, right, any(span.began <= left and right <= span.ended for span in busy))
        for left, right in pairwise(cuts)
    ]
