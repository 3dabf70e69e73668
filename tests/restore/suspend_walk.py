"""A loomtui is suspended in a restore, its run is taken over meanwhile, and it wakes up: it changes nothing.

    python -m tests.restore.suspend_walk [--seed SEED] [COUNT]

COUNT random moments of all that a restore goes through, 10 unless given: each is a moment after one of its
events, which an undisturbed restore has told before. Prints a line for each and exits 1 when any of them did
not hold.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tests.restore.kill_walk import kill_walk
from tests.restore.killing import FileState, Restorer, differences, file_state, not_as_before, state_of
from tests.restore.ways import Way

_SCENARIO = "clean-restore"
#: At the most so long after an event: most events of a practice cluster are less than that apart.
_LATER_SECONDS = 0.4
#: Of a run's folder on a node: what the jobs that fetch go on to write by themselves, whoever holds the run.
_JOBS = frozenset({"job", "raw"})


@dataclass(frozen=True)
class Verdict:
    event: str  # at which the first loomtui was suspended
    changed: tuple[str, ...]  # what it changed on the nodes after it woke up
    left: tuple[str, ...]  # files that differ from the state before, when the second one has rolled back
    status: int  # of the first loomtui

    @property
    def holds(self) -> bool:
        return not self.changed and not self.left and self.status in {0, 1, 3}

    def __str__(self) -> str:
        wrong = [f"changed: {name}" for name in self.changed] + [f"left: {name}" for name in self.left]
        return (
            f"{self.event:40} {'holds' if self.holds else 'LOST ' + ', '.join(wrong)} (status {self.status})"
        )


class SuspendWalk:
    """One cluster, which each rollback leaves as it was, and two homes. The first one has a plan."""

    def __init__(self, first: Restorer, second_home: Path) -> None:
        self._first = first
        self._second = Restorer(first.cluster, second_home)
        self._before = state_of(first.cluster)

    def at(self, number: int, seconds: float) -> Verdict:
        """So long after the n-th event, or the first one after the lock, the first loomtui is suspended."""
        process, run, event = self._first.suspend_at(number, seconds)
        try:
            self._second.take_over(run, "--only")
            held = self._runs_own()
            process.send_signal(signal.SIGCONT)
            process.communicate(timeout=200)
            changed = differences(held, self._runs_own())
        finally:
            process.kill()
            process.wait(30)
        left = not_as_before(self._before, self._first.cluster, self._second.rollback(run))
        return Verdict(event, changed, left, process.returncode)

    def _runs_own(self) -> dict[str, FileState]:
        """What only a run changes: its folders, the locks, the holds, the units. Content and mode count."""
        cluster, found = self._first.cluster, {}
        for name in cluster.names:
            for top in (cluster.working_directory(name) / ".loomtui", cluster.unit_path(name).parent):
                for path in sorted(top.rglob("*")):
                    if path.is_file() and not path.is_symlink() and not _JOBS.intersection(path.parts):
                        state = file_state(path)
                        key = f"{name}:{path.relative_to(cluster.node_root(name))}"
                        found[key] = FileState(state.digest, state.mode, 0)
        return found


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.restore.suspend_walk", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("count", nargs="?", type=int, default=10)
    chosen = parser.parse_args(argv)
    moments, lost = random.Random(chosen.seed), 0
    with (
        tempfile.TemporaryDirectory() as first,
        tempfile.TemporaryDirectory() as second,
        kill_walk(_SCENARIO, 1, Path(first), Way.TAKE_OVER) as told,
    ):
        walk = SuspendWalk(told.restorer, Path(second))
        for _ in range(chosen.count):
            verdict = walk.at(moments.randint(1, told.count), moments.uniform(0, _LATER_SECONDS))
            lost += not verdict.holds
            click.echo(verdict)
    click.echo(f"{chosen.count} moments, {lost} lost")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
