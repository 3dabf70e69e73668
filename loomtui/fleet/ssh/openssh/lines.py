"""The lines of an ssh_config file and the patterns in them, as OpenSSH takes them apart.

Facts, of 9.2: `process_config_line_depth` of readconf.c, `argv_split` of misc.c, `match_pattern_list` of
match.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from loomtui.errors import CallError
from loomtui.fleet.ssh.localfiles import read_file
from loomtui.text import clean_line

_BLANKS = " \t\r\n"
_STATEMENT = re.compile(
    r"[ \t]*(?P<keyword>[^ \t\r\n\"=]+)(?:[ \t\r]*=[ \t\r]*|[ \t\r]+|$)(?P<rest>.*)", re.DOTALL
)
_NOTHING = re.compile(r"[ \t]*(?:#.*)?", re.DOTALL)
_LARGEST_FILE = 1_000_000  # bytes


@dataclass(frozen=True)
class Place:
    """A line of a configuration file, for whoever has to mend it."""

    file: Path
    line: int

    def refuse(self, problem: str) -> NoReturn:
        """Raises CallError."""
        raise CallError(
            f"the SSH configuration cannot be read: {self.file} line {self.line}: {problem}",
            advice="Change that line, or name another file as `ssh.config_file` in the inventory.",
        )


@dataclass(frozen=True)
class Statement:
    keyword: str  # in lower case
    rest: str  # all behind it, with quotes and comments, as commands are taken
    place: Place

    def split(self) -> list[str]:
        """The arguments, of which some may be empty. Raises CallError for a quote that is not closed."""
        words = split_words(self.rest)
        if words is None:
            self.place.refuse("a quote is not closed")
        return words

    def words(self) -> tuple[str, ...]:
        """The arguments, without quotes and without the comment behind them. Raises CallError."""
        words = self.split()
        if "" in words:
            self.place.refuse(f"{self.keyword} has an empty argument")
        return tuple(words)

    def word(self) -> str:
        """The one argument. Raises CallError if there is another number of them."""
        words = self.words()
        if len(words) != 1:
            shown = clean_line(self.rest, limit=80)
            self.place.refuse(f"{self.keyword} takes one argument, and there is {shown!r}")
        return words[0]


def statements(text: str, file: Path) -> Iterator[Statement]:
    """Raises CallError for a line that is none."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip(_BLANKS + "\f")
        if _NOTHING.fullmatch(line):
            continue
        place = Place(file, number)
        match = _STATEMENT.fullmatch(line)
        if match is None:
            place.refuse("this is no keyword with its arguments")
        keyword = match["keyword"].lower()
        if not match["rest"]:
            place.refuse(f"{clean_line(keyword, limit=40)} has no argument")
        yield Statement(keyword, match["rest"], place)


def read_text(path: Path) -> str:
    """The file's text; bytes that are no UTF-8 stay what they are in file names. Raises OSError."""
    text = read_file(path, _LARGEST_FILE).decode("utf-8", "surrogateescape")
    if "\0" in text:
        raise OSError("it holds a null character")
    return text


def split_words(text: str) -> list[str] | None:
    """The words up to a comment, or None where a quote is not closed.

    Either kind of quote may stand anywhere in a word. A backslash escapes quotes and itself, and a blank
    outside quotes; before anything else it is a character.
    """
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
        elif text[at] == "#":
            break
        else:
            word, at = _word(text, at)
            if word is None:
                return None
            words.append(word)
    return words


def _word(text: str, at: int) -> tuple[str | None, int]:
    """The word that begins at this place, and where it ends; None if its quote is not closed."""
    quote = ""
    word = ""
    while at < len(text):
        here, after = text[at], text[at + 1 : at + 2]
        if here == "\\" and after and (after in "'\"\\" or (after == " " and not quote)):
            word += after
            at += 1
        elif not quote and here in " \t":
            break
        elif not quote and here in "'\"":
            quote = here
        elif quote and here == quote:
            quote = ""
        else:
            word += here
        at += 1
    return (None if quote else word), at


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    collapsed = re.sub(r"\*+", "*", pattern)  # so that a row of stars costs no time
    return re.compile("".join(parts.get(each) or re.escape(each) for each in collapsed), re.DOTALL)


def matches(text: str, pattern: str) -> bool:
    """Whether one pattern of `*` and `?` fits the whole text."""
    return _compiled(pattern).fullmatch(text) is not None


def matches_list(text: str, patterns: str) -> bool:
    """Whether a list with commas fits: one pattern does, and none of those behind a `!`."""
    fits = False
    for each in patterns.removesuffix(",").split(","):
        negated = each.startswith("!")
        if matches(text, each.removeprefix("!")):
            if negated:
                return False
            fits = True
    return fits
