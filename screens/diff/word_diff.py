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


def words_marked(old: str, new: str) -> tuple[Line, Line]:
    """Both lines in pieces; the pieces that the other line does not have are marked."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    one, other = before[start : len(before) - end], after[start : len(after) - end]
    head, tail = "".join(before[:start]), "".join(before[len(before) - end :])
    left, right = [Piece(head)], [Piece(head)]
    for same, gone, come in _steps(one, other):
        left.append(Piece("".join(gone), not same))
        right.append(Piece("".join(come), not same))
    left.append(Piece(tail))
    right.append(Piece(tail))
    return _full(left), _full(right)


def _steps(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[bool, Sequence[str], Sequence[str]]]:
    if len(one) * len(other) > _MOST_COMPARED:
        yield False, one, other
        return
    for name, i1, i2, j1, j2 in SequenceMatcher(None, one, other).get_opcodes():
        yield name == "equal", one[i1:i2], other[j1:j2]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both lines begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (first, second) in pairs if first != second), min(len(one), len(other)))


def _full(pieces: Sequence[Piece]) -> Line:
    return tuple(piece for piece in pieces if piece.text)


class _Reader:
    """Folds the lines of a unified difference into rows.

    Removed lines wait for the added ones beside them.
    """

    def __init__(self) -> None:
        self._old: list[str] = []
        self._new: list[str] = []
        self._left = [0, 0]  # lines that the hunk still has, of the old and the new text
        self._name = ""

    def read(self, diff: str) -> Iterator[Row | Heading]:
        for line in diff.removesuffix("\n").split("\n") if diff else ():
            if max(self._left) > 0:
                yield from self._content(line)
            else:
                yield from self._between(line)
        yield from self._waiting()

    def _between(self, line: str) -> Iterator[Row | Heading]:
        """Handles what is outside of hunks: names and hunks' heads, and what somebody wrote without them."""
        hunk = _HUNK.fullmatch(line)
        if hunk:
            yield from self._waiting()
            self._left = [int(hunk[2] or 1), int(hunk[4] or 1)]
            if hunk[1] not in ("0", "1"):
                yield Heading(f"line {hunk[1]}")
        elif line.startswith("--- ") and not self._new:
            yield from self._waiting()
            self._name = _plain_name(line)
        elif line.startswith("+++ ") and self._name:
            yield Heading(_both_names(self._name, _plain_name(line)))
            self._name = ""
        else:
            yield from self._content(line)

    def _content(self, line: str) -> Iterator[Row | Heading]:
        sign, text = line[:1], line[1:]
        if sign == "-":
            if self._new:
                yield from self._waiting()
            self._old.append(text)
            self._left[0] -= 1
        elif sign == "+":
            self._new.append(text)
            self._left[1] -= 1
        else:
            yield from self._waiting()
            self._left = [count - 1 for count in self._left]
            same = _full([Piece(text if sign == " " else line)])
            yield Row(same, same, changed=False)

    def _waiting(self) -> Iterator[Row | Heading]:
        if self._name:  # a name without its fellow is shown all the same
            yield Heading(self._name)
        old, new = self._old, self._new
        self._old, self._new, self._name = [], [], ""
        for one, other in _paired(old, new):
            if one is not None and other is not None:
                yield Row(*words_marked(one, other))
            else:
                yield Row(_line(one), _line(other))


def _line(text: str | None) -> Line | None:
    return None if text is None else _full([Piece(text)])


def _plain_name(line: str) -> str:
    match = _NAMES.fullmatch(line[4:])
    return match["name"] if match else line[4:]


def _both_names(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"


def _paired(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str | None, str | None]]:
    """If there are as many as before, they are paired in order; else those that are alike are."""
    if len(old) == len(new):
        yield from zip(old, new, strict=True)
        return
    at = 0
    for line in old:
        ahead = range(at, min(len(new), at + _AHEAD))
        found = next((index for index in ahead if _alike(line, new[index])), None)
        if found is None:
            yield line, None
            continue
        yield from ((None, other) for other in new[at:found])
        yield line, new[found]
        at = found + 1
    yield from ((None, other) for other in new[at:])


def _alike(one: str, other: str) -> bool:
    """Whether half of their words, by length, are the same. Signs and blanks count for nothing."""
    first, second = (Counter(_WORD.findall(line)) for line in (one, other))
    return 2 * _weight(first & second) >= max(_weight(first), _weight(second)) > 0


def _weight(words: Counter[str]) -> int:
    return sum(len(word) * times for word, times in words.items() if word[0].isalnum())
