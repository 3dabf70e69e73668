"""The merged logs of all nodes. Of a bounded buffer, only the lines in view are laid out and drawn."""

from __future__ import annotations

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
from screens.logs.log_page import LogPage, Room
from screens.logs.log_place import LogPlace
from screens.logs.log_rows import SHADES, Inks, Row, RowPainter

_REPAINTS_PER_SECOND = 10
_WHEEL_LINES = 3
_MOST_SINGLE_ROWS = 8  # where more change, all are drawn at once


class LogView(Widget, can_focus=True):
    """Follows the newest line until the operator moves up. Draws at most ten times a second.

    `buffer` is what there is, and `at` is the place in it. Call `change` when either was changed.
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
        self.position = LogPlace(self.buffer)
        self.search = Matcher()
        self.wrap = wrap
        self.show_time = True
        self._names = nodes
        self._page = LogPage(self.position)
        self._painting: tuple[Room, Inks] | None = None
        self._changed = self._all_changed = False

    def on_mount(self) -> None:
        self.set_interval(1 / _REPAINTS_PER_SECOND, self._repaint)

    def on_resize(self) -> None:
        self.change()

    def add(self, entries: Sequence[Entry]) -> None:
        self.buffer.add(entries)
        self._changed = True

    def change(self) -> None:
        """Call this when the buffer or the way of showing changed."""
        self._changed = self._all_changed = True
        self._repaint()

    def toggle_selection(self) -> None:
        """Begins to select at the marked line, or ends the selection."""
        self.position.toggle_selection()
        self._move()

    def move_to(self, place: int, *, in_middle: bool = False) -> None:
        """Marks a line and brings it into view; the last one follows again, unless lines are selected."""
        last = len(self.buffer.shown) - 1
        if last < 0:
            return
        place = max(0, min(last, place))
        self._page.aim(place, self._room, in_middle=in_middle)
        self.position.mark(place)
        self._move()

    def _move(self) -> None:
        """The same lines with another mark."""
        self._changed = True
        self._repaint()

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────────────

    def _repaint(self) -> None:
        """Draws the rows that changed, or all of them if they are shown in another way."""
        if not self._changed or not self.is_attached or not self.screen.is_current:
            return
        all_changed, self._changed, self._all_changed = self._all_changed, False, False
        old_rows = self._page.rows
        self._page.lay_out(self._room)
        rows = self._page.rows
        changed_rows = [y for y, row in enumerate(rows) if y >= len(old_rows) or row != old_rows[y]]
        if all_changed or len(old_rows) != len(rows) or len(changed_rows) > _MOST_SINGLE_ROWS:
            self.refresh()
        elif changed_rows:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed_rows))
        self.post_message(self.Changed())

    @property
    def _room(self) -> Room:
        """The last column belongs to the scroll mark."""
        filters = ((self.buffer.filter, "match"), (self.search, "sought"))
        painter = RowPainter(self._names, show_time=self.show_time, wrap=self.wrap, filters=filters)
        return Room(painter, max(10, self.size.width - 1), max(1, self.size.height))

    def render_lines(self, crop: Region) -> list[Strip]:
        self._painting = self._painter_and_inks()  # styles may be others than the last time
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        row = self._page.rows[y] if y < len(self._page.rows) else Row()
        room, inks = self._painting or self._painter_and_inks()
        ink = inks.on(selected=row.selected, cursor=row.marked and self.has_focus)
        return room.painter.strip(row, room.width, ink, inks.on(selected=False, cursor=False))

    def _painter_and_inks(self) -> tuple[Room, Inks]:
        return self._room, Inks(self.rich_style, self._style)

    def _style(self, name: str) -> Style:
        is_component = f"log--{name}" in self.COMPONENT_CLASSES
        return self.get_component_rich_style(f"log--{name}", partial=True) if is_component else Style.null()

    # ── keys and mouse ──────────────────────────────────────────────────────────────────────────────────

    def action_move(self, by: int) -> None:
        self.move_to(self.position.cursor + by)

    def action_page(self, by: int) -> None:
        self.move_to(self.position.cursor + by * max(1, self._room.height - 1))

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(len(self.buffer.shown) - 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.move_to(self.position.cursor - _WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.move_to(self.position.cursor + _WHEEL_LINES)

    def on_click(self, event: events.Click) -> None:
        rows = self._page.rows
        entry = rows[event.y].entry if 0 <= event.y < len(rows) else None
        if entry is not None:
            self.move_to(self.buffer.place_of(entry))
