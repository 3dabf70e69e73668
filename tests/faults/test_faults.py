"""A part of the matrix that meets every fault and each step of a restore. All: python -m tests.faults"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.__main__ import chosen
from tests.faults.bed import Bed, bed
from tests.faults.cells import Cell, Fault, Row
from tests.faults.trying import try_cell

_NAMES = (
    "parts/killed",
    "plan/s3-403",
    "preflight/s3-404",
    "preflight/second",
    "preflight/sudo",
    "stage/s3-reset",
    "stage/disk-full",
    "look/killed",
    "delta/killed",
    "stop/power",
    "stop/colleague",
    "data/s3-500",
    "data/s3-503",
    "data/s3-other",
    "data/gone",
    "swap/full-at-swap",
    "swap/power",
    "start/journal",
    "start/clock",
    "verify/cut",
    "config/read-only",
    "config/cut-for-good",
    "node-keys/sshd",
    "services/disk-full",
)

_A_GROUP = 12  # cells, of which each group has a cluster of its own

#: Left to the whole matrix: most of what they meet is met in `parts` and `delta`.
_LEFT = {Row.PREPARE, Row.MANIFEST, Row.TWIN}

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]


def _params() -> list[object]:
    """Cells of one kind of cluster stay together with `--dist loadgroup`, as many as make a group."""
    cells = sorted(chosen(_NAMES), key=lambda cell: cell.row.scenario)
    groups = (f"{cell.row.scenario}-{number // _A_GROUP}" for number, cell in enumerate(cells))
    return [
        pytest.param(cell, id=cell.name, marks=pytest.mark.xdist_group(group))
        for cell, group in zip(cells, groups, strict=True)
    ]


class _Beds:
    """One at a time; another one where the last cell left it in a state that nobody knows."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._made: Bed | None = None

    def of(self, scenario: str) -> Bed:
        if self._made is None or self._made.cluster.scenario.name != scenario:
            self.drop()
            self._made = self._stack.enter_context(bed(scenario))
        return self._made

    def drop(self) -> None:
        self._made = None
        self._stack.close()


@pytest.fixture(scope="module")
def beds() -> Iterator[_Beds]:
    made = _Beds()
    yield made
    made.drop()


@pytest.mark.parametrize("cell", _params())
def test_nothing_is_lost(beds: _Beds, cell: Cell) -> None:
    verdict = try_cell(beds.of(cell.row.scenario), cell)
    if not verdict.holds:
        beds.drop()

    assert verdict.holds, str(verdict)


def test_every_fault_and_every_step_is_met() -> None:
    met = chosen(_NAMES)

    assert len(met) == len(_NAMES)
    assert {cell.fault for cell in met} == set(Fault)
    assert {cell.row for cell in met} == set(Row) - _LEFT
