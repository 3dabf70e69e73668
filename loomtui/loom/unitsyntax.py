"""The grammar of systemd unit files.

It keeps every character's place, so that one value can be replaced alone.

Sources: systemd.syntax(7), systemd.service(5) "Command lines"; systemd 252 src/basic/extract-word.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_BLANKS = " \t\n\r"
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_ESCAPES |= {char: char for char in "\\\"'"}
_NUMERIC_ESCAPE = re.compile(r"x([0-9A-Fa-f]{2})|([0-7]{3})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})")


class Char(NamedTuple):
    """One character of a value, and the part of the text that it comes from.

    Long lists of peers have ten thousands of these, so making one has to be cheap.
    """

    value: str
    start: int
    end: int
    quote: int = -1  # where the quote that it stands in was opened; -1: none


@dataclass(frozen=True)
class Word:
    chars: tuple[Char, ...]  # after unquoting
    start: int  # in the text, quotes included
    end: int

    @cached_property
    def text(self) -> str:
        return "".join(char.value for char in self.chars)


@dataclass(frozen=True)
class Assignment:
    section: str
    key: str
    chars: tuple[Char, ...]  # of the value, continuation lines joined, blanks at both ends removed
    line: int  # 1-based

    @property
    def value(self) -> str:
        return "".join(char.value for char in self.chars)


def assignments(text: str) -> Iterator[Assignment]:
    """Every `key=value` inside a section, in order, without what systemd ignores: comments and junk."""
    section = ""
    for line, chars in _logical_lines(text):
        content = "".join(char.value for char in chars)
        if content.startswith("[") and content.endswith("]"):
            section = content[1:-1]
        elif section and "=" in content:
            equals = content.index("=")
            yield Assignment(section, content[:equals].strip(), _strip(chars[equals + 1 :]), line)


def passed_over(text: str) -> Iterator[tuple[int, str]]:
    """What systemd ignores because it is no section, setting or comment: line, 1-based, and text."""
    section = False
    for line, chars in _logical_lines(text):
        content = "".join(char.value for char in chars)
        if content.startswith("[") and content.endswith("]"):
            section = True
        elif not section or "=" not in content:
            yield line, content


def split_words(chars: Sequence[Char]) -> tuple[Word, ...]:
    """The words of a value by systemd's quoting rules. Raises ValueError if a quote is never closed."""
    words = []
    at = 0
    while at < len(chars):
        if chars[at].value in _BLANKS:
            at += 1
            continue
        word, at = _take_word(chars, at)
        words.append(word)
    return tuple(words)


def _logical_lines(text: str) -> Iterator[tuple[int, list[Char]]]:
    pending: list[Char] = []
    first, offset = 0, 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r")
        content = line.lstrip(_BLANKS)
        start = offset + len(line) - len(content)
        offset += len(raw) + 1
        if not content or content[0] in "#;":
            continue
        first = first or number
        continued = (len(content) - len(content.rstrip("\\"))) % 2 == 1
        body = content[:-1] if continued else content
        pending += [Char(char, start + at, start + at + 1) for at, char in enumerate(body)]
        if continued:
            pending.append(Char(" ", start + len(body), offset))
            continue
        yield first, pending
        pending, first = [], 0
    if pending:
        yield first, pending


def _strip(chars: list[Char]) -> tuple[Char, ...]:
    first, last = 0, len(chars)
    while first < last and chars[first].value in _BLANKS:
        first += 1
    while last > first and chars[last - 1].value in _BLANKS:
        last -= 1
    return tuple(chars[first:last])


def _take_word(chars: Sequence[Char], at: int) -> tuple[Word, int]:
    taken: list[Char] = []
    start, quote, mark = chars[at].start, "", -1
    while at < len(chars):
        char = chars[at]
        if char.value == "\\":
            value, width = _escape(chars, at)
            taken.append(Char(value, char.start, chars[at + width - 1].end, mark))
            at += width
            continue
        if quote:
            if char.value == quote:
                quote, mark = "", -1
            else:
                taken.append(Char(char.value, char.start, char.end, mark))
        elif char.value in _BLANKS:
            break
        elif char.value in "\"'":
            quote, mark = char.value, char.start
        else:
            taken.append(char)
        at += 1
    if quote:
        raise ValueError("a quote is opened and never closed")
    return Word(tuple(taken), start, chars[at - 1].end), at


def _escape(chars: Sequence[Char], at: int) -> tuple[str, int]:
    """What a backslash and the characters after it mean, and how many characters that is.

    A backslash that escapes nothing means itself.
    """
    following = "".join(char.value for char in chars[at + 1 : at + 10])
    if following and following[0] in _ESCAPES:
        return _ESCAPES[following[0]], 2
    numeric = _NUMERIC_ESCAPE.match(following)
    if numeric:
        digits = numeric[1] or numeric[3] or numeric[4]
        code = int(digits, 16) if digits else int(numeric[2], 8)
        if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
            return chr(code), 1 + len(numeric[0])
    return "\\", 1
