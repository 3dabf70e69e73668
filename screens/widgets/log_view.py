"""The merged logs of all nodes: a bounded buffer, of which only the lines in view are laid out and drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from loomtui.loom.logs import Severity
from screens import keys
from screens.log_buffer import MAX_LINE, Entry, Filter, LogBuffer
from screens.words import cut

_REPAINTS_PER_SECOND = 10
_SIGNS = {
    Severity.HARMLESS: "·",
    Severity.WARNING: "▲",
    Severity.ERROR: "✗",
    Severity.CRITICAL: "‼",
}
_SHADES = 6
_WHEEL_LINES = 3
_NAME_CELLS = 12


class LogView(Widget, can_focus=True):
    """Follows the newest line until the operator moves up. Draws ten times a second at most.

    Its place is a line, not a row number: it stays where it is when lines come, go, or are filtered.
    """

    BINDINGS = keys.bindings(keys.LOG_VIEW)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--time", "log--notice", "log--cursor", "log--selected", "log--match", "log--sought", "log--plain",
        "log--harmless", "log--warning", "log--error", "log--critical", "log--thumb", "log--track",
        *(f"log--node{shade}" for shade in range(_SHADES)),
    }  # fmt: skip

    class Changed(Message):
        """What is shown, or the way it is shown, changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LogView.Changed)

    def __init__(self, nodes: tuple[str, ...], *, id: str | None = None, wrap: bool = False) -> None:
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.sought = Filter()
        self.following = True
        self.wrap = wrap
        self.show_time = True
        self._names = nodes
        self._prefix = min(_NAME_CELLS, max((len(node) for node in nodes), default=4))
        self._marked: Entry | None = None  # None: the newest
        self._anchor: Entry | None = None  # where a selection began
        self._row = 0  # of the marked line, from the top
        self._page: list[tuple[int, int]] = []  # of each row: the line's place, and which part of it
        self._fresh = False

    def on_mount(self) -> None:
        self.set_interval(1 / _REPAINTS_PER_SECOND, self._repaint)

    def on_resize(self) -> None:
        self.change()

    def add(self, entries: Sequence[Entry]) -> None:
        self.buffer.add(entries)
        self._fresh = True

    def change(self) -> None:
        """To be called when buffer or way of showing changed."""
        self._fresh = True
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
        self.change()

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
        self.change()

    def _row_for(self, place: int, *, in_middle: bool) -> int:
        height = self._height()
        rows = [row for row, (shown, _) in enumerate(self._page) if shown == place]
        if rows and len(rows) == self._parts(self.buffer.shown[place]):
            return rows[0]
        if in_middle:
            return height // 2
        above = not self._page or place <= self._page[0][0]
        return 0 if above else max(0, height - self._parts(self.buffer.shown[place]))

    def _selected(self) -> tuple[int, int]:
        if self._anchor is None:
            return 0, -1
        here, there = self.cursor, self.buffer.place_of(self._anchor)
        return min(here, there), max(here, there)

    # ── layout ──────────────────────────────────────────────────────────────────────────────────────────

    def _repaint(self) -> None:
        if not self._fresh or not self.is_attached or not self.screen.is_current:
            return
        self._fresh = False
        self._lay_out()
        self.refresh()
        self.post_message(self.Changed())

    def _height(self) -> int:
        return max(1, self.size.height)

    def _width(self) -> int:
        """Of a line; the last column is the scroll mark's."""
        return max(10, self.size.width - 1)

    def _lay_out(self) -> None:
        """Only what is in view: around the marked line, and no row is left empty while there are lines."""
        place, height = self.cursor, self._height()
        self._page = []
        if place >= 0:
            own = self._rows([place], height)
            above = self._rows(range(place - 1, -1, -1), height)[::-1]
            below = self._rows(range(place + 1, len(self.buffer.shown)), height)
            room = max(0, height - len(own))
            wanted = room if self.following else min(self._row, room)
            up = min(len(above), max(wanted, room - len(below)))
            self._row = up
            self._page = [*above[len(above) - up :], *own, *below][:height]

    def _rows(self, places: Iterable[int], height: int) -> list[tuple[int, int]]:
        """Of these lines, in their order; going up, the parts of each are turned round."""
        found: list[tuple[int, int]] = []
        step = -1 if isinstance(places, range) and places.step < 0 else 1
        for place in places:
            if len(found) >= height:
                break
            found.extend((place, part) for part in range(self._parts(self.buffer.shown[place]))[::step])
        return found

    def _parts(self, entry: Entry) -> int:
        if not self.wrap:
            return 1
        return max(1, math.ceil(cell_len(entry.text[:MAX_LINE]) / max(1, self._width() - self._indent())))

    def _indent(self) -> int:
        return (9 if self.show_time else 0) + self._prefix + 5

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        width = self._width()
        segments, ground = self._line(y, width)
        rest = width - sum(cell_len(segment.text) for segment in segments)
        if rest < 0:  # the head alone is longer than a very narrow screen
            return Strip.join([Strip(segments).crop(0, width), Strip([self._edge(y)])])
        return Strip([*segments, Segment(" " * rest, ground), self._edge(y)], width + 1)

    def _line(self, y: int, width: int) -> tuple[list[Segment], Style]:
        """What stands there, and the style of what is left of the row."""
        if y >= len(self._page) or self._page[y][0] >= len(self.buffer.shown):
            return [], self.rich_style
        place, part = self._page[y]
        entry = self.buffer.shown[place]
        segments = [*self._head(entry, part), *self._text(entry, part, width - self._indent())]
        ground = self.rich_style + self._ground(place)
        return [Segment(text, ground + (style or Style.null())) for text, style, _ in segments], ground

    def _ground(self, place: int) -> Style:
        """What marks the line as a whole."""
        first, last = self._selected()
        style = self._style("selected") if first <= place <= last else Style.null()
        return style + self._style("cursor") if place == self.cursor and self.has_focus else style

    def _edge(self, y: int) -> Segment:
        """Where in all lines the page is."""
        count, height = max(1, len(self.buffer.shown)), self._height()
        if not self._page or (count <= height and not self.wrap):
            return Segment(" ", self.rich_style)
        first = int(self._page[0][0] * height / count)
        last = max(first, math.ceil((self._page[-1][0] + 1) * height / count) - 1)
        if first <= y <= last:
            return Segment("┃", self.rich_style + self._style("thumb"))
        return Segment("│", self.rich_style + self._style("track"))

    def _head(self, entry: Entry, part: int) -> list[Segment]:
        if part:
            return [Segment(" " * self._indent())]
        number = self._names.index(entry.node) if entry.node in self._names else 0
        shade = self._style(f"node{number % _SHADES}")
        known = entry.explanation
        sign = "»" if entry.notice else _SIGNS.get(known.severity, " ") if known else " "
        time = [Segment(f"{entry.at:%H:%M:%S} ", self._style("time"))] if self.show_time else []
        name = cut(entry.node, self._prefix)
        return [
            *time,
            Segment(f"{number + 1 if number < 9 else ' '} {name:<{self._prefix}} ", shade),
            Segment(f"{sign} ", self._tone(entry)),
        ]

    def _text(self, entry: Entry, part: int, width: int) -> list[Segment]:
        whole = entry.text[:MAX_LINE]
        if not self.wrap:
            whole = cut(whole[: 2 * width + 2], width)
        plain = self._tone(entry)
        marks = ((self.buffer.filter, self._style("match")), (self.sought, self._style("sought")))
        segments = _highlighted(whole, plain, marks)
        return list(Strip(segments).crop(part * width, (part + 1) * width)) if self.wrap else segments

    def _tone(self, entry: Entry) -> Style:
        if entry.notice:
            return self._style("notice")
        known = entry.explanation
        return self._style(known.severity.value if known else "plain")

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
        if 0 <= event.y < len(self._page):
            self.move_to(self._page[event.y][0])


def _highlighted(text: str, plain: Style, marks: Iterable[tuple[Filter, Style]]) -> list[Segment]:
    styles = [plain] * len(text)
    found = [(pattern, style) for pattern, style in marks if not pattern.empty]
    if not found:
        return [Segment(text, plain)]
    for pattern, style in found:
        for start, end in pattern.spans(text):
            styles[start:end] = [plain + style] * (end - start)
    segments: list[Segment] = []
    begin = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or styles[place] is not styles[begin]:
            segments.append(Segment(text[begin:place], styles[begin]))
            begin = place
    return segments
