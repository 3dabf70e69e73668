"""Which line of a log is marked, whether the newest is followed, and what is selected. Knows no widget."""

from __future__ import annotations

from collections.abc import Sequence

from screens.logs.log_buffer import Entry, LogBuffer


class LogPlace:
    """A place is a line, not a row number, so it stays where it is when lines come, go, or are filtered."""

    def __init__(self, buffer: LogBuffer) -> None:
        self.buffer = buffer
        self.following = True
        self._marked: Entry | None = None  # None: the newest
        self._anchor: Entry | None = None  # where a selection began

    @property
    def cursor(self) -> int:
        """The place of the marked line, or -1 if nothing is shown."""
        last = len(self.buffer.shown) - 1
        return last if self.following or self._marked is None else self.buffer.place_of(self._marked)

    @property
    def marked(self) -> Entry | None:
        return self.buffer.shown[self.cursor] if self.buffer.shown else None

    @property
    def selection(self) -> Sequence[Entry]:
        """The selected lines, or () if there are none."""
        if self._anchor is None or not self.buffer.shown:
            return ()
        first, last = self.selected
        return self.buffer.shown[first : last + 1]

    @property
    def selected(self) -> tuple[int, int]:
        """The places of the first and the last selected line, or (0, -1) if there are none."""
        if self._anchor is None:
            return 0, -1
        cursor, anchor = self.cursor, self.buffer.place_of(self._anchor)
        return min(cursor, anchor), max(cursor, anchor)

    @property
    def selected_or_all(self) -> Sequence[Entry]:
        """The selected lines, or all that are shown."""
        return self.selection or self.buffer.shown

    def toggle_selection(self) -> None:
        """Begins to select at the marked line, or ends the selection. Selecting ends following."""
        self._anchor = self.marked if self._anchor is None else None
        if self._anchor is not None:
            self.stay()

    def toggle_following(self) -> None:
        if self.following:
            self.stay()
        else:
            self.following = True

    def stay(self) -> None:
        """Ends following, at the marked line."""
        self._marked, self.following = self.marked, False

    def mark(self, place: int) -> None:
        """Marks a line. The last one follows again, unless lines are selected."""
        self._marked = self.buffer.shown[place]
        self.following = place == len(self.buffer.shown) - 1 and self._anchor is None
