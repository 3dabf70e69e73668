"""Draws the rows of a log view. In a flood that is most of the work, so styles are added up only once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from loomtui.loom.logs import Severity
from loomtui.matching import Matcher
from screens.logs.log_buffer import MAX_LINE, Entry
from screens.text.words import cut

#: Colours that tell the nodes apart.
SHADES = 6
THUMB, TRACK = "┃", "│"
_NAME_CELLS = 12
_SIGNS = {
    Severity.HARMLESS: "·",
    Severity.WARNING: "▲",
    Severity.ERROR: "✗",
    Severity.CRITICAL: "‼",
}
_EDGES = {THUMB: "thumb", TRACK: "track"}


@dataclass(frozen=True, slots=True)
class Row:
    """All that tells how a row looks. Places with nothing in them have no entry."""

    entry: Entry | None = None
    part: int = 0  # of a line that is folded
    marked: bool = False
    selected: bool = False
    edge: str = " "


class Ink(dict[str, Style]):
    """The styles on one ground by their names. Each is added up when it is first needed."""

    def __init__(self, ground: Style, style_of: Callable[[str], Style]) -> None:
        super().__init__()
        self.ground = ground
        self._style_of = style_of

    def __missing__(self, name: str) -> Style:
        self[name] = self.ground + self._style_of(name)
        return self[name]

    def over(self, style: Style, name: str) -> Style:
        return style + self._style_of(name)


class Inks:
    """An ink for each ground that a row can have."""

    def __init__(self, ground: Style, style_of: Callable[[str], Style]) -> None:
        self._ground = ground
        self._style_of = style_of
        self._inks: dict[tuple[bool, bool], Ink] = {}

    def on(self, *, selected: bool, cursor: bool) -> Ink:
        if (selected, cursor) not in self._inks:
            ground = self._ground
            if selected:
                ground += self._style_of("selected")
            if cursor:
                ground += self._style_of("cursor")
            self._inks[selected, cursor] = Ink(ground, self._style_of)
        return self._inks[selected, cursor]


class RowPainter:
    """Draws rows. `filters` are highlighted, each in the style that is named with it."""

    def __init__(
        self,
        names: tuple[str, ...],
        *,
        show_time: bool,
        wrap: bool,
        filters: Iterable[tuple[Matcher, str]],
    ) -> None:
        self._numbers = {name: number for number, name in reversed(list(enumerate(names)))}
        self._prefix = min(_NAME_CELLS, max((len(name) for name in names), default=4))
        self._show_time = show_time
        self.wrap = wrap
        self._filters = tuple((matcher, style) for matcher, style in filters if not matcher.empty)

    @property
    def _indent(self) -> int:
        return (9 if self._show_time else 0) + self._prefix + 5

    def parts(self, entry: Entry, width: int) -> int:
        """How many rows the line takes."""
        if not self.wrap:
            return 1
        return max(1, math.ceil(cell_len(entry.text[:MAX_LINE]) / max(1, width - self._indent)))

    def strip(self, row: Row, width: int, ink: Ink, beside: Ink) -> Strip:
        """`width` cells of the line, and the edge. `beside` is what the edge is drawn with."""
        edge = Segment(row.edge, beside[_EDGES[row.edge]] if row.edge in _EDGES else beside.ground)
        segments: list[Segment] = []
        if row.entry is not None:
            segments = [*self._head(row.entry, row.part, ink), *self._text(row.entry, row.part, width, ink)]
        rest = width - sum(cell_len(segment.text) for segment in segments)
        if rest < 0:  # the head alone is longer than a very narrow screen
            return Strip.join([Strip(segments).crop(0, width), Strip([edge])])
        return Strip([*segments, Segment(" " * rest, ink.ground), edge], width + 1)

    def _head(self, entry: Entry, part: int, ink: Ink) -> list[Segment]:
        if part:
            return [Segment(" " * self._indent, ink.ground)]
        number = self._numbers.get(entry.node, 0)
        explanation = entry.explanation
        sign = "»" if entry.notice else _SIGNS.get(explanation.severity, " ") if explanation else " "
        name_text = f"{number + 1 if number < 9 else ' '} {cut(entry.node, self._prefix):<{self._prefix}} "
        time = [Segment(f"{entry.at:%H:%M:%S} ", ink["time"])] if self._show_time else []
        return [
            *time,
            Segment(name_text, ink[f"node{number % SHADES}"]),
            Segment(f"{sign} ", ink[_style_name(entry)]),
        ]

    def _text(self, entry: Entry, part: int, width: int, ink: Ink) -> list[Segment]:
        room = width - self._indent
        text = entry.text[:MAX_LINE]
        if not self.wrap:
            text = cut(text[: 2 * room + 2], room)
        plain_style = ink[_style_name(entry)]
        highlights = [(matcher, ink.over(plain_style, name)) for matcher, name in self._filters]
        segments = _highlighted(text, plain_style, highlights)
        return list(Strip(segments).crop(part * room, (part + 1) * room)) if self.wrap else segments


def _style_name(entry: Entry) -> str:
    if entry.notice:
        return "notice"
    explanation = entry.explanation
    return explanation.severity.value if explanation else "plain"


def _highlighted(text: str, plain_style: Style, highlights: list[tuple[Matcher, Style]]) -> list[Segment]:
    if not highlights:
        return [Segment(text, plain_style)]
    styles = [plain_style] * len(text)
    for matcher, style in highlights:
        for start, end in matcher.spans(text):
            styles[start:end] = [style] * (end - start)
    segments: list[Segment] = []
    segment_start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or styles[index] is not styles[segment_start]:
            segments.append(Segment(text[segment_start:index], styles[segment_start]))
            segment_start = index
    return segments
