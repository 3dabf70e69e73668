"""Backups on a time axis: a row for each series, and a cursor that names a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from loomtui.backups.model import Backup
from loomtui.backups.series import Series
from screens.input import keys
from screens.text.words import cut, span

_LABEL_CELLS = 18
_LEAST_CELLS = 20
_TICK_CELLS = 14
#: How much of the time is in view; None: from the oldest backup on.
_WINDOWS: tuple[timedelta | None, ...] = (
    None,
    timedelta(days=90),
    timedelta(days=30),
    timedelta(days=7),
    timedelta(days=2),
    timedelta(hours=12),
)
_TICKS = ((timedelta(days=1), "%H:%M"), (timedelta(days=9), "%m-%d %H:%M"), (timedelta.max, "%Y-%m-%d"))
_NONE, _COVERED, _GAP, _TAKEN, _CURSOR = " ", "─", "░", "◆", "│"


class BackupAxis(Widget, can_focus=True):
    """Left and right go from backup to backup, up and down from row to row. At the right end it is now."""

    BINDINGS = keys.bindings(keys.AXIS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "axis--time", "axis--label", "axis--row", "axis--backup", "axis--taken", "axis--gap", "axis--covered",
        "axis--cursor",
    }  # fmt: skip

    class Moved(Message):
        """Another moment, another row, or other backups."""

    def __init__(self, now: datetime, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.moment: datetime | None = None  # None: now
        self.row = 0
        self._now = now
        self._series: tuple[Series, ...] = ()
        self._taken: frozenset[str] = frozenset()
        self._window = 0

    # ── what is shown ───────────────────────────────────────────────────────────────────────────────────

    def show(self, series: Sequence[Series], taken: frozenset[str], now: datetime) -> None:
        """`taken`: the keys of what a restore to the cursor's moment would take."""
        taller = len(series) != len(self._series)
        self._series, self._taken, self._now = tuple(series), taken, now
        self.row = min(self.row, max(0, len(series) - 1))
        self.refresh(layout=taller)

    @property
    def marked(self) -> Backup | None:
        """The newest one of the marked row at or before the cursor."""
        if not self._series:
            return None
        before = [
            backup
            for backup in self._series[self.row].backups
            if self.moment is None or backup.taken_at <= self.moment
        ]
        return before[-1] if before else None

    @property
    def window_told(self) -> str:
        window = _WINDOWS[self._window]
        return "all of it" if window is None else span(window)

    def go_to(self, moment: datetime | None) -> None:
        self.moment = None if moment is None or moment >= self._now else moment
        self._moved()

    def _moved(self) -> None:
        self.refresh()
        self.post_message(self.Moved())

    # ── keys and mouse ──────────────────────────────────────────────────────────────────────────────────

    def _moments(self) -> list[datetime]:
        return sorted({backup.taken_at for series in self._series for backup in series.backups})

    def action_step(self, by: int) -> None:
        moments, here = self._moments(), self.moment or self._now
        if by > 0:
            self.go_to(next((moment for moment in moments if moment > here), None))
        else:
            before = [moment for moment in moments if moment < here]
            if before:
                self.go_to(before[-1])

    def action_first(self) -> None:
        if moments := self._moments():
            self.go_to(moments[0])

    def action_last(self) -> None:
        self.go_to(None)

    def action_row(self, by: int) -> None:
        self.row = max(0, min(len(self._series) - 1, self.row + by))
        self._moved()

    def action_zoom(self, by: int) -> None:
        self._window = max(0, min(len(_WINDOWS) - 1, self._window + by))
        self._moved()

    def on_click(self, event: events.Click) -> None:
        first = self._first_row()
        place = event.x - self._label_cells()
        if 1 <= event.y <= self._rows_shown() and place >= 0:
            begin, end = self._range()
            self.row = min(len(self._series) - 1, first + event.y - 1)
            self.go_to(begin + (end - begin) * (place + 1) / self._cells())

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────────────

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self._series)) + 1

    def _label_cells(self) -> int:
        names = (len(_label(series)) for series in self._series)
        return min(_LABEL_CELLS, max(names, default=4)) + 3

    def _cells(self) -> int:
        return max(_LEAST_CELLS, self.size.width - self._label_cells())

    def _rows_shown(self) -> int:
        return max(1, self.size.height - 1)

    def _first_row(self) -> int:
        return max(0, self.row - self._rows_shown() + 1)

    def _range(self) -> tuple[datetime, datetime]:
        """What is in view; where it is less than all, the cursor is in it."""
        oldest = min(self._moments(), default=self._now - timedelta(days=1))
        window = _WINDOWS[self._window]
        if window is None or self._now - oldest <= window:
            return oldest, max(self._now, oldest + timedelta(minutes=1))
        end = min(self._now, (self.moment or self._now) + window / 2)
        return end - window, end

    def _place(self, moment: datetime) -> int:
        begin, end = self._range()
        return int((moment - begin) / (end - begin) * (self._cells() - 1) + 0.5)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y == 0:
            strip = Strip([Segment(self._ticks(), self._style("time"))])
        elif self._first_row() + y - 1 < len(self._series):
            strip = self._row_strip(self._first_row() + y - 1)
        else:
            strip = Strip.blank(self.size.width, base)
        return strip.apply_style(base).adjust_cell_length(self.size.width, base)

    def _ticks(self) -> str:
        """Times under which the rows stand, the cursor's place marked."""
        begin, end = self._range()
        cells = self._cells()
        form = next(form for longest, form in _TICKS if end - begin <= longest)
        line = ""
        for place in range(0, cells - _TICK_CELLS, _TICK_CELLS):
            moment = begin + (end - begin) * place / max(1, cells - 1)
            line = line.ljust(place) + f"╷{moment.strftime(form)}"
        line = line.ljust(cells - 4) + ("now" if end >= self._now else "") + " "
        cursor = self._place(self.moment or self._now)
        if 0 <= cursor < cells:
            line = line[:cursor] + "▼" + line[cursor + 1 :]
        return " " * self._label_cells() + line

    def _row_strip(self, number: int) -> Strip:
        series = self._series[number]
        marked = number == self.row
        label = f"{'▸' if marked and self.has_focus else ' '} {cut(_label(series), _LABEL_CELLS)}"
        head = Segment(label.ljust(self._label_cells()), self._style("row" if marked else "label"))
        return Strip([head, *self._row_cells(series)])

    def _row_cells(self, series: Series) -> list[Segment]:
        cells = self._cells()
        signs, names = [_NONE] * cells, ["covered"] * cells
        self._draw_cover(series, signs, names)
        counts: dict[int, int] = {}
        for backup in series.backups:
            place = self._place(backup.taken_at)
            if 0 <= place < cells:
                counts[place] = counts.get(place, 0) + 1
                taken = backup.key in self._taken
                if names[place] != "taken":
                    signs[place] = _TAKEN if taken else _many(counts[place])
                    names[place] = "taken" if taken else "backup"
        cursor = self._place(self.moment or self._now)
        styles = [self._style(name) for name in names]
        if 0 <= cursor < cells:
            signs[cursor] = _CURSOR if signs[cursor] in (_NONE, _COVERED) else signs[cursor]
            styles[cursor] = styles[cursor] + self._style("cursor")
        return [Segment(sign, style) for sign, style in zip(signs, styles, strict=True)]

    def _draw_cover(self, series: Series, signs: list[str], names: list[str]) -> None:
        """From the first backup on there is one to go back to; in a gap it gets old."""
        first = self._place(series.backups[0].taken_at)
        for place in range(max(0, first), min(len(signs), self._place(self._now) + 1)):
            signs[place] = _COVERED
        for gap in series.gaps(self._now):
            for place in range(max(0, self._place(gap.since) + 1), min(len(signs), self._place(gap.until))):
                signs[place], names[place] = _GAP, "gap"

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"axis--{name}", partial=True)


def _label(series: Series) -> str:
    return f"{series.source or 'no host'} {series.kind.value}"


def _many(count: int) -> str:
    return "●" if count == 1 else str(count) if count <= 9 else "+"
