"""Both sides of a claim in turn, round by round, so that what else the machine does hits both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.claims import Samples, Unit


@dataclass(frozen=True)
class Side:
    """`work` is timed, or gives what is counted; `before` and `after` are neither."""

    label: str
    work: Callable[[], float | None]  # None: its seconds count
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None

    def once(self) -> float:
        self.before()
        began = time.perf_counter()
        counted = self.work()
        seconds = time.perf_counter() - began
        self.after()
        return seconds if counted is None else counted


def in_turn(first: Side, second: Side, rounds: int, unit: Unit = Unit.SECONDS) -> tuple[Samples, Samples]:
    found = [(first.once(), second.once()) for _ in range(rounds)]
    ones, others = zip(*found, strict=True)
    return Samples(first.label, unit, ones), Samples(second.label, unit, others)
