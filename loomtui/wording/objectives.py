"""How a length of time stands to what was agreed for it, alike on screens, command line and report."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from loomtui.wording.quantities import span, stopwatch
from loomtui.wording.states import Grade

#: From this share of the objective on, a clock warns.
_NEAR = 0.8


class Standing(StrEnum):
    """JSON holds these values."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"  # it is not over, and not missed yet


STANDING_GRADES = {Standing.MET: Grade.GOOD, Standing.MISSED: Grade.BAD, Standing.OPEN: Grade.OPEN}


def standing_words(objective_seconds: float, standing: Standing) -> str:
    """objective 30m: missed."""
    return f"objective {span(objective_seconds)}: {standing.value}"


def grade_of(elapsed: timedelta, objective_seconds: float | None) -> Grade:
    """OPEN: nothing was agreed."""
    if objective_seconds is None:
        return Grade.OPEN
    share = elapsed.total_seconds() / objective_seconds
    return Grade.BAD if share > 1 else Grade.WARN if share >= _NEAR else Grade.GOOD


def clock(elapsed: timedelta, objective_seconds: float | None) -> tuple[str, Grade]:
    """A clock that runs, in words that say what its colour says: 00:12:00 of 30m; ▲ 00:31:00, over 30m."""
    text, grade = stopwatch(elapsed), grade_of(elapsed, objective_seconds)
    if objective_seconds is None:
        return text, grade
    agreed = span(objective_seconds)
    if grade is Grade.BAD:
        return f"▲ {text}, over {agreed}", grade
    return f"{text}, near {agreed}" if grade is Grade.WARN else f"{text} of {agreed}", grade
