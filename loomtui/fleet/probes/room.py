"""The look at what could make room on a node's disk. It only looks, and only where room is short."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loomtui.fleet.batch import Look
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.probes.live_files import LiveFile, files_of, live_files_look
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session

_SCRIPT = InspectScript("room")
_SECONDS = 600.0  # hundreds of thousands of files on a slow disk
_EXTENT = re.compile(rb"(\d{1,20}) (\d{1,10}) ([A-Za-z0-9._/-]{1,255})")


@dataclass(frozen=True)
class Kept:
    """What an earlier run keeps in its folder on the node."""

    run: str
    bytes: int  # that deleting it would free
    files: int  # likewise


@dataclass(frozen=True)
class OldDatabase:
    """A database that the node works with now."""

    name: str  # below the working directory
    bytes: int  # that deleting it would free
    files: int  # likewise


@dataclass(frozen=True)
class Room:
    kept: tuple[Kept, ...] = ()
    old: tuple[OldDatabase, ...] = ()
    live: Mapping[str, LiveFile] | None = None  # what --delta could take over; None: it was not looked at


async def look_at_room(
    session: Session,
    working_directory: str,
    databases: Sequence[str],
    state: Sequence[str] | None,
    *,
    seconds: float = _SECONDS,
) -> Room:
    """`databases`: patterns of what could be given up; `state`: of what could be taken over, None: nothing.

    One round trip. Raises LoomtuiError.
    """
    looks = [Look(_SCRIPT, (working_directory, *databases))]
    if state is not None:
        looks.append(live_files_look(working_directory, state))
    told, *live = await session.inspect_all(*looks, timeout=seconds)
    return read_room(read_facts(told.stdout), files_of(live[0].stdout) if live else None)


def read_room(facts: Facts, live: Mapping[str, LiveFile] | None = None) -> Room:
    """What the script `room` found. What that script cannot have printed is passed over."""
    kept = (Kept(name, size, files) for name, size, files in _extents(facts, "kept") if size)
    old = (OldDatabase(name, size, files) for name, size, files in _extents(facts, "old"))
    return Room(tuple(kept), tuple(old), live)


def _extents(facts: Facts, name: str) -> Iterator[tuple[str, int, int]]:
    for value in facts.all(name):
        if match := _EXTENT.fullmatch(value):
            yield match[3].decode(), int(match[1]), int(match[2])
