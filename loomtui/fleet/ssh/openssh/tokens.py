"""Fills in what stands for something else in names of files: `~`, `%h` and its like, `${NAME}`.

Facts: ssh_config(5), TOKENS and ENVIRONMENT VARIABLES; `tilde_expand` and `vdollar_percent_expand` of misc.c.
What cannot be filled in is refused, because a file would be read, or made, under a name that nobody meant.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loomtui.errors import CallError
from loomtui.text import clean_line

_TOKEN = re.compile(r"%(.|$)|\$\{([^}]*)(\}|$)", re.DOTALL)


@dataclass(frozen=True)
class Tokens:
    """What is known of one connection. `values` are by the token's letter."""

    home: Path
    values: Mapping[str, str]

    def file(self, text: str) -> str:
        """The name of a file. Raises CallError."""
        return self.filled(with_home(text, self.home))

    def filled(self, text: str, *, environment: bool = True) -> str:
        """Raises CallError for a token or an environment variable that is not known."""

        def value(match: re.Match[str]) -> str:
            letter, name, closed = match.groups()
            if letter is None:
                return self._variable(text, name, closed) if environment else match[0]
            if letter == "%":
                return "%"
            if letter not in self.values:
                raise _unknown(text, f"%{letter}")
            return self.values[letter]

        return _TOKEN.sub(value, text)

    def _variable(self, text: str, name: str, closed: str) -> str:
        found = os.environ.get(name) if closed and name else None
        if found is None:
            raise _unknown(text, f"${{{name}{closed}")
        return found


def with_home(text: str, home: Path) -> str:
    """The name with `~` or `~user` at its beginning as a folder. Raises CallError for nobody's name."""
    if not text.startswith("~"):
        return text
    user, _, path = text[1:].partition("/")
    if user:
        try:
            folder = pwd.getpwnam(user).pw_dir
        except KeyError as error:
            raise _unknown(text, f"~{user}") from error
    else:
        folder = str(home)
    return f"{folder.rstrip('/')}/{path.lstrip('/')}"


def _unknown(text: str, what: str) -> CallError:
    return CallError(
        f"the SSH configuration cannot be applied: {clean_line(what, limit=40)!r} in"
        f" {clean_line(text, limit=120)!r} stands for nothing that is known",
        advice="Write it out in the SSH configuration.",
    )
