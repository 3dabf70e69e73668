"""One answer of `ssh -G` for many hosts, where the configuration does not tell them apart.

Asking costs 5 ms of a processor for each host, which is as much as all the rest of connecting to it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh import keywords
from loomtui.fleet.ssh.openssh.lines import Statement, read_text, statements
from loomtui.fleet.ssh.openssh.names import literal_address
from loomtui.fleet.ssh.openssh.options import SshOptions
from loomtui.fleet.ssh.openssh.reading import DEEPEST, Files, included

T = TypeVar("T")

_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,253}")
#: A name of its own, or a way that must not lead over the host itself.
_OF_ONE_HOST = frozenset({"match", "hostname", "hostkeyalias", "proxyjump", "proxycommand"})


class Answers(Generic[T]):
    """What was answered, so that nothing is asked twice in the life of the process. Refusals are not kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: dict[Hashable, threading.Lock] = {}
        self._answers: dict[Hashable, T] = {}

    def once(self, key: Hashable, ask: Callable[[], T]) -> T:
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            if key not in self._answers:
                self._answers[key] = ask()
            return self._answers[key]


def is_plain_name(host: str) -> bool:
    """One that `ssh` takes as it is: a name in lower case, or an address in its usual form."""
    return bool(_PLAIN_NAME.fullmatch(host)) and (literal_address(host, "") or host) == host


def for_host(told: SshOptions, asked: str, host: str) -> SshOptions | None:
    """What was said of one host, for another one; None if the program made another name of it."""
    return replace(told, host_name=host) if told.host_name == asked else None


def tells_hosts_apart(files: Files) -> bool:
    """Whether what is said of one host may differ from what is said of another one, but for their names.

    True also where that cannot be told. Only what nothing but the name of a host could change is passed.
    """
    try:
        own = [] if files.user_file is None else _lines(files.user_file, files.home, of_user=True)
        machine = [] if files.system_file is None else _lines(files.system_file, files.home, of_user=False)
        return any(_is_of_one_host(line) for line in (*own, *machine))
    except (CallError, OSError):
        return True


def _lines(path: Path, home: Path, *, of_user: bool, depth: int = 0) -> Iterator[Statement]:
    """All lines of a file and of those that it includes. Raises CallError, OSError."""
    if depth == 0 and not path.exists():
        return
    for line in statements(read_text(path), path):
        if line.keyword != "include":
            yield line
        elif depth >= DEEPEST:
            line.place.refuse("too many files include each other")
        else:
            for name in line.words():
                for inner in included(name, line.place, home, of_user=of_user):
                    yield from _lines(inner, home, of_user=of_user, depth=depth + 1)


def _is_of_one_host(line: Statement) -> bool:
    keyword = keywords.ALIASES.get(line.keyword, line.keyword)
    if keyword == "host":
        return line.words() != ("*",)
    return keyword in _OF_ONE_HOST or keyword.startswith("canonical") or "%" in line.rest
