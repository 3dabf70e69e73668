"""The merged logs of all nodes: a bounded buffer, of which only the lines in view are laid out and drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from loomtui.matching import Matcher
from screens.input import keys
from screens.logs.log_buffer import Entry, LogBuffer
from screens.logs.log_rows import SHADES, THUMB, TRACK, Ink, Row, RowPainter

_REPAINTS_PER_SECOND = 10
_WHEEL_LINES = 3
_MOST_SINGLE_ROWS = 8  # where more change, all are drawn at once


class LogView(Widget, can_focus=True):
    """Follows the newest line until the operator moves up. Draws ten times a second at most.

    Its place is a line, not a row number: it stays where it is when lines come, go, or are filtered.
    """

    BINDINGS = keys.bindings(keys.LOG_VIEW)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--time", "log--notice", "log--cursor", "log--selected", "log--match", "log--sought", "log--plain",
        "log--harmless", "log--warning", "log--error", "log--critical", "log--thumb", "log--track",
        *(f"log--node{shade}" for shade in range(SHADES)),
    }  # fmt: skip

    class Changed(Message):
        """What is shown, or the way it is shown, changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LogView.Changed)

    def __init__(self, nodes: tuple[str, ...], *, id: str | None = None, wrap: bool = False) -> None:
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.sought = Matcher()
        self.following = True
        self.wrap = wrap
        self.show_time = True
        self._names = nodes
        self._marked: Entry | None = None  # None: the newest
        self._anchor: Entry | None = None  # where a selection began
        self._row = 0  # of the marked line, from the top
        self._page: list[Row] = []
        self._painting: tuple[RowPainter, dict[tuple[bool, bool], Ink]] | None = None
        self._fresh = self._whole = False

    def on_mount(self) -> None:
        self.set_interval(1 / _REPAINTS_PER_SECOND, self._repaint)

    def on_resize(self) -> None:
        self.change()

    def add(self, entries: Sequence[Entry]) -> None:
        self.buffer.add(entries)
        self._fresh = True

    def change(self) -> None:
        """To be called when buffer or way of showing changed."""
        self._fresh = self._whole = True
        self._repaint()

    # ── the marked line, and the selection ──────────────────────────────────────────────────────────────

    @property
    def cursor(self) -> int:
        """The place of the marked line; -1 where nothing is shown."""
        last = len(self.buffer.shown) - 1
        return last if self.following or self._marked is None else self.buffer.place_of(self._marked)

    @property
    def marked(self) -> Entry | None:
        return self.buffer.shown[self.cursor] if self.buffer.shown else None

    @property
    def selection(self) -> Sequence[Entry]:
        """The selected lines; () where none are."""
        if self._anchor is None or not self.buffer.shown:
            return ()
        first, last = self._selected()
        return self.buffer.shown[first : last + 1]

    def toggle_selection(self) -> None:
        """Begins to select at the marked line, or selects nothing any more. Selecting ends following."""
        self._anchor = self.marked if self._anchor is None else None
        if self._anchor is not None:
            self.stay()
        self._move()

    def stay(self) -> None:
        """Ends following, at the marked line."""
        self._marked, self.following = self.marked, False

    def move_to(self, place: int, *, in_middle: bool = False) -> None:
        """Marks a line and brings it into view; the last one follows again, unless lines are selected."""
        last = len(self.buffer.shown) - 1
        if last < 0:
            return
        place = max(0, min(last, place))
        self._row = self._row_for(place, in_middle=in_middle)
        self._marked = self.buffer.shown[place]
        self.following = place == last and self._anchor is None
        self._move()

    def _move(self) -> None:
        """The same lines, another mark."""
        self._fresh = True
        self._repaint()

    def _row_for(self, place: int, *, in_middle: bool) -> int:
        height, entry = self._height(), self.buffer.shown[place]
        parts = self._painter().parts(entry, self._width())
        rows = [y for y, row in enumerate(self._page) if row.entry is entry]
        if rows and len(rows) == parts:
            return rows[0]
        if in_middle:
            return height // 2
        top = self._page[0].entry if self._page else None
        above = top is None or place <= self.buffer.place_of(top)
        return 0 if above else max(0, height - parts)

    def _selected(self) -> tuple[int, int]:
        if self._anchor is None:
            return 0, -1
        here, there = self.cursor, self.buffer.place_of(self._anchor)
        return min(here, there), max(here, there)

    # ── layout ──────────────────────────────────────────────────────────────────────────────────────────

    def _repaint(self) -> None:
        """Draws the rows that are not as they were; all of them, where they are shown in another way."""
        if not self._fresh or not self.is_attached or not self.screen.is_current:
            return
        whole, self._fresh, self._whole = self._whole, False, False
        before, self._page = self._page, self._lay_out()
        changed = [y for y, row in enumerate(self._page) if y >= len(before) or row != before[y]]
        if whole or len(before) != len(self._page) or len(changed) > _MOST_SINGLE_ROWS:
            self.refresh()
        elif changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))
        self.post_message(self.Changed())

    def _height(self) -> int:
        return max(1, self.size.height)

    def _width(self) -> int:
        """Of a line; the last column is the scroll mark's."""
        return max(10, self.size.width - 1)

    def _lay_out(self) -> list[Row]:
        """Only what is in view: around the marked line, and no row is left empty while there are lines."""
        page, height = self._places(), self._height()
        edges = self._edges(page, height)
        cursor, (first, last) = self.cursor, self._selected()
        rows = [
            Row(self.buffer.shown[place], part, place == cursor, first <= place <= last, edge)
            for (place, part), edge in zip(page, edges, strict=False)
        ]
        return rows + [Row(edge=edge) for edge in edges[len(rows) :]]

    def _places(self) -> list[tuple[int, int]]:
        """Of each row: the line's place, and which part of it."""
        place, height = self.cursor, self._height()
        if place < 0:
            return []
        painter = self._painter()
        own = self._rows(painter, [place], height)
        above = self._rows(painter, range(place - 1, -1, -1), height)[::-1]
        below = self._rows(painter, range(place + 1, len(self.buffer.shown)), height)
        room = max(0, height - len(own))
        wanted = room if self.following else min(self._row, room)
        up = min(len(above), max(wanted, room - len(below)))
        self._row = up
        return [*above[len(above) - up :], *own, *below][:height]

    def _rows(self, painter: RowPainter, places: Sequence[int], height: int) -> list[tuple[int, int]]:
        """Of these lines, in their order; going up, the parts of each are turned round."""
        found: list[tuple[int, int]] = []
        step = -1 if isinstance(places, range) and places.step < 0 else 1
        for place in places:
            if len(found) >= height:
                break
            parts = painter.parts(self.buffer.shown[place], self._width())
            found.extend((place, part) for part in range(parts)[::step])
        return found

    def _edges(self, page: Sequence[tuple[int, int]], height: int) -> str:
        """Where in all lines the page is, one sign a row."""
        count = max(1, len(self.buffer.shown))
        if not page or (count <= height and not self.wrap):
            return " " * height
        first = int(page[0][0] * height / count)
        last = max(first, math.ceil((page[-1][0] + 1) * height / count) - 1)
        return "".join(THUMB if first <= y <= last else TRACK for y in range(height))

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────────────

    def _painter(self) -> RowPainter:
        filters = ((self.buffer.filter, "match"), (self.sought, "sought"))
        return RowPainter(self._names, show_time=self.show_time, wrap=self.wrap, filters=filters)

    def render_lines(self, crop: Region) -> list[Strip]:
        self._painting = self._painter(), {}  # styles may be others than the last time
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        row = self._page[y] if y < len(self._page) else Row()
        painter, inks = self._painting or (self._painter(), {})
        on_row = (row.selected, row.marked and self.has_focus)
        for ground in ((False, False), on_row):
            if ground not in inks:
                inks[ground] = self._ink(*ground)
        return painter.strip(row, self._width(), inks[on_row], inks[False, False])

    def _ink(self, selected: bool, cursor: bool) -> Ink:
        ground = self.rich_style
        if selected:
            ground += self._style("selected")
        if cursor:
            ground += self._style("cursor")
        return Ink(ground, self._style)

    def _style(self, name: str) -> Style:
        known = f"log--{name}" in self.COMPONENT_CLASSES
        return self.get_component_rich_style(f"log--{name}", partial=True) if known else Style.null()

    # ── keys and mouse ──────────────────────────────────────────────────────────────────────────────────

    def action_move(self, by: int) -> None:
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self.move_to(self.cursor + by * max(1, self._height() - 1))

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(len(self.buffer.shown) - 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.move_to(self.cursor - _WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.move_to(self.cursor + _WHEEL_LINES)

    def on_click(self, event: events.Click) -> None:
        entry = self._page[event.y].entry if 0 <= event.y < len(self._page) else None
        if entry is not None:
            self.move_to(self.buffer.place_of(entry))
