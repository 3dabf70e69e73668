"""Kill -9 at each event of a restore, then resume, then the same with rollback: all events, by one command.

    python -m tests.restore.kill_walk [--way WAY] [--spread] [SCENARIO] [FIRST] [LAST]

WAY: `staged` (the default), `unread`, `twin`, `delta`, `after-stop`; `take-over`: staged, but the first
loomtui's state is gone, and a second home takes its run over. `--spread`: one event of each kind in each step
comes first, so that a walk that is cut short has seen all kinds. Prints a line an event and exits 1 when any
of them did not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from loomtui.drill.practice import practice
from tests.restore.killing import (
    Restorer,
    counts,
    differences,
    kind_and_step,
    not_as_before,
    restored_sizes,
    restored_state_of,
    state_of,
)
from tests.restore.ways import Way


@dataclass(frozen=True)
class Verdict:
    number: int
    event: str
    resumed: tuple[str, ...]  # files that differ from an undisturbed restore
    rolled_back: tuple[str, ...]  # files that differ from the state before

    @property
    def holds(self) -> bool:
        return not self.resumed and not self.rolled_back

    def __str__(self) -> str:
        wrong = [
            *(f"resume: {name}" for name in self.resumed),
            *(f"rollback: {name}" for name in self.rolled_back),
        ]
        return f"{self.number:3} {self.event:40} {'holds' if self.holds else 'LOST ' + ', '.join(wrong)}"


class KillWalk:
    """One cluster; every walk step leaves it as it was before, so one cluster serves for all of them."""

    def __init__(self, restorer: Restorer, sizes: Mapping[str, int], *, elsewhere: bool = False) -> None:
        self.restorer = restorer
        self._elsewhere = elsewhere  # what goes on after a kill is another home's loomtui
        self._sizes = sizes
        self._before = state_of(restorer.cluster)
        run, events = restorer.restore()
        counted = [event for event in events if counts(event)]
        self.kinds = [str(event.get("kind")) for event in counted]
        self._events = [kind_and_step(event) for event in counted]
        self.count = len(self.kinds) - 1  # the last line is the outcome
        self._restored = restored_state_of(restorer.cluster, sizes)
        self._roll_back(run, "an undisturbed run")

    def _roll_back(self, run: str, what: str) -> None:
        wrong = self._not_as_before(self.restorer.rollback(run))
        assert not wrong, f"rollback of {what} left {wrong}"

    def _not_as_before(self, kept: frozenset[str] = frozenset()) -> tuple[str, ...]:
        return not_as_before(self._before, self.restorer.cluster, kept)

    def at(self, number: int) -> Verdict:
        run, event = self.restorer.kill_at(number)
        if not self._go_on(run):
            return Verdict(number, event, (), self._not_as_before())
        resumed = differences(self._restored, restored_state_of(self.restorer.cluster, self._sizes))
        self._roll_back(run, f"the run that was resumed after {event}")
        run, event = self.restorer.kill_at(number)
        if self._elsewhere:
            self.restorer.forget()
            kept = self.restorer.take_over(run, "--rollback")
        else:
            kept = self.restorer.rollback(run)
        return Verdict(number, event, resumed, self._not_as_before(kept))

    def _go_on(self, run: str) -> bool:
        """Whether there was something to go on with: no node knows of a run that had not locked one yet."""
        if not self._elsewhere:
            self.restorer.resume(run)
            return True
        if not self.restorer.is_on_nodes(run):
            return False
        self.restorer.forget()
        self.restorer.take_over(run)
        return True

    def spread(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """These events, but the first of each kind in each step comes before all others."""
        firsts = {self._events[number - 1]: number for number in reversed(numbers)}
        return tuple(sorted(numbers, key=lambda number: (number not in firsts.values(), number)))

    def walk(self, numbers: Iterable[int]) -> Iterator[Verdict]:
        return (self.at(number) for number in numbers)


@contextmanager
def kill_walk(scenario: str, nodes: int, home: Path, way: Way = Way.STAGED) -> Iterator[KillWalk]:
    with practice(scenario, nodes) as cluster:
        restorer = Restorer(cluster, home)
        extra = ("--reset-signing-state", f"practice-{scenario}") if cluster.scenario.reset_signing else ()
        if way.is_prepared:
            prepared = restorer.call("backups", "prepare", "--latest", "--twin", "--quiet")
            assert prepared.returncode == 0, prepared.stderr
        restorer.make_plan(*extra, *way.options)
        yield KillWalk(restorer, restored_sizes(restorer), elsewhere=way is Way.TAKE_OVER)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.restore.kill_walk", description=__doc__)
    parser.add_argument(
        "--way", choices=[way.name.lower().replace("_", "-") for way in Way], default="staged"
    )
    parser.add_argument("--spread", action="store_true")
    parser.add_argument("scenario", nargs="?", default="clean-restore")
    parser.add_argument("first", nargs="?", type=int, default=1)
    parser.add_argument("last", nargs="?", type=int, default=0)
    chosen = parser.parse_args(argv)
    way = Way[chosen.way.upper().replace("-", "_")]
    started, lost = time.monotonic(), 0
    with (
        tempfile.TemporaryDirectory() as folder,
        kill_walk(chosen.scenario, 1, Path(folder), way) as walk,
    ):
        numbers = range(chosen.first, min(chosen.last or walk.count, walk.count) + 1)
        for verdict in walk.walk(walk.spread(numbers) if chosen.spread else numbers):
            lost += not verdict.holds
            click.echo(verdict)
    seconds = time.monotonic() - started
    click.echo(f"{len(numbers)} of {walk.count} events in {seconds:.0f} s, {lost} lost")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
