"""Whether a run met what an incident may cost. Made from its plan and its journal alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loomtui.wording.objectives import Standing, standing_words

if TYPE_CHECKING:
    from loomtui.restore.report.chronicle import Chronicle


@dataclass(frozen=True)
class Objective:
    seconds: float
    standing: Standing

    @property
    def words(self) -> str:
        return standing_words(self.seconds, self.standing)


def downtime_objective(chronicle: Chronicle) -> Objective | None:
    """None: nothing was agreed. What has lasted too long by now is missed, however it will end."""
    agreed, times = chronicle.plan.objectives.downtime_seconds, chronicle.timings
    if agreed is None:
        return None
    is_over = all(outage.until is not None for outage in times.outages)
    lasted = [
        ((outage.until or chronicle.ended or outage.since) - outage.since).total_seconds()
        for outage in times.outages
    ]
    return Objective(agreed, _standing(sum(lasted), agreed, is_over=is_over))


def data_loss_objective(chronicle: Chronicle, *, is_lost: bool) -> Objective | None:
    """None: nothing was agreed. `is_lost`: data was put in place and stayed."""
    agreed, lost = chronicle.plan.objectives.data_loss_seconds, chronicle.timings.data_loss_seconds
    if agreed is None:
        return None
    is_over = chronicle.summary.outcome is not None
    return Objective(agreed, _standing(lost or 0.0 if is_lost else 0.0, agreed, is_over=is_over))


def _standing(seconds: float, agreed: float, *, is_over: bool) -> Standing:
    if seconds > agreed:
        return Standing.MISSED
    return Standing.MET if is_over else Standing.OPEN
