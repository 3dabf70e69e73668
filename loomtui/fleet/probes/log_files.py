"""The lines of a service that logs to files: where these are, and what is in them.

The files are only read, as far as whoever looks may read them. Root reads what loom.yml or a script names as
the service's own user, who may be able to write these, and could otherwise have any file shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, tzinfo

from loomtui.errors import LoomtuiError
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.log_line import LogLine
from loomtui.fleet.probes.service_state import node_clock
from loomtui.fleet.probes.unit_sources import read_around
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session
from loomtui.loom.launch.sources import Sources
from loomtui.loom.logplaces import LogFile, log_places
from loomtui.loom.logtimes import read_zone, time_of
from loomtui.loom.units import read_cat
from loomtui.text import clean, clean_line

_PLACES = InspectScript("log_places")
_FILE = InspectScript("log_file")
_HEADER = re.compile(rb"log (good|missing|odd|closed) ([+-]\d{4}) (\d{1,12}) (-|\d{1,18})")
_HOWEVER = {
    "missing": "which is not there",
    "odd": "which is no regular file, so it is not read",
    "closed": "which cannot be read without more rights",
}
_FULL_BATCH = 200  # lines, the most that come at once
_AGAIN_LINES = 2000  # after a lost connection: these are read, and those that were told are left out


async def look_for_files(session: Session) -> tuple[list[FileLines], list[LogLine]]:
    """The files that a node logs to, and notices of what cannot be read. Raises LoomtuiError."""
    loom, node = session.loom, session.node.name
    output = await session.inspect(_PLACES, loom.unit_name, loom.working_directory)
    facts = read_facts(output.stdout)
    text = facts.get("cat", b"").decode("utf-8", "replace")
    if not text.strip():
        return [], []
    folder = facts.line("dir", loom.working_directory)
    sources = Sources(loom.unit_name, facts.line("host"), folder)
    unit = await read_around(session, read_cat(text, sources))
    places = log_places(unit, folder, facts.line("destination"), facts.line("config", "loom.yml"))
    files = [FileLines(session, file, unit.user, in_journal=places.in_journal) for file in places.files]
    return files, [_where(node, f"{node} {lost}.") for lost in places.lost]


class FileClock:
    """Gives each line its time: its own, or else that of the line before. Times never go back."""

    def __init__(self, zone: tzinfo, written: datetime) -> None:
        self._zone = zone
        self._written = written
        self._last: datetime | None = None

    def times(self, lines: Sequence[str]) -> list[datetime]:
        """Lines before the first that has a time get that time, or else that of the file."""
        own = [time_of(line, self._zone, self._written) for line in lines]
        last = self._last or next(filter(None, own), self._written)
        times = []
        for at in own:
            last = max(last, at) if at else last
            times.append(last)
        self._last = last if times else self._last
        self._written = datetime.now(UTC)  # what comes after what was there
        return times


class FileLines:
    """The lines of one log file of a node, and notices of how it is."""

    def __init__(self, session: Session, file: LogFile, user: str, *, in_journal: bool) -> None:
        self._session = session
        self._file = file
        self._user = user
        self._in_journal = in_journal
        self._last = ""  # the last line that was told
        self._told = False  # where the log is
        self._state = ""  # as the script calls it

    @property
    def path(self) -> str:
        return self._file.path

    @property
    def can_be_followed(self) -> bool:
        """By what was seen last: one that is not there may still come."""
        return self._state in ("good", "missing")

    async def read(
        self, *, follow: bool, lines: int | None, since: datetime | None
    ) -> AsyncGenerator[tuple[LogLine, ...]]:
        """Ends with the file, or without end if it is followed. Raises LoomtuiError."""
        again = bool(self._last)
        wanted = _AGAIN_LINES if again else lines if since is None else None
        clock: FileClock | None = None
        held: list[str] = []  # of what is read again, until all of that is here
        async with contextlib.aclosing(
            self._session.follow(_FILE, *self._arguments(follow, wanted))
        ) as stream:
            async for batch in stream:
                if clock is None:
                    clock, notice = self._begin(batch[0])
                    batch = batch[1:]
                    if notice is not None:
                        yield (notice,)
                held += [text for raw in batch if (text := clean(raw).rstrip())]
                if again and (len(batch) >= _FULL_BATCH or not held):
                    continue
                texts, again, held = self._not_told(held) if again else held, False, []
                found = zip(texts, clock.times(texts), strict=True)
                new = tuple(
                    [LogLine(self._node, at, text, "") for text, at in found if since is None or at >= since]
                )
                if new:
                    self._last = new[-1].text
                    yield new

    def _not_told(self, texts: list[str]) -> list[str]:
        """What stands behind the last line that was told; all of it, if that is not there any more."""
        if self._last not in texts:
            return texts
        return texts[len(texts) - texts[::-1].index(self._last) :]

    def _arguments(self, follow: bool, lines: int | None) -> tuple[str, ...]:
        return (
            self._session.loom.unit_name,
            self._file.path,
            self._user,
            self._file.named_in,
            "follow" if follow else "once",
            "all" if lines is None else str(lines),
        )

    def _begin(self, header: bytes) -> tuple[FileClock, LogLine | None]:
        found = _HEADER.fullmatch(header.rstrip(b"\r"))
        if found is None:
            raise LoomtuiError(f"how {clean_line(self._file.path)} is could not be read.", node=self._node)
        self._state, zone, modified, at = (group.decode() for group in found.groups())
        clock = FileClock(read_zone(zone), node_clock(int(modified)) or datetime.now(UTC))
        notice = None if self._told else self._place(self._state, known_end=at != "-")
        self._told = True
        return clock, notice

    def _place(self, state: str, *, known_end: bool) -> LogLine:
        """Says where the node logs to."""
        however = f", {_HOWEVER[state]}" if state in _HOWEVER else ""
        beside = "" if self._in_journal else ": not in the journal"
        text = f"{self._node} logs to {self._file.path}{however}{beside} ({self._file.said_in})."
        if self._file.overwritten and not known_end and not however:
            text += " Loom writes over it from its beginning at each start, so its last lines may be old."
        return _where(self._node, text, trouble=bool(however))

    @property
    def _node(self) -> str:
        return self._session.node.name


def _where(node: str, text: str, *, trouble: bool = False) -> LogLine:
    """A notice of where a node logs to. It is no complaint, unless what is there cannot be read."""
    return LogLine(node, datetime.now(UTC), clean_line(text), "", notice=True, place=not trouble)


async def gathered(
    readers: list[FileLines], *, lines: int | None, since: datetime | None
) -> tuple[list[LogLine], list[LogLine]]:
    """The notices of all the files, and their lines in the order of time. Raises LoomtuiError."""

    async def one(reader: FileLines) -> list[LogLine]:
        batches = reader.read(follow=False, lines=lines, since=since)
        return [line async for batch in batches for line in batch]

    found = [line for part in await asyncio.gather(*(one(reader) for reader in readers)) for line in part]
    told = sorted((line for line in found if not line.notice), key=_time_of)
    return [line for line in found if line.notice], told if lines is None else told[
        max(0, len(told) - lines) :
    ]


def _time_of(line: LogLine) -> datetime:
    return line.at
