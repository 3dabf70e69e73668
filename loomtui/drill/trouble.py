"""Has a scenario's faults happen while somebody restores: by the clock, or by what a run's journal says.

It works from outside, in a thread of its own: it reads the journals that any run writes and reaches for the
practice cluster. The engine has no part in it and no way to tell.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loomtui.drill.practice import Practice, PracticeError
from loomtui.drill.scenarios.deeds import Fault, When
from loomtui.restore.record.run_store import RunStore

_EVERY = 0.05  # seconds
_END_SECONDS = 10.0
_PATIENCE = 120.0  # seconds; longer than a scenario's trouble lasts


@dataclass
class _Waiting:
    """One fault, and how far it is."""

    fault: Fault
    seen: int = 0
    due: float | None = None  # by the monotonic clock
    done: bool = False


@dataclass
class _Reader:
    """The events of one journal, each once."""

    path: Path
    offset: int = 0

    def new(self) -> list[dict[str, object]]:
        with self.path.open("rb") as file:
            file.seek(self.offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self.offset += len(whole) + len(newline)
        return [json.loads(line) for line in whole.splitlines()]


@dataclass
class Trouble:
    """`complaints`: what could not be made to happen."""

    cluster: Practice
    runs: Path
    began: float = field(default_factory=time.monotonic)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._end = threading.Event()
        self._readers: dict[Path, _Reader] = {}
        self._waiting = [_Waiting(fault) for fault in self.cluster.scenario.faults]
        for one in self._waiting:
            if one.fault.when.seconds is not None:
                one.due = self.began + one.fault.when.seconds + one.fault.after_seconds

    @property
    def _is_coming(self) -> bool:
        return any(one.due is not None and not one.done for one in self._waiting)

    def wait_for_its_end(self, seconds: float = _PATIENCE) -> None:
        """Until whatever has been set off has happened, also what puts things right again. Blocks."""
        deadline = time.monotonic() + seconds
        while self._is_coming and time.monotonic() < deadline:
            time.sleep(_EVERY)

    def work(self) -> None:
        """Until `end`."""
        while not self._end.wait(_EVERY):
            for event in self._events():
                for one in self._waiting:
                    self._see(one, event)
            self._act()

    def end(self) -> None:
        self._end.set()

    def _events(self) -> Iterator[dict[str, object]]:
        for path in sorted(self.runs.glob("*/journal.jsonl")):
            yield from self._readers.setdefault(path, _Reader(path)).new()

    def _see(self, one: _Waiting, event: dict[str, object]) -> None:
        when = one.fault.when
        if when.seconds is None and one.due is None and _is_meant(when, event):
            one.seen += 1
            if one.seen == when.times:
                one.due = time.monotonic() + one.fault.after_seconds

    def _act(self) -> None:
        due = [one for one in self._waiting if one.due is not None and not one.done]
        for one in sorted(due, key=lambda one: one.due or 0):
            if one.due is not None and one.due <= time.monotonic():
                try:
                    for action in one.fault.do:
                        self.cluster.act(action)
                except PracticeError as error:
                    self.complaints.append(error.what)
                one.done = True


def _is_meant(when: When, event: dict[str, object]) -> bool:
    wanted: Sequence[tuple[object, object]] = (
        (when.event, event.get("kind")),
        (when.step, event.get("step")),
        (when.node, event.get("node")),
    )
    return all(asked is None or asked == told for asked, told in wanted)


@contextmanager
def brewing(cluster: Practice) -> Iterator[Trouble]:
    """The faults of the cluster's scenario, for as long as the block lasts. Inside its surroundings."""
    trouble = Trouble(cluster, RunStore().root)
    thread = threading.Thread(target=trouble.work, name="drill-trouble", daemon=True)
    thread.start()
    try:
        yield trouble
    finally:
        trouble.end()
        thread.join(_END_SECONDS)
