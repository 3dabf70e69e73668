"""Where a service logs to, by its unit, its start script and its loom.yml.

Source of what LogDestination means: go-loom log.go. `file://PATH`, relative to the working directory, is
opened without append or truncate; empty and `file://-` are standard error.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from enum import StrEnum

from loomtui.loom.launch.outputs import Output, Sink
from loomtui.loom.units import EffectiveUnit
from loomtui.text import clean_line

_SCHEME = "file://"


class NamedIn(StrEnum):
    """In what a log file is named. All but the unit the service's own user may be able to write."""

    UNIT = "unit"
    SCRIPT = "script"  # or a shell's command
    CONFIG = "config"  # loom.yml


@dataclass(frozen=True)
class LogFile:
    path: str  # absolute
    said_in: str  # what says so, for reading
    named_in: NamedIn = NamedIn.UNIT

    @property
    def overwritten(self) -> bool:
        """From its beginning, at each start of Loom."""
        return self.named_in is NamedIn.CONFIG


@dataclass(frozen=True)
class LogPlaces:
    """Where a service's lines are, besides the journal."""

    files: tuple[LogFile, ...] = ()
    lost: tuple[str, ...] = ()  # what goes where it cannot be read, in clauses that follow the node's name
    in_journal: bool = True  # one of its streams goes there


def log_places(
    unit: EffectiveUnit, folder: str, destination: str = "", config: str = "loom.yml"
) -> LogPlaces:
    """`folder` is the working directory, `destination` the LogDestination of the file `config`."""
    outputs = unit.outputs.each
    files = [_of_output(output) for output in outputs if output.sink is Sink.FILE]
    path = destination.strip().removeprefix(_SCHEME)
    if path not in ("", "-") and destination.strip().startswith(_SCHEME):
        place = posixpath.normpath(posixpath.join(folder, path))
        files.append(LogFile(place, f"LogDestination of {clean_line(config)}", NamedIn.CONFIG))
    lost = [_lost(output) for output in outputs if output.sink in (Sink.NOWHERE, Sink.ELSEWHERE)]
    if unit.log_namespace:
        name = clean_line(unit.log_namespace, limit=80)
        lost.append(f"logs to a journal of its own: journalctl --namespace={name} on the node shows it")
    by_path = {file.path: file for file in reversed(files)}
    in_journal = any(output.sink is Sink.JOURNAL for output in outputs)
    return LogPlaces(tuple(reversed(by_path.values())), tuple(dict.fromkeys(lost)), in_journal)


def _of_output(output: Output) -> LogFile:
    named_in = NamedIn.SCRIPT if output.by_script else NamedIn.UNIT
    return LogFile(output.path, output.said_in, named_in)


def _lost(output: Output) -> str:
    said = clean_line(output.said_in)
    if output.sink is Sink.NOWHERE:
        return f"logs to nowhere, {said} says so: its lines are lost"
    return f"logs to {clean_line(output.words)}, {said} says so: not in the journal, and not read here"
