"""Whether a `Match` line holds. Fact: `match_cfg_line` of readconf.c.

Versions of OpenSSH take single quotes, backslashes, blanks round `=`, and a negated `final` differently, and
some criteria need the machine's network or a command: all of these are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loomtui.fleet.ssh.openssh.lines import Statement, matches_list
from loomtui.text import clean_line

_NAMES = ("host", "originalhost", "user", "localuser", "tagged")
_ALONE = ("canonical", "final")


@dataclass(frozen=True)
class Moment:
    """What is known when the line is read. `values` are by criterion, hosts in lower case."""

    values: Mapping[str, str]
    final: bool  # the files are read for the second time


@dataclass(frozen=True)
class Matched:
    holds: bool
    wants_final: bool = False  # the files have to be read for a second time


def judge(statement: Statement, moment: Moment) -> Matched:
    """Raises CallError for what is not understood."""
    words = _words(statement)
    holds, wants_final, seen = True, False, 0
    while words:
        criterion = words.pop(0)
        negated = criterion.startswith("!")
        name, joined, value = criterion.removeprefix("!").partition("=")
        name = name.lower()
        if name == "all":
            if joined or words or seen > 1:
                statement.place.refuse("`all` stands alone in a Match line")
            return Matched(holds and not negated, wants_final)
        seen += 1
        if name in _ALONE and not joined:
            if name == "final" and negated:
                statement.place.refuse("versions of OpenSSH take `Match !final` differently")
            wants_final = wants_final or name == "final"
            holds = holds and moment.final is not negated
            continue
        if name not in _NAMES:
            shown = clean_line(name, limit=40)
            statement.place.refuse(f"loomtui cannot judge the criterion {shown!r}; the `ssh` program could")
        if not joined:
            value = words.pop(0) if words else ""
        if not value:
            statement.place.refuse(f"the criterion {name} has no value")
        holds = holds and _fits(name, value, moment) is not negated
    if not seen:
        statement.place.refuse("Match has no criterion")
    return Matched(holds, wants_final)


def _words(statement: Statement) -> list[str]:
    words: Sequence[str] = statement.words()
    if any(sign in statement.rest for sign in ("'", "\\", " =", "= ", "\t=", "=\t")):
        statement.place.refuse("versions of OpenSSH take quotes, backslashes and blanks here differently")
    plain = statement.rest.replace('"', "").split("#")[0].split()
    if '"' in statement.rest and plain != list(words):
        statement.place.refuse("versions of OpenSSH take the quotes of this line differently")
    return list(words)


def _fits(name: str, value: str, moment: Moment) -> bool:
    patterns = value.lower() if name in ("host", "originalhost") else value
    return matches_list(moment.values.get(name, ""), patterns)
