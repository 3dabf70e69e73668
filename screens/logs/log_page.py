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

    def parts(self, at: LogPlace, place: int) -> int:
        return self.painter.parts(at.buffer.shown[place], self.width)


class LogPage:
    """The rows around the marked line. None is left empty while there are lines."""

    def __init__(self, at: LogPlace) -> None:
        self.rows: list[Row] = []
        self._at = at
        self._row = 0  # of the marked line, from the top

    def lay_out(self, room: Room) -> None:
        places = self._places(room)
        edges = self._edges(places, room)
        cursor, (first, last) = self._at.cursor, self._at.selected
        rows = [
            Row(self._at.buffer.shown[place], part, place == cursor, first <= place <= last, edge)
            for (place, part), edge in zip(places, edges, strict=False)
        ]
        self.rows = rows + [Row(edge=edge) for edge in edges[len(rows) :]]

    def aim(self, place: int, room: Room, *, in_middle: bool) -> None:
        """Where the line will be once it is marked: where it is now, if all of it is in view."""
        entry, parts = self._at.buffer.shown[place], room.parts(self._at, place)
        rows = [y for y, row in enumerate(self.rows) if row.entry is entry]
        if rows and len(rows) == parts:
            self._row = rows[0]
        elif in_middle:
            self._row = room.height // 2
        else:
            top = self.rows[0].entry if self.rows else None
            above = top is None or place <= self._at.buffer.place_of(top)
            self._row = 0 if above else max(0, room.height - parts)

    def _places(self, room: Room) -> list[tuple[int, int]]:
        """For each row, the line's place and which part of it the row shows."""
        place = self._at.cursor
        if place < 0:
            return []
        own = self._parts([place], room)
        above = self._parts(range(place - 1, -1, -1), room)[::-1]
        below = self._parts(range(place + 1, len(self._at.buffer.shown)), room)
        free = max(0, room.height - len(own))
        wanted = free if self._at.following else min(self._row, free)
        up = min(len(above), max(wanted, free - len(below)))
        self._row = up
        return [*above[len(above) - up :], *own, *below][: room.height]

    def _parts(self, places: Sequence[int], room: Room) -> list[tuple[int, int]]:
        """The parts of these lines, in order. Going up, the parts of each line are in reverse."""
        laid: list[tuple[int, int]] = []
        step = -1 if isinstance(places, range) and places.step < 0 else 1
        for place in places:
            if len(laid) >= room.height:
                break
            laid.extend((place, part) for part in range(room.parts(self._at, place))[::step])
        return laid

    def _edges(self, places: Sequence[tuple[int, int]], room: Room) -> str:
        """Where the page is in all lines, with one sign a row."""
        height, count = room.height, max(1, len(self._at.buffer.shown))
        if not places or (count <= height and not room.painter.wrap):
            return " " * height
        first = int(places[0][0] * height / count)
        last = max(first, math.ceil((places[-1][0] + 1) * height / count) - 1)
        return "".join(THUMB if first <= y <= last else TRACK for y in range(height))
