"""A restore that is killed with SIGKILL loses nothing, seen at a sample of its events.

All of them, which takes longer: python -m tests.restore.kill_walk
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from loomtui.restore.events import EventKind
from tests.restore.kill_walk import KillWalk, kill_walk
from tests.restore.ways import Way

pytestmark = pytest.mark.slow

_SAMPLE = 2


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillWalk]:
    with kill_walk("clean-restore", 1, tmp_path_factory.mktemp("kill")) as walk:
        yield walk


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(1, _SAMPLE + 1))
def test_killed_restore_resumes_to_the_same_end_and_rolls_back_to_the_state_before(
    walk: KillWalk, part: int
) -> None:
    number = max(1, walk.count * part // (_SAMPLE + 1))

    verdict = walk.at(number)

    assert verdict.holds, str(verdict)


@pytest.fixture(scope="module")
def unread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillWalk]:
    with kill_walk("clean-restore", 1, tmp_path_factory.mktemp("unread"), Way.UNREAD) as walk:
        yield walk


@pytest.mark.timeout(900)
def test_killed_where_the_plan_is_completed_it_loses_nothing(unread: KillWalk) -> None:
    """Right after it: the event before is one of many that only a look has made."""
    verdict = unread.at(unread.kinds.index(EventKind.PLAN_COMPLETED.value) + 1)

    assert verdict.holds, str(verdict)
