"""The durable record of a run: one JSON object a line, which is on the disk before the run goes on."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from loomtui.errors import LoomtuiError
from loomtui.restore.events import Event, EventKind, Json, StepName
from loomtui.text import clean


@cache
def _adapter() -> TypeAdapter[Event]:
    """Made when it is needed: the first frame does not wait for it."""
    return TypeAdapter(Event)


def encode(event: Event) -> str:
    """The event as one line of JSON, without the newline."""
    return json.dumps(_adapter().dump_python(event, mode="json"), ensure_ascii=False, separators=(",", ":"))


def read_events(path: Path) -> Iterator[Event]:
    """The events of a journal. A torn last line, as a crash leaves it, ends the record and is no error."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for line in lines[:-1]:
        event = decode(line)
        if event is None:
            return
        yield event


def decode(line: bytes) -> Event | None:
    """The event of one line; None: it is none."""
    try:
        return _adapter().validate_json(line)
    except ValidationError:
        return None


class DamagedJournal(LoomtuiError):
    """No loomtui wrote it so."""


def whole_events(run: str, journal: bytes) -> tuple[Event, ...]:
    """All events of a journal, one or more, without a torn last line.

    Raises DamagedJournal: it is empty, or a line is not the event that comes next in this run.
    """
    events: list[Event] = []
    for number, line in enumerate(journal.split(b"\n")[:-1], 1):
        event = decode(line)
        if event is None or event.seq != number or event.run != run or event.at.tzinfo is None:
            raise DamagedJournal(f"line {number} of its journal is damaged")
        events.append(event)
    if not events:
        raise DamagedJournal("its journal is empty")
    return tuple(events)


class Journal:
    """Appends events. Each is on the disk when `write` returns. Progress and live notes are only shown."""

    def __init__(self, path: Path, run: str) -> None:
        self._path = path
        self._run = run
        events = tuple(read_events(path))
        self._seq = events[-1].seq if events else 0
        self._step = next((event.step for event in reversed(events) if event.step), None)  # for errors
        self._size = self._drop_torn_tail(len(events))
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _drop_torn_tail(self, whole_lines: int) -> int:
        """The size without the torn tail, in bytes.

        More than one torn line is damage, which is kept beside the journal.
        """
        content = self._path.read_bytes() if self._path.exists() else b""
        size = sum(len(line) + 1 for line in content.split(b"\n")[:whole_lines])
        if b"\n" in content[size:]:
            kept = self._path.with_suffix(".damaged")
            handle = os.open(kept, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as aside:
                aside.write(content[size:])
        if content[size:]:
            os.truncate(self._path, size)
        return size

    def write(
        self,
        kind: EventKind,
        message: str,
        *,
        step: StepName | None = None,
        node: str | None = None,
        data: dict[str, Json] | None = None,
    ) -> Event:
        """Raises LoomtuiError if the operator's disk does not take the event; then the run must not go on."""
        event = Event(
            self._seq + 1,
            datetime.now(UTC),
            self._run,
            kind,
            clean(message, limit=4_000),
            step,
            node,
            cleaned(data or {}),
        )
        if kind is EventKind.TASK_PROGRESS or event.data.get("live"):
            return replace(event, seq=self._seq)
        line = (encode(event) + "\n").encode()
        self._step = step or self._step
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)  # half a line would hide all that comes after it
            where = f" in step {self._step}" if self._step else ""
            raise LoomtuiError(
                f"the journal {self._path} cannot be written{where}: {error.strerror}",
                safe="The run stopped where it was; the nodes keep what it replaced in the run's folder.",
                advice=f"Make room here, then: loomtui resume {self._run}",
            ) from error
        self._seq = event.seq
        self._size += len(line)
        return event

    def close(self) -> None:
        os.close(self._file)


def cleaned(data: Mapping[str, Json]) -> dict[str, Json]:
    """The data of an event, all its texts showable."""
    return {clean(name): _cleaned(value) for name, value in data.items()}


def _cleaned(value: Json) -> Json:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return cleaned(value)
    return value
