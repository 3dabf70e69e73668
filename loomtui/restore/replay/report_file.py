"""A report as JSON that somebody sent, read as a recording. It is foreign data, and validated as a whole.

What it must hold is a part of what `report/run_document.py` writes; the rest of it is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from loomtui.errors import CallError
from loomtui.restore.events import Event, EventKind, Json, StepName
from loomtui.restore.record.run_journal import cleaned
from loomtui.restore.record.run_store import RECORD_LIMIT, RUN_ID
from loomtui.restore.replay.recording import Recording
from loomtui.restore.report.run_document import REPORT_VERSION
from loomtui.text import clean, clean_line

#: A journal's limit, several times: the report tells much of it twice, and is indented.
MAX_BYTES = 8 * RECORD_LIMIT
_MAX_EVENTS = 200_000
_MAX_NODES = 1_000
_LONGEST_OBJECTIVE = 3650 * 24 * 3600
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_ANEW = "Have it made by: loomtui report RUN --format json"

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


@dataclass(frozen=True)
class _Node:
    name: _Name


@dataclass(frozen=True)
class _Objective:
    seconds: Annotated[float, Field(gt=0, le=_LONGEST_OBJECTIVE)]


@dataclass(frozen=True)
class _Objectives:
    downtime: _Objective | None = None


def _recorded(kind: EventKind) -> EventKind:
    if kind is EventKind.TASK_PROGRESS:
        raise ValueError("it is in no journal")
    return kind


@dataclass(frozen=True)
class _Event:
    at: Annotated[AwareDatetime, Field(ge=_FIRST, lt=_LAST)]
    kind: Annotated[EventKind, AfterValidator(_recorded)]
    message: Annotated[str, Field(max_length=10_000)]
    step: StepName | None = None
    node: _Name | None = None
    data: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class _Report:
    run: Annotated[str, Field(pattern=RUN_ID)]
    cluster: _Name
    production: bool
    nodes: Annotated[tuple[_Node, ...], Field(min_length=1, max_length=_MAX_NODES)]
    events: Annotated[tuple[_Event, ...], Field(min_length=1, max_length=_MAX_EVENTS)]
    objectives: _Objectives = field(default_factory=_Objectives)


@cache
def _adapter() -> TypeAdapter[_Report]:
    return TypeAdapter(_Report)


def load_report(path: Path) -> Recording:
    """Raises CallError: the file cannot be read, is no report, or is one of a newer loomtui."""
    name = clean_line(str(path), limit=300)
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CallError(f"the report {name} cannot be read: {error.strerror}") from error
    if len(text) > MAX_BYTES:
        raise CallError(f"{name} is too large to be a report")
    return read_report(text, name)


def read_report(text: bytes, name: str) -> Recording:
    """The recording in the bytes of a report. Raises CallError."""
    try:
        data = from_json(text)
    except ValueError as error:
        reason = clean_line(str(error), limit=200)
        raise CallError(f"{name} is not a report: it is not JSON ({reason})", advice=_ANEW) from error
    _see_version(data, name)
    try:
        report = _adapter().validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = clean_line(".".join(str(part) for part in first["loc"]), limit=200)
        reason = clean_line(first["msg"], limit=200)
        raise CallError(
            f"{name} is not a report that can be replayed: {place}: {reason}", advice=_ANEW
        ) from error
    return _recording(report)


def _see_version(data: Any, name: str) -> None:
    """Reports of the time before there were versions are of the first one."""
    if not isinstance(data, dict) or "events" not in data:
        raise CallError(f"{name} is not a report that holds the events of its run", advice=_ANEW)
    version = data.get("report_version", 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise CallError(f"{name} is not a report: its version is no number", advice=_ANEW)
    if version > REPORT_VERSION:
        raise CallError(
            f"{name} is a report of a newer loomtui: it has version {version}, and this loomtui reads "
            f"{REPORT_VERSION}",
            advice="Replay it with that loomtui.",
        )


def _recording(report: _Report) -> Recording:
    events = tuple(
        Event(
            seq,
            event.at.astimezone(UTC),
            report.run,
            event.kind,
            clean(event.message, limit=4_000),
            event.step,
            event.node,
            cleaned(event.data),
        )
        for seq, event in enumerate(report.events, 1)
    )
    agreed = report.objectives.downtime
    return Recording(
        report.run,
        report.cluster,
        report.production,
        tuple(dict.fromkeys(node.name for node in report.nodes)),
        events,
        agreed.seconds if agreed is not None else None,
    )
