"""Which rows of a log are in view. Only these are laid out, however many lines there are. Knows no widget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from screens.logs.log_place import LogPlace
from screens.logs.log_rows import THUMB, TRACK, Row, RowPainter


@dataclass(frozen=True, slots=True)
class Room:
    """Rows and cells for lines, and who knows how many rows a line takes."""

    painter: RowPainter
    width: int
    height: int

    def parts(self, position: LogPlace, place: int) -> int:
        return self.painter.parts(position.buffer.shown[place], self.width)


class LogPage:
    """The rows around the marked line. None is left empty while there are lines."""

    def __init__(self, position: LogPlace) -> None:
        self.rows: list[Row] = []
        self._position = position
        self._marked_row = 0  # of the marked line, from the top

    def lay_out(self, room: Room) -> None:
        row_parts = self._row_parts(room)
        edges = self._edges(row_parts, room)
        cursor, (first, last) = self._position.cursor, self._position.selected
        rows = [
            Row(self._position.buffer.shown[place], part, place == cursor, first <= place <= last, edge)
            for (place, part), edge in zip(row_parts, edges, strict=False)
        ]
        self.rows = rows + [Row(edge=edge) for edge in edges[len(rows) :]]

    def aim(self, place: int, room: Room, *, in_middle: bool) -> None:
        """Where the line will be once it is marked: where it is now, if all of it is in view."""
        entry, part_count = self._position.buffer.shown[place], room.parts(self._position, place)
        visible_rows = [y for y, row in enumerate(self.rows) if row.entry is entry]
        if visible_rows and len(visible_rows) == part_count:
            self._marked_row = visible_rows[0]
        elif in_middle:
            self._marked_row = room.height // 2
        else:
            top = self.rows[0].entry if self.rows else None
            is_above = top is None or place <= self._position.buffer.place_of(top)
            self._marked_row = 0 if is_above else max(0, room.height - part_count)

    def _row_parts(self, room: Room) -> list[tuple[int, int]]:
        """For each row, the line's place and which part of it the row shows."""
        place = self._position.cursor
        if place < 0:
            return []
        marked_parts = self._line_parts([place], room)
        parts_above = self._line_parts(range(place - 1, -1, -1), room)[::-1]
        parts_below = self._line_parts(range(place + 1, len(self._position.buffer.shown)), room)
        free_rows = max(0, room.height - len(marked_parts))
        wanted_above = free_rows if self._position.following else min(self._marked_row, free_rows)
        rows_above = min(len(parts_above), max(wanted_above, free_rows - len(parts_below)))
        self._marked_row = rows_above
        return [*parts_above[len(parts_above) - rows_above :], *marked_parts, *parts_below][: room.height]

    def _line_parts(self, places: Sequence[int], room: Room) -> list[tuple[int, int]]:
        """The parts of these lines, in order. Going up, the parts of each line are in reverse."""
        row_parts: list[tuple[int, int]] = []
        step = -1 if isinstance(places, range) and places.step < 0 else 1
        for place in places:
            if len(row_parts) >= room.height:
                break
            row_parts.extend((place, part) for part in range(room.parts(self._position, place))[::step])
        return row_parts

    def _edges(self, row_parts: Sequence[tuple[int, int]], room: Room) -> str:
        """Where the page is in all lines, with one sign a row."""
        height, count = room.height, max(1, len(self._position.buffer.shown))
        if not row_parts or (count <= height and not room.painter.wrap):
            return " " * height
        first = int(row_parts[0][0] * height / count)
        last = max(first, math.ceil((row_parts[-1][0] + 1) * height / count) - 1)
        return "".join(THUMB if first <= y <= last else TRACK for y in range(height))
