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


def visible_span(oldest: datetime, now: datetime, cursor: datetime, window: timedelta | None) -> Span:
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

    def cell_of(self, time: datetime) -> int:
        """The cell of a moment. If it is outside of 0 and `cells`, it is not in view."""
        begin, end = self.span.begin, self.span.end
        return int((time - begin) / (end - begin) * (self.cells - 1) + 0.5)

    def time_at(self, cell: int) -> datetime:
        """The moment at the end of a cell."""
        return self.span.begin + (self.span.end - self.span.begin) * (cell + 1) / self.cells

    def ticks(self, cursor: datetime) -> str:
        """The times above the rows, with the cursor's place marked."""
        begin, end = self.span.begin, self.span.end
        time_format = next(time_format for longest_span, time_format in _TICKS if end - begin <= longest_span)
        text = ""
        for cell in range(0, self.cells - _TICK_CELLS, _TICK_CELLS):
            time = begin + (end - begin) * cell / max(1, self.cells - 1)
            text = text.ljust(cell) + f"╷{time.strftime(time_format)}"
        text = text.ljust(self.cells - 4) + ("now" if end >= self.now else "") + " "
        cursor_cell = self.cell_of(cursor)
        return text[:cursor_cell] + "▼" + text[cursor_cell + 1 :] if 0 <= cursor_cell < self.cells else text

    def row(self, series: Series, taken_keys: frozenset[str]) -> tuple[list[str], list[str]]:
        """A sign for each cell, and the name of its style. `taken` are the keys that a restore would take."""
        signs, style_names = self._covered_cells(series)
        counts: dict[int, int] = {}
        for backup in series.backups:
            cell = self.cell_of(backup.taken_at)
            if 0 <= cell < self.cells:
                counts[cell] = counts.get(cell, 0) + 1
                if style_names[cell] != "taken":
                    is_taken = backup.key in taken_keys
                    signs[cell] = TAKEN if is_taken else _count_symbol(counts[cell])
                    style_names[cell] = "taken" if is_taken else "backup"
        return signs, style_names

    def _covered_cells(self, series: Series) -> tuple[list[str], list[str]]:
        """From the first backup on there is one to go back to; in a gap it gets old."""
        signs, style_names = [NONE] * self.cells, ["covered"] * self.cells
        first_cell = self.cell_of(series.backups[0].taken_at)
        for cell in range(max(0, first_cell), min(self.cells, self.cell_of(self.now) + 1)):
            signs[cell] = COVERED
        for gap in series.gaps(self.now):
            for cell in range(max(0, self.cell_of(gap.since) + 1), min(self.cells, self.cell_of(gap.until))):
                signs[cell], style_names[cell] = GAP, "gap"
        return signs, style_names


def _count_symbol(count: int) -> str:
    return "●" if count == 1 else str(count) if count <= 9 else "+"
