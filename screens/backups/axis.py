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
from loomtui.wording.quantities import span
from screens.backups.axis_scale import COVERED, NONE, AxisScale, visible_span
from screens.input import keys
from screens.text.words import cut

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
        self.cursor_time: datetime | None = None  # None: now
        self.row = 0
        self._now = now
        self._series: tuple[Series, ...] = ()
        self._taken_keys: frozenset[str] = frozenset()
        self._window_index = 0

    # ── what is shown ───────────────────────────────────────────────────────────────────────────────────

    def show(self, series: Sequence[Series], taken_keys: frozenset[str], now: datetime) -> None:
        """`taken` are the keys of what a restore to the cursor's moment would take."""
        height_changed = len(series) != len(self._series)
        self._series, self._taken_keys, self._now = tuple(series), taken_keys, now
        self.row = min(self.row, max(0, len(series) - 1))
        self.refresh(layout=height_changed)

    @property
    def marked(self) -> Backup | None:
        """The newest backup of the marked row at the cursor or before it."""
        if not self._series:
            return None
        earlier = [
            backup
            for backup in self._series[self.row].backups
            if self.cursor_time is None or backup.taken_at <= self.cursor_time
        ]
        return earlier[-1] if earlier else None

    @property
    def window_text(self) -> str:
        window = _WINDOWS[self._window_index]
        return "all of it" if window is None else span(window)

    def go_to(self, time: datetime | None) -> None:
        self.cursor_time = None if time is None or time >= self._now else time
        self._notify_moved()

    def _notify_moved(self) -> None:
        self.refresh()
        self.post_message(self.Moved())

    # ── keys and mouse ──────────────────────────────────────────────────────────────────────────────────

    def _backup_times(self) -> list[datetime]:
        return sorted({backup.taken_at for series in self._series for backup in series.backups})

    def action_step(self, by: int) -> None:
        times, cursor = self._backup_times(), self.cursor_time or self._now
        if by > 0:
            self.go_to(next((time for time in times if time > cursor), None))
        else:
            earlier_times = [time for time in times if time < cursor]
            if earlier_times:
                self.go_to(earlier_times[-1])

    def action_first(self) -> None:
        if times := self._backup_times():
            self.go_to(times[0])

    def action_last(self) -> None:
        self.go_to(None)

    def action_row(self, by: int) -> None:
        self.row = max(0, min(len(self._series) - 1, self.row + by))
        self._notify_moved()

    def action_zoom(self, by: int) -> None:
        self._window_index = max(0, min(len(_WINDOWS) - 1, self._window_index + by))
        self._notify_moved()

    def on_click(self, event: events.Click) -> None:
        first_row = self._first_row()
        cell = event.x - self._label_cells()
        if 1 <= event.y <= self._rows_shown() and cell >= 0:
            self.row = min(len(self._series) - 1, first_row + event.y - 1)
            self.go_to(self._scale().time_at(cell))

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────────────

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self._series)) + 1

    def _label_cells(self) -> int:
        widths = (len(_label(series)) for series in self._series)
        return min(_LABEL_CELLS, max(widths, default=4)) + 3

    def _rows_shown(self) -> int:
        return max(1, self.size.height - 1)

    def _first_row(self) -> int:
        return max(0, self.row - self._rows_shown() + 1)

    def _scale(self) -> AxisScale:
        oldest = min(self._backup_times(), default=self._now - timedelta(days=1))
        visible = visible_span(oldest, self._now, self.cursor_time or self._now, _WINDOWS[self._window_index])
        return AxisScale(visible, max(_LEAST_CELLS, self.size.width - self._label_cells()), self._now)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y == 0:
            ticks = " " * self._label_cells() + self._scale().ticks(self.cursor_time or self._now)
            strip = Strip([Segment(ticks, self._style("time"))])
        elif self._first_row() + y - 1 < len(self._series):
            strip = self._series_strip(self._first_row() + y - 1)
        else:
            strip = Strip.blank(self.size.width, base)
        return strip.apply_style(base).adjust_cell_length(self.size.width, base)

    def _series_strip(self, number: int) -> Strip:
        series = self._series[number]
        is_marked = number == self.row
        label = f"{'▸' if is_marked and self.has_focus else ' '} {cut(_label(series), _LABEL_CELLS)}"
        label_segment = Segment(
            label.ljust(self._label_cells()), self._style("row" if is_marked else "label")
        )
        return Strip([label_segment, *self._series_segments(series)])

    def _series_segments(self, series: Series) -> list[Segment]:
        scale = self._scale()
        signs, style_names = scale.row(series, self._taken_keys)
        styles = [self._style(style_name) for style_name in style_names]
        cursor_cell = scale.cell_of(self.cursor_time or self._now)
        if 0 <= cursor_cell < scale.cells:
            signs[cursor_cell] = _CURSOR if signs[cursor_cell] in (NONE, COVERED) else signs[cursor_cell]
            styles[cursor_cell] = styles[cursor_cell] + self._style("cursor")
        return [Segment(sign, style) for sign, style in zip(signs, styles, strict=True)]

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"axis--{name}", partial=True)


def _label(series: Series) -> str:
    return f"{series.source or 'no host'} {series.kind.value}"
