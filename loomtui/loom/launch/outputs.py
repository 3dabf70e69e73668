"""Where what a service says goes.

Sources: systemd.exec(5) "Logging and Standard Input/Output"; POSIX.1-2017, Shell Command Language, 2.7.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from enum import StrEnum


class Sink(StrEnum):
    JOURNAL = "journal"
    FILE = "file"
    NOWHERE = "nowhere"
    ELSEWHERE = "elsewhere"  # a pipe, a terminal, a socket


@dataclass(frozen=True)
class Output:
    """Where standard output or standard error goes."""

    sink: Sink
    path: str = ""  # of a file, absolute
    said_in: str = ""  # which file or setting says so
    words: str = ""  # of what is elsewhere, to be read after 'goes to'
    by_script: bool = False  # a shell opens it, as the service's user


@dataclass(frozen=True)
class Outputs:
    """Where both streams of a process go."""

    standard: Output
    error: Output

    @property
    def each(self) -> tuple[Output, ...]:
        """Loom logs to standard error."""
        return tuple(dict.fromkeys((self.error, self.standard)))


#: Of a unit that says nothing.
TO_JOURNAL = Outputs(Output(Sink.JOURNAL), Output(Sink.JOURNAL))

_JOURNAL_WORDS = frozenset({"inherit", "journal", "syslog", "journal+console", "syslog+console"})


def outputs_of_unit(standard: str, error: str) -> Outputs:
    """By the values of StandardOutput= and StandardError=; empty: not set."""
    first = _of_setting("StandardOutput", standard) if standard != "inherit" else None
    out = first or Output(Sink.JOURNAL)  # standard input is /dev/null, for which systemd takes the journal
    second = _of_setting("StandardError", error) if error not in ("", "inherit") else out
    return Outputs(out, second)


def _of_setting(name: str, value: str) -> Output:
    kind, colon, path = value.partition(":")
    if colon and kind in ("file", "append", "truncate") and path.startswith("/"):
        return Output(Sink.FILE, posixpath.normpath(path), said_in=f"{name}=")
    if not value or value in _JOURNAL_WORDS:
        return Output(Sink.JOURNAL)
    if value == "null":
        return Output(Sink.NOWHERE, said_in=f"{name}=")
    return Output(Sink.ELSEWHERE, said_in=f"{name}=", words=value)
