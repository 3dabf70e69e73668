"""A run is taken over from a second home, seen at a sample of moments of a restore of a practice cluster.

All of them, which takes longer: python -m tests.restore.kill_walk --way take-over; and
python -m tests.restore.suspend_walk
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.restore.events import EventKind, StepName
from tests.restore.kill_walk import KillWalk, kill_walk
from tests.restore.suspend_walk import SuspendWalk
from tests.restore.ways import Way

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillWalk]:
    with kill_walk("clean-restore", 1, tmp_path_factory.mktemp("kill"), Way.TAKE_OVER) as walk:
        yield walk


@pytest.mark.timeout(900)
def test_killed_it_goes_on_from_a_second_home_to_the_same_end_or_back(walk: KillWalk) -> None:
    """In the first task of the config, when the data is in its place."""
    begun = [at for at, kind in enumerate(walk.kinds) if kind == EventKind.STEP_STARTED.value]

    verdict = walk.at(begun[list(StepName).index(StepName.CONFIG)] + 2)

    assert verdict.holds, str(verdict)


@pytest.mark.timeout(900)
def test_a_loomtui_that_was_suspended_changes_nothing_when_it_wakes_up(
    walk: KillWalk, tmp_path: Path
) -> None:
    """In the middle of the data step: all services are stopped, and the swap is under way."""
    begun = [at for at, kind in enumerate(walk.kinds) if kind == EventKind.STEP_STARTED.value]

    verdict = SuspendWalk(walk.restorer, tmp_path).at(begun[2] + 2, 0.1)

    assert verdict.holds, str(verdict)
