"""The variables that systemd gives to a service.

Sources: systemd.exec(5) "Environment"; systemd 252 src/basic/env-file.c for the syntax of environment files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from loomtui.loom.launch.letters import Gap, Letter, Text, spell
from loomtui.loom.launch.sources import Absence, SourceFile, Sources
from loomtui.text import clean_line

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BLANKS = " \t"
_LINE_ENDS = "\n\r"  # NEWLINE of systemd's
_ESCAPED_IN_DOUBLE_QUOTES = frozenset('"\\`$')
_ABSENT = {
    Absence.CLOSED: "cannot be read without more rights",
    Absence.ODD: "is no regular file",
    Absence.LARGE: "is too large to be one",
    Absence.BINARY: "is no text",
    Absence.MISSING: "is not there",
    Absence.KEY: "looks like a key, so that it is not read",
}


@dataclass(frozen=True)
class EnvironmentFile:
    """One setting EnvironmentFile=."""

    pattern: str
    optional: bool


@dataclass(frozen=True)
class Environment:
    """All that sets variables for one service."""

    assigned: Mapping[str, Text] = field(default_factory=dict)  # by Environment=
    files: tuple[EnvironmentFile, ...] = ()
    removed: frozenset[str] = frozenset()  # by UnsetEnvironment=
    sources: Sources = field(default_factory=Sources)
    account: Mapping[str, Text] = field(default_factory=dict)  # USER, HOME …, as systemd sets them

    def lookup(self, name: str) -> Text | None:
        """The value, with gaps where it is not known. None: the variable is not set."""
        if name in self.removed:
            return None
        for setting in reversed(self.files):
            for file in reversed(self.sources.patterns.get(setting.pattern, ())):
                if file.absence not in (None, Absence.MISSING):
                    why = f"{clean_line(file.path)}, which {absence_words(file.absence)}"
                    return (Gap(why),)
                values = read_environment_file(file)
                if name in values:
                    return values[name]
            if setting.pattern not in self.sources.patterns:
                return (Gap(f"{clean_line(setting.pattern)}, which was not read"),)
        if name in self.assigned:
            return self.assigned[name]
        if name in self.account:
            return self.account[name]
        if name in self.sources.manager:
            return spell(self.sources.manager[name])
        if name not in self.sources.names:
            return (Gap(f"the variable {clean_line(name, limit=80)}, whose value is not in the unit"),)
        return None

    def lacking(self) -> Iterator[str]:
        """The files without which systemd does not start the service."""
        for setting in self.files:
            found = self.sources.patterns.get(setting.pattern)
            gone = found is not None and all(file.absence is Absence.MISSING for file in found)
            if gone and not setting.optional:
                yield setting.pattern


def absence_words(absence: Absence | None) -> str:
    return _ABSENT[absence] if absence is not None else "was not read"


def read_environment_file(file: SourceFile) -> Mapping[str, Text]:
    """The variables that a file sets: of one that is set twice the last value. Never raises."""
    return dict(_Reader(spell(file.text, file.path)).pairs())


class _Reader:
    """Reads as env-file.c does: quotes count only where a value or a further part of it begins."""

    def __init__(self, letters: Text) -> None:
        self._letters: Sequence[Letter] = [part for part in letters if isinstance(part, Letter)]
        self._at = 0

    def pairs(self) -> Iterator[tuple[str, Text]]:
        while self._at < len(self._letters):
            if self._value in _BLANKS + _LINE_ENDS:
                self._at += 1
            elif self._value in "#;":
                self._pass_comment()
            elif (name := self._key()) is not None:
                value = self._text()
                if _NAME.fullmatch(name):
                    yield name, value

    @property
    def _value(self) -> str:
        return self._letters[self._at].value if self._at < len(self._letters) else "\n"

    def _pass_comment(self) -> None:
        while self._at < len(self._letters) and self._value not in _LINE_ENDS:
            self._at += 2 if self._value == "\\" else 1
        self._at += 1

    def _key(self) -> str | None:
        """The name in front of `=`. A line without one is passed over."""
        begin = self._at
        while self._at < len(self._letters) and self._value not in f"={_LINE_ENDS}":
            self._at += 1
        name = "".join(letter.value for letter in self._letters[begin : self._at]).strip()
        found = self._value == "=" and self._at < len(self._letters)
        self._at += 1
        return name if found else None

    def _text(self) -> Text:
        taken: list[Letter] = []
        bare = False  # once a part without quotes has begun, quotes mean themselves
        blanks = 0  # at the end, which do not count
        while self._value not in _LINE_ENDS:
            value = self._value
            if not bare and value in "'\"":
                taken += self._quoted(value)
                blanks = 0
                continue
            if value == "\\":
                self._at += 1
                if self._value not in _LINE_ENDS:
                    taken.append(self._letters[self._at])
                self._at += 1
                bare, blanks = True, 0
                continue
            blank = value in _BLANKS
            if bare or not blank:
                taken.append(self._letters[self._at])
                bare, blanks = True, blanks + 1 if blank else 0
            self._at += 1
        self._at += 1
        return tuple(taken[: len(taken) - blanks] if blanks else taken)

    def _quoted(self, quote: str) -> Iterator[Letter]:
        self._at += 1
        while self._at < len(self._letters) and self._value != quote:
            if quote == '"' and self._value == "\\":
                backslash = self._letters[self._at]
                self._at += 1
                if self._at >= len(self._letters):
                    return
                if self._value not in _ESCAPED_IN_DOUBLE_QUOTES and self._value not in _LINE_ENDS:
                    yield backslash
                if self._value not in _LINE_ENDS:
                    yield self._letters[self._at]
            else:
                yield self._letters[self._at]
            self._at += 1
        self._at += 1
