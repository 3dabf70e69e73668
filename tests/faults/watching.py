"""What must hold at every moment: nothing is lost, and nothing starts while files move."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.faults.bed import Bed, journal_of

_UNIT = "loom.service"


@dataclass(frozen=True)
class Span:
    """Microseconds since the epoch."""

    begin: float
    end: float

    def __contains__(self, moment: float) -> bool:
        return self.begin < moment < self.end


def lost(bed: Bed) -> tuple[str, ...]:
    """Files that lay on a node before and whose content lies nowhere on it now, live or in a run's folder."""
    missing = []
    for name in bed.cluster.names:
        present = set()
        for top in (bed.cluster.working_directory(name), bed.cluster.unit_path(name).parent):
            for path in top.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    present.add(hashlib.sha256(path.read_bytes()).hexdigest())
        missing += [
            key
            for key, state in bed.before.items()
            if key.startswith(f"{name}:") and state.digest not in present
        ]
    return tuple(missing)


def starts_while_down(bed: Bed, run: str) -> tuple[str, ...]:
    """Starts of the service on a node between its stop and the step that starts it again."""
    events = journal_of(bed, run)
    found = []
    for name in bed.cluster.names:
        spans = tuple(_down(events, name))
        found += [
            f"{name} at {moment}" for moment in _starts(bed, name) if any(moment in span for span in spans)
        ]
    return tuple(found)


def _down(events: Iterable[Mapping[str, Any]], node: str) -> Iterator[Span]:
    """While the run had the node stopped: by its own journal, so a moment less than in truth."""
    since: float | None = None
    data_begun = False
    for event in events:
        kind, step = event["kind"], event["step"]
        at = datetime.fromisoformat(str(event["at"])).timestamp() * 1e6
        data_begun |= kind == "step-started" and step == "data"
        mine = event["node"] == node
        ends = (mine and (kind, step) in {("task-started", "start"), ("task-undone", "data")}) or (
            kind == "rollback-started" and not data_begun
        )
        if ends and since is not None:
            yield Span(since, at)
            since = None
        elif mine and (kind, step) in {("task-done", "stop"), ("task-undone", "start")}:
            since = at
    if since is not None:
        yield Span(since, float("inf"))


def _starts(bed: Bed, node: str) -> Iterator[float]:
    path = bed.cluster.node_root(node) / "var/log/journal.jsonl"
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry.get("UNIT") == _UNIT and str(entry.get("MESSAGE", "")).startswith("Started "):
            yield float(entry["__REALTIME_TIMESTAMP"])
