"""The files of the databases that a node works with. It only looks; the service may run meanwhile."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loomtui.fleet.batch import Look
from loomtui.fleet.facts import read_facts
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session

_SCRIPT = InspectScript("live_files")
_SECONDS = 600.0
_LINE = re.compile(rb"(\d{1,20}) ([0-7]{1,4}) (\S+) (\S+) (.+)", re.DOTALL)


@dataclass(frozen=True)
class LiveFile:
    size_bytes: int
    mode: str  # octal
    user: str
    group: str


async def look_at_live_files(
    session: Session, working_directory: str, patterns: Sequence[str]
) -> Mapping[str, LiveFile]:
    """By path below the working directory. One round trip. Raises LoomtuiError."""
    look = live_files_look(working_directory, patterns)
    return files_of((await session.inspect(look.script, *look.args, timeout=_SECONDS)).stdout)


def live_files_look(working_directory: str, patterns: Sequence[str]) -> Look:
    """The look as a part of a batch; `files_of` reads what it prints."""
    return Look(_SCRIPT, (working_directory, *patterns))


def files_of(stdout: bytes) -> Mapping[str, LiveFile]:
    return read_live_files(read_facts(stdout).get("files", b""))


def read_live_files(listing: bytes) -> Mapping[str, LiveFile]:
    """By path, as live_files.sh prints them.

    What has another form, or a name that is no text, is passed over.
    """
    found = {}
    for line in listing.split(b"\0"):
        match = _LINE.fullmatch(line)
        try:
            size, mode, user, group, path = (part.decode() for part in match.groups()) if match else ("",) * 5
        except UnicodeDecodeError:
            continue
        if path:
            found[path] = LiveFile(int(size), mode, user, group)
    return found
