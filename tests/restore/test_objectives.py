"""What an incident may cost: the clocks, and what the report says of it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.restore.choices import Objectives
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.report import chronicle_of, ending_of, render
from loomtui.wording.objectives import Standing, clock, grade_of
from loomtui.wording.states import Grade
from tests.restore.material import NOW, make_plan_of, node_plan
from tests.restore.stories import Story

NODES = ("n1", "n2")


@pytest.mark.parametrize(
    ("seconds", "shown", "grade"),
    [
        (60, "00:01:00 of 30m", Grade.GOOD),
        (1439, "00:23:59 of 30m", Grade.GOOD),
        (1440, "00:24:00, near 30m", Grade.WARN),
        (1800, "00:30:00, near 30m", Grade.WARN),
        (1801, "▲ 00:30:01, over 30m", Grade.BAD),
    ],
)
def test_a_clock_says_what_its_colour_says(seconds: int, shown: str, grade: Grade) -> None:
    assert clock(timedelta(seconds=seconds), 1800) == (shown, grade)


def test_a_clock_without_an_objective_only_counts() -> None:
    assert clock(timedelta(seconds=61), None) == ("00:01:01", Grade.OPEN)


@given(st.integers(0, 10**8), st.floats(1, 3650 * 86400))
def test_no_clock_is_better_than_an_earlier_one(seconds: int, objective: float) -> None:
    order = (Grade.GOOD, Grade.WARN, Grade.BAD)
    now, later = (grade_of(timedelta(seconds=at), objective) for at in (seconds, seconds + 60))
    assert order.index(now) <= order.index(later)


def story() -> Story:
    """Down for 22 seconds; an hour of blocks is lost."""
    told = Story(NOW + timedelta(hours=6)).begin()
    told.step(StepName.PREFLIGHT, *NODES, block_time=(NOW + timedelta(hours=1)).isoformat(), height=551)
    told.step(StepName.STOP, *NODES).step(StepName.DATA, *NODES)
    return told


@pytest.mark.parametrize(
    ("downtime", "data_loss", "standings"),
    [
        (60.0, 30.0, [Standing.MET, Standing.MISSED]),
        (10.0, 10.0**6, [Standing.MISSED, Standing.MET]),
        (None, None, [None, None]),
    ],
)
def test_the_report_says_whether_they_were_met(
    tmp_path: Path, downtime: float | None, data_loss: float | None, standings: list[Standing | None]
) -> None:
    plan = make_plan_of(*map(node_plan, NODES), objectives=Objectives(downtime, data_loss))
    run = story().step(StepName.VERIFY, *NODES).end(Outcome.RESTORED).write(tmp_path, plan)
    ended = ending_of(chronicle_of(run))
    assert [ended.downtime_standing, ended.data_loss_standing] == standings
    document = json.loads(render(run, "json"))["objectives"]
    told = [document["downtime"], document["data_loss"]]
    assert [one and one["standing"] for one in told] == standings
    for text in (render(run, "md"), render(run, "html")):
        assert ("(objective " in text) is (downtime is not None)


@pytest.mark.parametrize(("agreed", "standing"), [(3600.0, Standing.OPEN), (20.0, Standing.MISSED)])
def test_what_lasts_too_long_is_missed_before_it_ends(
    tmp_path: Path, agreed: float, standing: Standing
) -> None:
    plan = make_plan_of(*map(node_plan, NODES), objectives=Objectives(agreed))
    run = story().tell(EventKind.NOTE, after=30).write(tmp_path, plan)
    assert ending_of(chronicle_of(run)).downtime_standing is standing


def test_what_was_not_stopped_and_not_lost_meets_them(tmp_path: Path) -> None:
    plan = make_plan_of(*map(node_plan, NODES), objectives=Objectives(1.0, 1.0))
    run = Story(NOW).begin().end(Outcome.ROLLED_BACK).write(tmp_path, plan)
    ended = ending_of(chronicle_of(run))
    assert (ended.downtime_standing, ended.data_loss_standing) == (Standing.MET, Standing.MET)
