"""Text that remembers where each of its characters stands, and which part of it cannot be known by reading.

So a value that went through variables and scripts can still be found in the file where it is to be changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple


class Letter(NamedTuple):
    """One character of a value, and the part of a file that it comes from.

    Long lists of peers have ten thousands of these, so making one has to be cheap.
    """

    value: str
    file: str = ""  # path; empty: it stands in no file
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of a text that only running it would tell."""

    why: str  # what it would take, to be read after 'comes from'


Text = tuple[Letter | Gap, ...]


@dataclass(frozen=True)
class Span:
    """A part of a file's text."""

    file: str
    start: int
    end: int


def spell(text: str, file: str = "") -> Text:
    """A whole file's text, or with no file a text that stands nowhere."""
    if not file:
        return tuple(Letter(char) for char in text)
    return tuple(Letter(char, file, at, at + 1) for at, char in enumerate(text))


def plain(text: Sequence[Letter | Gap]) -> str | None:
    """The text; None if a part of it is not known."""
    parts = [part.value for part in text if isinstance(part, Letter)]
    return "".join(parts) if len(parts) == len(text) else None


def gap_in(text: Sequence[Letter | Gap]) -> Gap | None:
    return next((part for part in text if isinstance(part, Gap)), None)


def span_of(text: Sequence[Letter | Gap]) -> Span | None:
    """Where the whole text stands; None if it is empty, or put together from several places."""
    letters = [part for part in text if isinstance(part, Letter)]
    if not letters or len(letters) != len(text) or not letters[0].file:
        return None
    first = letters[0]
    for before, after in pairwise(letters):
        if after.file != first.file or after.start != before.end:
            return None
    return Span(first.file, first.start, letters[-1].end)


def split_blanks(text: Sequence[Letter | Gap]) -> list[Text]:
    """The words between blanks. A gap is taken for a part of the word that it stands in."""
    words: list[list[Letter | Gap]] = [[]]
    for part in text:
        if isinstance(part, Letter) and part.value in " \t\n":
            words.append([])
        else:
            words[-1].append(part)
    return [tuple(word) for word in words if word]
