"""Maps moments to cells of a time axis. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from loomtui.backups.series import Series

NONE, COVERED, GAP, TAKEN = " ", "─", "░", "◆"
_TICK_CELLS = 14
_TICKS = ((timedelta(days=1), "%H:%M"), (timedelta(days=9), "%m-%d %H:%M"), (timedelta.max, "%Y-%m-%d"))


@dataclass(frozen=True)
class Span:
    """The part of the time that is in view."""

    begin: datetime
    end: datetime


def in_view(oldest: datetime, now: datetime, cursor: datetime, window: timedelta | None) -> Span:
    """All of the time if there is no `window`. If less is in view, the cursor is in it."""
    if window is None or now - oldest <= window:
        return Span(oldest, max(now, oldest + timedelta(minutes=1)))
    end = min(now, cursor + window / 2)
    return Span(end - window, end)


@dataclass(frozen=True)
class AxisScale:
    """A span of time over so many cells."""

    span: Span
    cells: int
    now: datetime

    def place(self, moment: datetime) -> int:
        """The cell of a moment. If it is outside of 0 and `cells`, it is not in view."""
        begin, end = self.span.begin, self.span.end
        return int((moment - begin) / (end - begin) * (self.cells - 1) + 0.5)

    def moment(self, place: int) -> datetime:
        """The moment at the end of a cell."""
        return self.span.begin + (self.span.end - self.span.begin) * (place + 1) / self.cells

    def ticks(self, cursor: datetime) -> str:
        """The times above the rows, with the cursor's place marked."""
        begin, end = self.span.begin, self.span.end
        form = next(form for longest, form in _TICKS if end - begin <= longest)
        line = ""
        for place in range(0, self.cells - _TICK_CELLS, _TICK_CELLS):
            moment = begin + (end - begin) * place / max(1, self.cells - 1)
            line = line.ljust(place) + f"╷{moment.strftime(form)}"
        line = line.ljust(self.cells - 4) + ("now" if end >= self.now else "") + " "
        marked = self.place(cursor)
        return line[:marked] + "▼" + line[marked + 1 :] if 0 <= marked < self.cells else line

    def row(self, series: Series, taken: frozenset[str]) -> tuple[list[str], list[str]]:
        """A sign for each cell, and the name of its style. `taken` are the keys that a restore would take."""
        signs, names = self._cover(series)
        counts: dict[int, int] = {}
        for backup in series.backups:
            place = self.place(backup.taken_at)
            if 0 <= place < self.cells:
                counts[place] = counts.get(place, 0) + 1
                if names[place] != "taken":
                    is_taken = backup.key in taken
                    signs[place] = TAKEN if is_taken else _many(counts[place])
                    names[place] = "taken" if is_taken else "backup"
        return signs, names

    def _cover(self, series: Series) -> tuple[list[str], list[str]]:
        """From the first backup on there is one to go back to; in a gap it gets old."""
        signs, names = [NONE] * self.cells, ["covered"] * self.cells
        first = self.place(series.backups[0].taken_at)
        for place in range(max(0, first), min(self.cells, self.place(self.now) + 1)):
            signs[place] = COVERED
        for gap in series.gaps(self.now):
            for place in range(max(0, self.place(gap.since) + 1), min(self.cells, self.place(gap.until))):
                signs[place], names[place] = GAP, "gap"
        return signs, names


def _many(count: int) -> str:
    return "●" if count == 1 else str(count) if count <= 9 else "+"
