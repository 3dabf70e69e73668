"""The lines of a log view: bounded, filtered, counted. Knows no widget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from loomtui.loom.logs import Explanation, Severity, explain
from loomtui.text import clean_line

#: Lines are cut at so many cells; the whole is in the detail.
MAX_LINE = 1_000
_CAPACITY = 20_000
_MAX_WHOLE = 20_000
_PADDING = re.compile(r" {3,}")


@dataclass(frozen=True)
class Entry:
    """One line as it is kept. `notice`: said by loomtui about a node, not by the node."""

    node: str
    at: datetime
    text: str  # as it is shown: runs of blanks, with which Loom pads its messages, are shortened
    whole: str
    notice: bool = False
    explanation: Explanation | None = None

    @property
    def known(self) -> bool:
        return self.explanation is not None and self.explanation.severity is not Severity.INFO


class Filter:
    """A regular expression, case ignored; `!` in front shows what does not match. One for all uses."""

    def __init__(self, typed: str = "") -> None:
        """Raises ValueError with a sentence where it is no regular expression."""
        self.typed = typed.strip()
        self._inverse = self.typed.startswith("!")
        source = self.typed[1:] if self._inverse else self.typed
        try:
            self._pattern = re.compile(source, re.IGNORECASE) if source else None
        except re.error as error:
            raise ValueError(f"not a regular expression: {error.msg}") from error

    def takes(self, entry: Entry) -> bool:
        if self._pattern is None:
            return True
        found = self._pattern.search(f"{entry.node} {entry.text[:MAX_LINE]}") is not None
        return found is not self._inverse

    def spans(self, text: str) -> Iterable[tuple[int, int]]:
        """Where to highlight."""
        if self._pattern is None or self._inverse:
            return ()
        return (match.span() for match in self._pattern.finditer(text) if match.end() > match.start())


class LogBuffer:
    """Keeps the newest lines; `shown` are those that pass the filter, of nodes that are not hidden."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.capacity = capacity
        self.shown: list[Entry] = []
        self.dropped = 0  # from the front of `shown`, since the beginning
        self.skipped = 0  # lines that are no longer kept
        self.waiting = 0  # lines that came while paused
        self.paused = False
        self.hidden: frozenset[str] = frozenset()
        self.filter = Filter()
        self._kept: list[Entry] = []
        self._held: list[Entry] = []

    def add(self, entries: Sequence[Entry]) -> None:
        if self.paused:
            self._held = [*self._held, *entries][-self.capacity :]
            self.waiting += len(entries)
            return
        self._kept.extend(entries)
        self.shown.extend(entry for entry in entries if self._takes(entry))
        self._trim()

    def pause(self, paused: bool) -> None:
        self.paused = paused
        if not paused:
            held, self._held, self.waiting = self._held, [], 0
            self.add(held)

    def select(self, *, typed: str | None = None, hidden: frozenset[str] | None = None) -> None:
        """Raises ValueError for a filter that is no regular expression; nothing changes then."""
        if typed is not None:
            self.filter = Filter(typed)
        if hidden is not None:
            self.hidden = hidden
        self.shown = [entry for entry in self._kept if self._takes(entry)]
        self.dropped = 0

    @property
    def kept(self) -> int:
        return len(self._kept)

    def _takes(self, entry: Entry) -> bool:
        return entry.node not in self.hidden and self.filter.takes(entry)

    def _trim(self) -> None:
        """In larger pieces, for each cut costs."""
        slack = max(1, self.capacity // 10)
        if len(self._kept) > self.capacity + slack:
            gone = len(self._kept) - self.capacity
            self.skipped += gone
            dropped = sum(1 for entry in self._kept[:gone] if self._takes(entry))
            del self._kept[:gone]
            del self.shown[:dropped]
            self.dropped += dropped


def entry_of(node: str, at: datetime, text: str, *, notice: bool = False) -> Entry:
    """The line, clean whatever the engine says."""
    text = clean_line(text, limit=_MAX_WHOLE)
    return Entry(node, at, _PADDING.sub("  ", text), text, notice, None if notice else explain(text))
