"""The runs of anybody, as all nodes together tell them: who holds what, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from loomtui.fleet.probes.holder import Holder, number_of
from loomtui.restore.events import Event, Outcome, StepName
from loomtui.restore.record.run_store import LIFE_SECONDS, RunSummary
from loomtui.wording.quantities import joined

_BY_HAND = "docs/guide.md says how to go back by hand (Without loomtui, by hand)."


@dataclass(frozen=True)
class SeenRun:
    """One run by all nodes together."""

    id: str
    holder: Holder | None  # of the highest generation; None: it holds no node any more
    held: tuple[str, ...]  # nodes
    nodes: tuple[str, ...]  # all that know it
    started_at: datetime | None
    operator: str
    last: Event | None
    step: StepName | None
    outcome: Outcome | None  # None: it is not over, or its record does not tell
    alive_seconds: int | None
    has_record: bool
    claimed: int
    stopped: tuple[str, ...]  # nodes whose service it stopped
    changed: tuple[str, ...]  # nodes whose files it replaced

    @property
    def is_alive(self) -> bool:
        return self.alive_seconds is not None and self.alive_seconds < LIFE_SECONDS

    @property
    def person(self) -> str:
        """Who holds it or began it: user and machine."""
        return self.holder.person if self.holder is not None else self.operator or "somebody"

    @property
    def done(self) -> str:
        """What it did to its nodes, as the marks there tell, in a sentence."""
        if not self.stopped and not self.changed:
            return "It stopped no service and replaced no file."
        return (
            f"It stopped {joined(self.stopped) if self.stopped else 'nothing'} and replaced files on "
            f"{joined(self.changed) if self.changed else 'no node'}."
        )

    @property
    def ways(self) -> str:
        """What to do next about a run that holds nodes, as a sentence or two."""
        if not self.has_record:
            return ways_without_record(self.id)
        call = f"Call {self.person} first. " if self.is_alive else ""
        return f"{call}To take it over: loomtui take-over {self.id}"


@dataclass(frozen=True)
class RunsOnNodes:
    """What all nodes together tell of the runs that they know."""

    runs: tuple[SeenRun, ...] = ()  # of anybody, the latest first
    silent: Mapping[str, str] = field(default_factory=dict)  # nodes that tell nothing, and why
    odd_locks: Mapping[str, str] = field(default_factory=dict)  # nodes whose lock names no run, and the lock

    def of_others(self, own: Iterable[RunSummary]) -> RunsOnNodes:
        """Without the runs that hold no node, and those that are in this machine's own hands."""
        generations = {run.id: run.generation for run in own}
        runs = tuple(run for run in self.runs if run.holder and is_of_others(run.holder, generations))
        return replace(self, runs=runs)


def is_of_others(holder: Holder | None, generations: Mapping[str, str]) -> bool:
    """`generations`: of the runs of this machine, by run. A lock that names no run is nobody's of ours."""
    if holder is None:
        return True
    ours = generations.get(holder.run)
    return ours is None or holder.number > number_of(ours)


def odd_lock_text(name: str, lock: str) -> str:
    """What a lock that names no run means, what is safe, and what to do."""
    return (
        f"{name} is held by {lock.rstrip('.')}. While that lies there, loomtui changes nothing on {name}. "
        f"Find out who put it there before you move it away. {_BY_HAND}"
    )


def ways_without_record(run: str) -> str:
    """What to do next about a run that no node has a usable record of."""
    return f"Where that run lives: loomtui resume {run}, or loomtui rollback {run}. {_BY_HAND}"
