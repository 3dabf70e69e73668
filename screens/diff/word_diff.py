"""Reads a difference from its unified form, and marks the words that changed. Pure.

Plans, previews and unit fixes carry the unified form. Secrets are masked in it over whole texts, so this
reads it and does not compare the texts itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TypeAlias

from loomtui.text import clean

#: An ID, an address with its port, a path's part; blanks; any other character by itself.
_WORD = re.compile(r"[\w.:\[\]-]+|\s+|.", re.DOTALL)
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@.*")
_NAMES = re.compile(r"(?P<name>.*?)(?: \((?:now|after)\))?")
_MOST_COMPARED = 1_000_000  # pairs of words in a pair of lines; a hostile line must not hold up the screen
_AHEAD = 8  # lines in which the fellow of a changed line is looked for


@dataclass(frozen=True)
class Piece:
    text: str
    changed: bool = False


Line: TypeAlias = tuple[Piece, ...]


@dataclass(frozen=True)
class Row:
    """What stands side by side. One side is None if a line was added or removed."""

    old: Line | None
    new: Line | None
    changed: bool = True


@dataclass(frozen=True)
class Heading:
    """The name of a file, or a note that lines are left out."""

    text: str


@lru_cache(maxsize=128)
def rows_of(diff: str) -> tuple[Row | Heading, ...]:
    """Never raises, and leaves nothing out: what is not of this form is shown as it is."""
    return tuple(_Reader().read(clean(diff)))


def mark_changed_words(old: str, new: str) -> tuple[Line, Line]:
    """Both lines in pieces; the pieces that the other line does not have are marked."""
    old_words, new_words = _WORD.findall(old), _WORD.findall(new)
    head_length = _common_length(old_words, new_words)
    tail_length = _common_length(old_words[head_length:][::-1], new_words[head_length:][::-1])
    old_middle, new_middle = (
        old_words[head_length : len(old_words) - tail_length],
        new_words[head_length : len(new_words) - tail_length],
    )
    head, tail = "".join(old_words[:head_length]), "".join(old_words[len(old_words) - tail_length :])
    old_pieces, new_pieces = [Piece(head)], [Piece(head)]
    for same, removed, added in _changes(old_middle, new_middle):
        old_pieces.append(Piece("".join(removed), not same))
        new_pieces.append(Piece("".join(added), not same))
    old_pieces.append(Piece(tail))
    new_pieces.append(Piece(tail))
    return _without_empty(old_pieces), _without_empty(new_pieces)


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, Sequence[str], Sequence[str]]]:
    if len(old) * len(new) > _MOST_COMPARED:
        yield False, old, new
        return
    for operation, i1, i2, j1, j2 in SequenceMatcher(None, old, new).get_opcodes():
        yield operation == "equal", old[i1:i2], new[j1:j2]


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both lines begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next(
        (position for position, (first, second) in pairs if first != second), min(len(one), len(other))
    )


def _without_empty(pieces: Sequence[Piece]) -> Line:
    return tuple(piece for piece in pieces if piece.text)


class _Reader:
    """Folds the lines of a unified difference into rows.

    Removed lines wait for the added ones beside them.
    """

    def __init__(self) -> None:
        self._old_lines: list[str] = []
        self._new_lines: list[str] = []
        self._lines_left = [0, 0]  # lines that the hunk still has, of the old and the new text
        self._name = ""

    def read(self, diff: str) -> Iterator[Row | Heading]:
        for line in diff.removesuffix("\n").split("\n") if diff else ():
            if max(self._lines_left) > 0:
                yield from self._content_line(line)
            else:
                yield from self._outside_hunk(line)
        yield from self._pending_rows()

    def _outside_hunk(self, line: str) -> Iterator[Row | Heading]:
        """Handles what is outside of hunks: names and hunks' heads, and what somebody wrote without them."""
        hunk = _HUNK.fullmatch(line)
        if hunk:
            yield from self._pending_rows()
            self._lines_left = [int(hunk[2] or 1), int(hunk[4] or 1)]
            if hunk[1] not in ("0", "1"):
                yield Heading(f"line {hunk[1]}")
        elif line.startswith("--- ") and not self._new_lines:
            yield from self._pending_rows()
            self._name = _plain_name(line)
        elif line.startswith("+++ ") and self._name:
            yield Heading(_both_names(self._name, _plain_name(line)))
            self._name = ""
        else:
            yield from self._content_line(line)

    def _content_line(self, line: str) -> Iterator[Row | Heading]:
        sign, text = line[:1], line[1:]
        if sign == "-":
            if self._new_lines:
                yield from self._pending_rows()
            self._old_lines.append(text)
            self._lines_left[0] -= 1
        elif sign == "+":
            self._new_lines.append(text)
            self._lines_left[1] -= 1
        else:
            yield from self._pending_rows()
            self._lines_left = [count - 1 for count in self._lines_left]
            unchanged = _without_empty([Piece(text if sign == " " else line)])
            yield Row(unchanged, unchanged, changed=False)

    def _pending_rows(self) -> Iterator[Row | Heading]:
        if self._name:  # a name without its fellow is shown all the same
            yield Heading(self._name)
        old_lines, new_lines = self._old_lines, self._new_lines
        self._old_lines, self._new_lines, self._name = [], [], ""
        for old_line, new_line in _pair_lines(old_lines, new_lines):
            if old_line is not None and new_line is not None:
                yield Row(*mark_changed_words(old_line, new_line))
            else:
                yield Row(_unchanged_line(old_line), _unchanged_line(new_line))


def _unchanged_line(text: str | None) -> Line | None:
    return None if text is None else _without_empty([Piece(text)])


def _plain_name(line: str) -> str:
    match = _NAMES.fullmatch(line[4:])
    return match["name"] if match else line[4:]


def _both_names(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"


def _pair_lines(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str | None, str | None]]:
    """If there are as many as before, they are paired in order; else those that are alike are."""
    if len(old) == len(new):
        yield from zip(old, new, strict=True)
        return
    start = 0
    for old_line in old:
        candidates = range(start, min(len(new), start + _AHEAD))
        partner = next((index for index in candidates if _alike(old_line, new[index])), None)
        if partner is None:
            yield old_line, None
            continue
        yield from ((None, new_line) for new_line in new[start:partner])
        yield old_line, new[partner]
        start = partner + 1
    yield from ((None, new_line) for new_line in new[start:])


def _alike(one: str, other: str) -> bool:
    """Whether half of their words, by length, are the same. Signs and blanks count for nothing."""
    first, second = (Counter(_WORD.findall(line)) for line in (one, other))
    return 2 * _word_length(first & second) >= max(_word_length(first), _word_length(second)) > 0


def _word_length(words: Counter[str]) -> int:
    return sum(len(word) * occurrences for word, occurrences in words.items() if word[0].isalnum())
