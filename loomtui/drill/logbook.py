"""The history of all drills on this machine: one JSON object a line, in $XDG_STATE_HOME/loomtui/drills."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from platformdirs import user_state_path
from pydantic import TypeAdapter, ValidationError

from loomtui.drill.checks import Checked
from loomtui.drill.moves import Move
from loomtui.drill.result import DrillResult, PlayedBy
from loomtui.drill.score import Score
from loomtui.private import make_private

_READ_BYTES = 16 << 20  # of the newest entries; some 600 bytes each, or 5,000 where people have played


@dataclass(frozen=True)
class Entry:
    """One drill as it is remembered."""

    at: datetime  # when it began, UTC
    scenario: str
    by: PlayedBy
    validators: int
    passed: bool
    score: Score
    wrong: tuple[str, ...] = ()
    # What a debriefing tells besides; of drills that people have played.
    title: str = ""
    seconds: float | None = None
    gave_up: bool = False
    checks: tuple[Checked, ...] = ()
    way: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()


def entry_of(result: DrillResult) -> Entry:
    by_people = result.by is PlayedBy.PEOPLE
    return Entry(
        result.began,
        result.scenario,
        result.by,
        result.validators,
        result.passed,
        result.score,
        result.wrong,
        result.title,
        result.seconds,
        result.gave_up,
        result.checks if by_people else (),
        result.way,
        result.moves,
    )


@cache
def _adapter() -> TypeAdapter[Entry]:
    return TypeAdapter(Entry)


class Logbook:
    """`path` is for tests. Make it before a drill sets up its own surroundings."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or user_state_path("loomtui") / "drills/history.jsonl"

    def note(self, result: DrillResult) -> None:
        """Appends the result. Raises OSError. Several processes may do so at once."""
        make_private(self._path.parent)
        line = _adapter().dump_json(entry_of(result)) + b"\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)

    def entries(self) -> tuple[Entry, ...]:
        """All that can be read, the oldest first. A line that is damaged does not hide the others."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _READ_BYTES))
                lines = file.read().splitlines()
        except FileNotFoundError:
            return ()
        found = []
        for line in lines:
            try:
                found.append(_adapter().validate_json(line))
            except ValidationError:
                continue
        return tuple(sorted(found, key=lambda entry: entry.at))
