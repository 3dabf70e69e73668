"""Reads what lies around a unit on its node, as far as the unit's command depends on it.

Which files these are, only the command tells; so the unit is read, and read again with what was found. A unit
that needs nothing costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session
from loomtui.loom.commandline import find_flags
from loomtui.loom.launch.sources import Absence, SourceFile, Sources, Wanted
from loomtui.loom.units import EffectiveUnit, with_sources

_SOURCES = InspectScript("sources")
_ROUNDS = 5  # a script that reads a file that reads another one
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_PATH = re.compile(r"/[^\0\n]{0,1000}")


async def read_around(session: Session, unit: EffectiveUnit, *, timeout: float = 15) -> EffectiveUnit:
    """The unit with all that its command depends on, as far as that can be read. Raises LoomtuiError."""
    for _ in range(_ROUNDS):
        wanted = _askable(unit.wanted)
        if not wanted:
            break
        arguments = (
            session.loom.unit_name,
            "|".join(sorted(wanted.names | unit.sources.names)),
            *_pairs(wanted),
        )
        output = await session.inspect(_SOURCES, *arguments, timeout=timeout)
        found = read_sources(read_facts(output.stdout), wanted)
        unit = with_sources(unit, unit.sources.with_more(wanted, found))
    return unit


def _askable(wanted: Wanted) -> Wanted:
    """What is no name and no absolute path is not asked for, so that it stays unknown."""
    return Wanted(
        frozenset(filter(_PATH.fullmatch, wanted.patterns)),
        frozenset(filter(_NAME.fullmatch, wanted.names)),
        frozenset(filter(_PATH.fullmatch, wanted.scripts)),
    )


def _pairs(wanted: Wanted) -> Iterator[str]:
    for kind, paths in (("environment", wanted.patterns), ("script", wanted.scripts)):
        for path in sorted(paths):
            yield from (kind, path)


def read_sources(facts: Facts, wanted: Wanted) -> Sources:
    """What the script `sources` found of what was wanted, in the order in which it was asked."""
    patterns, paths = sorted(wanted.patterns), sorted(wanted.scripts)
    found: list[list[SourceFile]] = [[] for _ in (*patterns, *paths)]
    for number, _ in sorted(facts.under("file").items(), key=lambda item: _order(item[0])):
        place = _order(number)[0] - 1
        if 0 <= place < len(found):
            found[place].append(_file(facts, number))
    scripts = zip(paths, found[len(patterns) :], strict=True)
    return Sources(
        manager=_manager(facts.get("manager", b"")),
        patterns={one: tuple(files) for one, files in zip(patterns, found, strict=False)},
        scripts={path: files[0] for path, files in scripts if files},
        running=_running(facts.all("running")),
    )


def _order(number: str) -> tuple[int, int]:
    first, _, second = number.partition(".")
    return (int(first), int(second)) if first.isdigit() and second.isdigit() else (0, 0)


def _file(facts: Facts, number: str) -> SourceFile:
    path = facts[f"file/{number}"].decode("utf-8", "replace")
    text = facts.get(f"text/{number}")
    if text is not None:
        return SourceFile(path, text.decode("utf-8", "replace"))
    try:
        return SourceFile(path, absence=Absence(facts.line(f"absence/{number}")))
    except ValueError:
        return SourceFile(path, absence=Absence.CLOSED)


def _manager(text: bytes) -> Mapping[str, str]:
    """The lines of `systemctl show-environment`, which writes what needs quotes as `$'…'`."""
    variables = {}
    for line in text.decode("utf-8", "replace").splitlines():
        name, equals, value = line.partition("=")
        if equals and _NAME.fullmatch(name):
            variables[name] = value[2:-1] if value.startswith("$'") and value.endswith("'") else value
    return variables


def _running(commands: tuple[bytes, ...]) -> Mapping[str, str]:
    """The lists that a running loom was given. Nothing else of its command line is kept."""
    values: dict[str, str] = {}
    for command in commands:
        words = command.decode("utf-8", "replace").split("\n")
        for flag, (at, skip) in find_flags(words).items():
            if at is not None:
                values[flag] = words[at][skip:]
    return values
