"""Draws a difference in a width: old and new side by side, or one below the other. Pure.

Each line has its sign in front, and each changed word is reversed, so that colour says nothing alone. Lines
that are too long wrap, and a peer of a list stays whole if it can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import TypeAlias

from rich.cells import cell_len
from textual.content import Content

from screens.diff.word_diff import Heading, Line, Row, rows_of
from screens.text import content
from screens.text.words import Tone

#: From this many cells on there is room for two columns, in which an ID fits on a line.
ROOM_BESIDE = 110
#: Behind a blank or a comma; where a peer of a list is too long for that, behind its ID; else anywhere.
_BREAKS = (re.compile(r"[^\s,]*[\s,]*"), re.compile(r"[^@]*@?"), re.compile(r".", re.DOTALL))
_BETWEEN = " │ "
_LEAST = 8  # cells of a column
_TAB = "    "
_OLD, _NEW, _SAME = ("-", Tone.BAD), ("+", Tone.GOOD), (" ", Tone.PLAIN)


@dataclass(frozen=True)
class Difference:
    """The difference of one file or several, in unified form, with secrets masked."""

    diff: str

    @cached_property
    def rows(self) -> tuple[Row | Heading, ...]:
        return rows_of(self.diff)


#: What a pane shows, from top to bottom.
Page: TypeAlias = tuple[Content | Difference, ...]


def page(parts: Iterable[Content | Difference | str]) -> Page:
    """A plain string is cleaned."""
    return tuple(content.text(part) if isinstance(part, str) else part for part in parts)


def page_content(page: Page, width: int, *, side_by_side: bool) -> Content:
    """`width` is the width of the whole, in cells."""
    parts: list[Content] = []
    for part in page:
        if isinstance(part, Content):
            parts.append(part)
        else:
            parts += _side_by_side_rows(part.rows, width) if side_by_side else _stacked_rows(part.rows, width)
    return Content("\n").join(parts)


def same_pages(one: Page, other: Page) -> bool:
    """Compares styles too, which `Content` leaves out."""
    return len(one) == len(other) and all(map(_same_part, one, other))


def _same_part(one: Content | Difference, other: Content | Difference) -> bool:
    if isinstance(one, Content) and isinstance(other, Content):
        return one.is_same(other)
    return one == other


def has_difference(page: Page) -> bool:
    return any(isinstance(part, Difference) for part in page)


def clipboard_text(page: Page) -> Content:
    """The text for the clipboard: differences are in their unified form, and no line is wrapped."""
    return content.lines(part if isinstance(part, Content) else content.diff(part.diff) for part in page)


def wrap(line: Content, width: int) -> list[Content]:
    """The line in parts of at most `width` cells (2 or more). Together they are the line again."""
    cuts, position, used_cells = [], 0, 0
    for chunk in _chunks(line.plain, width, _BREAKS):
        chunk_cells = cell_len(chunk)
        if used_cells and used_cells + chunk_cells > width:
            cuts.append(position)
            used_cells = 0
        position, used_cells = position + len(chunk), used_cells + chunk_cells
    return line.divide(cuts) if cuts else [line]


def _chunks(text: str, width: int, breaks: Sequence[re.Pattern[str]]) -> Iterator[str]:
    """The pieces that must not be broken, as far as they fit on a line."""
    for match in breaks[0].finditer(text):
        if len(breaks) == 1 or cell_len(match[0]) <= width:
            yield match[0]
        else:
            yield from _chunks(match[0], width, breaks[1:])


def _stacked_rows(rows: Iterable[Row | Heading], width: int) -> Iterator[Content]:
    for row in rows:
        if isinstance(row, Heading):
            yield content.line(row.text, Tone.DIM)
        elif not row.changed:
            yield from _side_lines(row.old, _SAME, width)
        else:
            yield from _side_lines(row.old, _OLD, width)
            yield from _side_lines(row.new, _NEW, width)


def _side_by_side_rows(rows: Iterable[Row | Heading], width: int) -> Iterator[Content]:
    column_width = max(_LEAST, (width - len(_BETWEEN)) // 2)
    for row in rows:
        if isinstance(row, Heading):
            yield content.line(row.text, Tone.DIM)
            continue
        signs = (_OLD, _NEW) if row.changed else (_SAME, _SAME)
        sides = (
            list(_side_lines(side, sign, column_width))
            for side, sign in zip((row.old, row.new), signs, strict=True)
        )
        for left, right in zip_longest(*sides, fillvalue=Content("")):
            padding = Content(" " * (column_width - left.cell_length))
            yield Content.assemble(left, padding, (_BETWEEN, Tone.DIM.value), right)


def _side_lines(line: Line | None, sign: tuple[str, Tone], width: int) -> Iterator[Content]:
    """One text's line, with its sign in front of each of its parts. Wrapped parts are indented."""
    if line is None:
        return
    symbol, tone = sign
    text = Content.assemble(*(_styled_piece(piece.text, tone, piece.changed) for piece in line))
    first_part, *more_parts = wrap(text, max(_LEAST, width) - 4)
    yield Content.assemble((f"{symbol} ", tone.value), first_part)
    for part in more_parts:
        yield Content.assemble((f"{symbol}   ", tone.value), part)


def _styled_piece(text: str, tone: Tone, changed: bool) -> tuple[str, str]:
    return text.replace("\t", _TAB), f"bold reverse {tone.value}" if changed else tone.value
