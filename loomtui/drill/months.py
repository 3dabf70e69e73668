"""The history of drills, month by month. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from loomtui.drill.logbook import Entry
from loomtui.wording.objectives import Standing

_MOST = 24


@dataclass(frozen=True)
class Month:
    """What was played in one calendar month (UTC). Points and seconds are means; None: there are none."""

    year: int
    month: int
    drills: int = 0
    passed: int = 0
    points: float | None = None
    recovered_seconds: float | None = None
    met: int = 0  # objectives of the downtime
    judged: int = 0  # drills for which one was agreed

    @property
    def name(self) -> str:
        """2026-11."""
        return f"{self.year}-{self.month:02d}"


def months(entries: Sequence[Entry]) -> tuple[Month, ...]:
    """The last 24 at most, the oldest first; also those in which nothing was played: gaps tell, too."""
    by_month: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_month[entry.at.year * 12 + entry.at.month - 1].append(entry)
    if not by_month:
        return ()
    last = max(by_month)
    first = max(min(by_month), last - _MOST + 1)
    return tuple(_month(number, by_month.get(number, [])) for number in range(first, last + 1))


def _month(number: int, entries: Sequence[Entry]) -> Month:
    recovered = [
        entry.score.recovered_seconds for entry in entries if entry.score.recovered_seconds is not None
    ]
    standings = [standing for entry in entries if (standing := entry.score.recovery_standing) is not None]
    return Month(
        number // 12,
        number % 12 + 1,
        len(entries),
        sum(entry.passed for entry in entries),
        fmean(entry.score.points for entry in entries) if entries else None,
        fmean(recovered) if recovered else None,
        sum(standing is Standing.MET for standing in standings),
        len(standings),
    )
