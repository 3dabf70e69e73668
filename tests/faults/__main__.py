"""The whole matrix by one command; exit status 1 when anything is lost.

    python -m tests.faults [--only ROW|FAULT|ROW/FAULT]... [--jobs N] [--list]

Prints a line for each cell as it ends, then a table of steps and faults. Needs root.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack

import click

from loomtui.errors import LoomtuiError
from tests.faults.bed import Bed, bed
from tests.faults.cells import Cell, Fault, Row, cells
from tests.faults.trying import try_cell
from tests.faults.verdicts import Result, Verdict

_WIDTH = 8
_SCENARIOS = ("clean-restore", "moved-hosts", "clean-restore")  # in the order in which workers begin


def _say(what: object) -> None:
    """At once, so that a cell is told of while the others go on."""
    click.echo(what)


def chosen(only: Sequence[str]) -> list[Cell]:
    """Those whose row, fault or name is among the words; all where there are none."""

    def words(cell: Cell) -> set[str]:
        return {cell.name, *cell.name.split("/")}

    return [cell for cell in cells() if not only or words(cell) & set(only)]


class _Waiting:
    """The cells that nobody has taken yet, by the kind of cluster that they want."""

    def __init__(self, wanted: Iterable[Cell]) -> None:
        self._lock = threading.Lock()
        self._by_scenario: dict[str, deque[Cell]] = {}
        for cell in wanted:
            self._by_scenario.setdefault(cell.row.scenario, deque()).append(cell)

    def take(self, scenario: str | None) -> Cell | None:
        """One of this kind while there is any: a cluster takes long to start. None: all are taken."""
        with self._lock:
            left = {name: waiting for name, waiting in self._by_scenario.items() if waiting}
            if not left:
                return None
            chosen = scenario if scenario in left else max(left, key=lambda name: len(left[name]))
            return left[chosen].popleft()

    def drop(self) -> None:
        with self._lock:
            self._by_scenario.clear()


def try_all(wanted: Iterable[Cell], jobs: int) -> list[Verdict]:
    """Each worker has beds of its own, so that cells do not meet."""
    mixed = list(wanted)
    random.Random(0).shuffle(mixed)  # faults that take long are not met all at once
    waiting = _Waiting(mixed)
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(jobs) as workers:
        # Not threads that are joined: Python 3.11 takes a thread for ended when its join was interrupted.
        works = [
            workers.submit(_work, waiting, _SCENARIOS[number % len(_SCENARIOS)], verdicts)
            for number in range(jobs)
        ]
        try:
            wait(works)
        except KeyboardInterrupt:
            waiting.drop()
            _say("It ends with the cells at hand, and unmounts their disks.")
        for work in works:
            work.result()
    return verdicts


def _work(waiting: _Waiting, scenario: str, verdicts: list[Verdict]) -> None:
    with ExitStack() as stack:
        made: Bed | None = None
        while cell := waiting.take(scenario):
            if made is None or scenario != cell.row.scenario:
                stack.close()
                scenario = cell.row.scenario
                made = _bed(stack, scenario)
            verdict = try_cell(made, cell) if made else Verdict(cell, wrong=["its cluster did not come up"])
            verdicts.append(verdict)
            _say(verdict)
            if not verdict.holds:
                made = None  # nobody knows what it holds now


def _bed(stack: ExitStack, scenario: str) -> Bed | None:
    try:
        return stack.enter_context(bed(scenario))
    except (AssertionError, LoomtuiError, OSError, subprocess.SubprocessError) as error:
        _say(f"no cluster for {scenario}: {error}")
        return None


def table(verdicts: Sequence[Verdict]) -> str:
    """Rows of steps, columns of faults, `·` where a fault makes no sense."""
    found = {verdict.cell: verdict for verdict in verdicts}
    faults = [fault for fault in Fault if any(cell.fault is fault for cell in found)]
    lines = [
        "".join([" " * 10, *(f" {_heading(fault)[part]:>{_WIDTH}}" for fault in faults)]) for part in (0, 1)
    ]
    for row in Row:
        if any(cell.row is row for cell in found):
            marks = [_mark(found.get(Cell(row, fault)), Cell(row, fault)) for fault in faults]
            lines.append("".join([f"{row.value:10}", *(f" {mark:>{_WIDTH}}" for mark in marks)]))
    return "\n".join(lines)


def _heading(fault: Fault) -> tuple[str, str]:
    first, _, second = fault.value.partition(" ")
    return (first, second[:_WIDTH]) if second else ("", first)


def _mark(verdict: Verdict | None, cell: Cell) -> str:
    if verdict is not None:
        return verdict.result.value
    return "·" if cell.not_tried else "-"


def summary(verdicts: Sequence[Verdict], seconds: float) -> str:
    count = {result: sum(verdict.result is result for verdict in verdicts) for result in Result}
    back = sum(verdict.rolled_back > 0 for verdict in verdicts)
    rollbacks = sum(verdict.rolled_back for verdict in verdicts)
    return (
        f"{len(verdicts)} cells tried in {seconds:.0f} s: {count[Result.RESUMED]} stopped and resumed, "
        f"{count[Result.RODE_OUT]} rode it out, {count[Result.REFUSED]} refused before anything was changed; "
        f"{back} rolled back ({rollbacks} rollbacks); {count[Result.LOST]} lost"
    )


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="ROW|FAULT|ROW/FAULT")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="name the cells and try none")
    options = parser.parse_args(argv)
    wanted = chosen(options.only)
    if options.list:
        _say("\n".join(cell.name for cell in wanted))
        return 0
    started = time.monotonic()
    verdicts = try_all(wanted, options.jobs)
    _say(f"\n{table(verdicts)}\n\n{summary(verdicts, time.monotonic() - started)}")
    return 0 if len(verdicts) == len(wanted) and all(verdict.holds for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
