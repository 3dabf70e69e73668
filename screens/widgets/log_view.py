"""The merged logs of all nodes: a bounded buffer, of which only the visible lines are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from loomtui.loom.logs import Severity
from screens import keys
from screens.log_buffer import MAX_LINE, Entry, LogBuffer
from screens.words import cut

_REPAINTS_PER_SECOND = 10
_SIGNS = {
    Severity.HARMLESS: "·",
    Severity.WARNING: "▲",
    Severity.ERROR: "✗",
    Severity.CRITICAL: "‼",
}
_SHADES = 6


class LogView(ScrollView, can_focus=True):
    """Follows the newest line until the operator moves up. Draws ten times a second at most."""

    BINDINGS = keys.bindings(keys.LOG_VIEW)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--time", "log--notice", "log--cursor", "log--match", "log--plain",
        "log--harmless", "log--warning", "log--error", "log--critical",
        *(f"log--node{shade}" for shade in range(_SHADES)),
    }  # fmt: skip

    class Changed(Message):
        """What is shown, or the way it is shown, changed."""

    def __init__(self, nodes: tuple[str, ...], *, id: str | None = None, wrap: bool = False) -> None:
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.following = True
        self.wrap = wrap
        self.show_time = True
        self.cursor = 0
        self._names = nodes
        self._prefix = min(12, max((len(node) for node in nodes), default=4))
        self._rows: list[tuple[int, int]] = []  # of each drawn row: the entry's number, and which part of it
        self._laid_out = (0, 0, 0)  # entries laid out, width, dropped
        self._fresh = False

    def on_mount(self) -> None:
        super().on_mount()  # type: ignore[no-untyped-call]
        self.set_interval(1 / _REPAINTS_PER_SECOND, self._repaint)

    def add(self, entries: Sequence[Entry]) -> None:
        self.buffer.add(entries)
        self._fresh = True

    def change(self) -> None:
        """To be called when buffer or way of showing changed."""
        self._laid_out = (0, 0, 0)
        self._fresh = True
        self._repaint()

    @property
    def marked(self) -> Entry | None:
        shown = self.buffer.shown
        return shown[min(self.cursor, len(shown) - 1)] if shown else None

    def on_resize(self) -> None:
        self.change()

    def _repaint(self) -> None:
        if not self._fresh or not self.is_attached or not self.screen.is_current:
            return
        self._fresh = False
        self._lay_out()
        self.virtual_size = Size(self._width(), len(self._rows))
        last = len(self.buffer.shown) - 1
        if self.following:
            self.cursor = max(0, last)
            self.scroll_to(0, len(self._rows), animate=False, force=True, immediate=True)
        self.refresh()
        self.post_message(self.Changed())

    def _width(self) -> int:
        return max(10, self.scrollable_content_region.width)

    def _lay_out(self) -> None:
        """Only what came since the last time, unless the way of showing changed."""
        entries, width, dropped = self._laid_out
        if width != self._width() or dropped != self.buffer.dropped or entries > len(self.buffer.shown):
            self.cursor = max(0, self.cursor - max(0, self.buffer.dropped - dropped))
            self._rows, entries = [], 0
        width = self._width()
        for number in range(entries, len(self.buffer.shown)):
            for part in range(self._parts(self.buffer.shown[number], width)):
                self._rows.append((number, part))
        self._laid_out = (len(self.buffer.shown), width, self.buffer.dropped)

    def _parts(self, entry: Entry, width: int) -> int:
        if not self.wrap:
            return 1
        return max(1, math.ceil(cell_len(entry.text[:MAX_LINE]) / max(1, width - self._indent())))

    def _indent(self) -> int:
        return (9 if self.show_time else 0) + self._prefix + 5

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        width = self._width()
        base = self.rich_style
        if not 0 <= row < len(self._rows) or self._rows[row][0] >= len(self.buffer.shown):
            return Strip.blank(width, base)
        number, part = self._rows[row]
        entry = self.buffer.shown[number]
        segments = [*self._head(entry, part), *self._text(entry, part, width - self._indent())]
        strip = Strip(segments).apply_style(base).adjust_cell_length(width, base)
        marked = number == self.cursor and self.has_focus
        return strip.apply_style(self._style("cursor")) if marked else strip

    def _head(self, entry: Entry, part: int) -> list[Segment]:
        if part:
            return [Segment(" " * self._indent())]
        number = self._names.index(entry.node) if entry.node in self._names else 0
        shade = self._style(f"node{number % _SHADES}")
        sign = _SIGNS.get(entry.explanation.severity, " ") if entry.explanation else " "
        time = [Segment(f"{entry.at:%H:%M:%S} ", self._style("time"))] if self.show_time else []
        name = cut(entry.node, self._prefix)
        return [
            *time,
            Segment(f"{number + 1 if number < 9 else ' '} {name:<{self._prefix}} ", shade),
            Segment(f"{'»' if entry.notice else sign} ", self._tone(entry)),
        ]

    def _text(self, entry: Entry, part: int, width: int) -> list[Segment]:
        whole = entry.text[:MAX_LINE]
        if not self.wrap and cell_len(whole) > width:
            whole = cut(whole, width)
        style, matched = self._tone(entry), self._style("match")
        segments, position = [], 0
        for start, end in self.buffer.filter.spans(whole):
            segments += [Segment(whole[position:start], style), Segment(whole[start:end], style + matched)]
            position = end
        segments.append(Segment(whole[position:], style))
        return list(Strip(segments).crop(part * width, (part + 1) * width)) if self.wrap else segments

    def _tone(self, entry: Entry) -> Style:
        if entry.notice:
            return self._style("notice")
        return self._style(entry.explanation.severity.value if entry.explanation else "plain")

    def _style(self, name: str) -> Style:
        known = f"log--{name}" in self.COMPONENT_CLASSES
        return self.get_component_rich_style(f"log--{name}", partial=True) if known else Style.null()

    def move_to(self, number: int) -> None:
        """Marks an entry and brings it into view."""
        last = len(self.buffer.shown) - 1
        self.cursor = max(0, min(last, number))
        self.following = self.cursor >= last
        top = next((row for row, (entry, _) in enumerate(self._rows) if entry == self.cursor), 0)
        height = max(1, self.scrollable_content_region.height)
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)
        elif top >= self.scroll_offset.y + height:
            self.scroll_to(y=top - height + 1, animate=False, force=True)
        self.refresh()
        self.post_message(self.Changed())

    def action_move(self, by: int) -> None:
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self.move_to(self.cursor + by * max(1, self.scrollable_content_region.height - 1))

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.following = True
        self.change()

    def on_mouse_scroll_up(self) -> None:
        self.following = False
        self.post_message(self.Changed())
