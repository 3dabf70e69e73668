"""The lines of a log view, in the order of time, bounded, filtered and counted. Knows no widget."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from loomtui.loom.logs import Explanation, Severity, explain
from loomtui.matching import Matcher
from loomtui.text import clean_line

#: Lines are cut at so many cells; the whole is in the detail.
MAX_LINE = 1_000
#: Days of a healthy cluster, some seconds of one that floods; about 20 MB.
CAPACITY = 50_000
_MAX_WHOLE = 20_000
_EXPLAINED = 8_192
_PADDING = re.compile(r" {3,}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line as it is kept. A `notice` was said by loomtui about a node, not by the node."""

    node: str
    at: datetime
    text: str  # as it is shown: runs of blanks, with which Loom pads its messages, are shortened
    whole: str
    notice: bool = False

    @property
    def explanation(self) -> Explanation | None:
        """This is expensive, so it is made only for lines that are looked at."""
        return None if self.notice else _explained(self.whole)

    @property
    def is_known(self) -> bool:
        explanation = self.explanation
        return explanation is not None and explanation.severity is not Severity.INFO

    def matches(self, matcher: Matcher) -> bool:
        """Matches what is shown of the line, or its node's name."""
        return matcher.takes(self.text, self.node, limit=MAX_LINE)


_explained = lru_cache(maxsize=_EXPLAINED)(explain)


class LogBuffer:
    """Keeps the newest lines. `shown` are those that pass the filter, of nodes that are not hidden.

    Each line that came is kept, or waits while paused, or is counted in `skipped`.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.shown: Sequence[Entry]
        self.skipped = 0  # lines that are no longer kept
        self.waiting = 0  # lines that came while paused
        self.paused = False
        self.hidden: frozenset[str] = frozenset()
        self.filter = Matcher()
        self._kept: list[Entry] = []
        self._shown = self._kept  # the same list where nothing is left out
        self._waiting_entries: list[Entry] = []
        self.shown = self._shown

    @property
    def kept(self) -> int:
        return len(self._kept)

    @property
    def oldest(self) -> datetime | None:
        return self._kept[0].at if self._kept else None

    def add(self, entries: Sequence[Entry]) -> None:
        if self.paused:
            self.waiting += len(entries)
            self._waiting_entries.extend(entries)
            self.skipped += self._drop_oldest(self._waiting_entries)
        elif entries:
            self._insert(entries)

    def pause(self, paused: bool) -> None:
        self.paused = paused
        if not paused:
            waiting_entries, self._waiting_entries, self.waiting = self._waiting_entries, [], 0
            self.add(waiting_entries)

    def clear(self) -> None:
        """Forgets all lines, so that they can be read again. The filter and hidden nodes stay."""
        self._kept, self._waiting_entries = [], []
        self.skipped = self.waiting = 0
        self._select_shown()

    def select(self, *, typed: str | None = None, hidden: frozenset[str] | None = None) -> None:
        """Raises ValueError, as `Matcher` does; then nothing changes."""
        if typed is not None:
            self.filter = Matcher(typed)
        if hidden is not None:
            self.hidden = hidden
        self._select_shown()

    def place_of(self, entry: Entry) -> int:
        """Where the line is in `shown`, or where it would be; -1 if nothing is shown."""
        first = self.place_at(entry.at)
        for place in range(max(0, first), len(self._shown)):
            if self._shown[place] is entry:
                return place
            if self._shown[place].at > entry.at:
                break
        return first

    def place_at(self, at: datetime) -> int:
        """The first line from this moment on, or else the last one; -1 if nothing is shown."""
        return min(bisect_left(self._shown, at, key=_time_of), len(self._shown) - 1)

    def _select_shown(self) -> None:
        all_pass = self.filter.empty and not self.hidden
        self._shown = self._kept if all_pass else [entry for entry in self._kept if self._passes(entry)]
        self.shown = self._shown

    def _passes(self, entry: Entry) -> bool:
        return entry.node not in self.hidden and entry.matches(self.filter)

    def _insert(self, entries: Sequence[Entry]) -> None:
        new_entries = sorted(entries, key=_time_of)
        _merge(self._kept, new_entries)
        if self._shown is not self._kept:
            _merge(self._shown, [entry for entry in new_entries if self._passes(entry)])
        self.skipped += self._drop_oldest(self._kept, self._shown)

    def _drop_oldest(self, entries: list[Entry], shown: list[Entry] | None = None) -> int:
        """Takes the oldest lines away, in larger pieces, because each cut costs. Gives how many they were."""
        if len(entries) <= self.capacity + max(1, self.capacity // 10):
            return 0
        dropped = len(entries) - self.capacity
        if shown is not None and shown is not entries:
            dropped_shown = 0
            for entry in entries[:dropped]:
                dropped_shown += dropped_shown < len(shown) and shown[dropped_shown] is entry
            del shown[:dropped_shown]
        del entries[:dropped]
        return dropped


def _time_of(entry: Entry) -> datetime:
    return entry.at


def _merge(entries: list[Entry], new_entries: list[Entry]) -> None:
    """Both are in order. A late line goes to its place, which costs as much as came after it."""
    if not new_entries:
        return
    if not entries or entries[-1].at <= new_entries[0].at:
        entries.extend(new_entries)
        return
    start = bisect_right(entries, new_entries[0].at, key=_time_of)
    entries[start:] = sorted(entries[start:] + new_entries, key=_time_of)


def entry_of(node: str, at: datetime, text: str, *, notice: bool = False) -> Entry:
    """The line, cleaned whatever the engine says. A line with only printable characters is clean."""
    if not text.isprintable() or len(text) > _MAX_WHOLE:
        text = clean_line(text, limit=_MAX_WHOLE)
    return Entry(node, at, _PADDING.sub("  ", text) if "   " in text else text, text, notice)
