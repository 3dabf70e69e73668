"""Backups on a time axis. Each series has a row, and a cursor names a moment."""

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
from screens.backups.axis_scale import COVERED, NONE, AxisScale, in_view
from screens.input import keys
from screens.text.words import cut, span

_LABEL_CELLS = 18
_LEAST_CELLS = 20
#: How much of the time is in view; None: from the oldest backup on.
_WINDOWS: tuple[timedelta | None, ...] = (
    None,
    timedelta(days=90),
    timedelta(days=30),
    timedelta(days=7),
    timedelta(days=2),
    timedelta(hours=12),
)
_CURSOR = "│"


class BackupAxis(Widget, can_focus=True):
    """Left and right go from backup to backup, up and down from row to row. The right end is now."""

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
        """`taken` are the keys of what a restore to the cursor's moment would take."""
        taller = len(series) != len(self._series)
        self._series, self._taken, self._now = tuple(series), taken, now
        self.row = min(self.row, max(0, len(series) - 1))
        self.refresh(layout=taller)

    @property
    def marked(self) -> Backup | None:
        """The newest backup of the marked row at the cursor or before it."""
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
            self.row = min(len(self._series) - 1, first + event.y - 1)
            self.go_to(self._scale().moment(place))

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────────────

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self._series)) + 1

    def _label_cells(self) -> int:
        names = (len(_label(series)) for series in self._series)
        return min(_LABEL_CELLS, max(names, default=4)) + 3

    def _rows_shown(self) -> int:
        return max(1, self.size.height - 1)

    def _first_row(self) -> int:
        return max(0, self.row - self._rows_shown() + 1)

    def _scale(self) -> AxisScale:
        oldest = min(self._moments(), default=self._now - timedelta(days=1))
        shown = in_view(oldest, self._now, self.moment or self._now, _WINDOWS[self._window])
        return AxisScale(shown, max(_LEAST_CELLS, self.size.width - self._label_cells()), self._now)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y == 0:
            ticks = " " * self._label_cells() + self._scale().ticks(self.moment or self._now)
            strip = Strip([Segment(ticks, self._style("time"))])
        elif self._first_row() + y - 1 < len(self._series):
            strip = self._row_strip(self._first_row() + y - 1)
        else:
            strip = Strip.blank(self.size.width, base)
        return strip.apply_style(base).adjust_cell_length(self.size.width, base)

    def _row_strip(self, number: int) -> Strip:
        series = self._series[number]
        marked = number == self.row
        label = f"{'▸' if marked and self.has_focus else ' '} {cut(_label(series), _LABEL_CELLS)}"
        head = Segment(label.ljust(self._label_cells()), self._style("row" if marked else "label"))
        return Strip([head, *self._row_cells(series)])

    def _row_cells(self, series: Series) -> list[Segment]:
        scale = self._scale()
        signs, names = scale.row(series, self._taken)
        styles = [self._style(name) for name in names]
        cursor = scale.place(self.moment or self._now)
        if 0 <= cursor < scale.cells:
            signs[cursor] = _CURSOR if signs[cursor] in (NONE, COVERED) else signs[cursor]
            styles[cursor] = styles[cursor] + self._style("cursor")
        return [Segment(sign, style) for sign, style in zip(signs, styles, strict=True)]

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"axis--{name}", partial=True)


def _label(series: Series) -> str:
    return f"{series.source or 'no host'} {series.kind.value}"
