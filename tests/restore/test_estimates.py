"""How long a plan's steps will take, by earlier runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from loomtui.restore.choices import Choices
from loomtui.restore.events import StepName
from loomtui.restore.plan import Plan
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.report import Chronicle
from loomtui.restore.report.estimates import estimate, past_runs
from tests.restore.material import NOW, archive, make_plan_of, node_plan
from tests.restore.stories import Story, whole

NODES = ("n1", "n2", "n3")


def plan(*, unpacked: int = 1_000_000, stage_first: bool = False) -> Plan:
    data = replace(archive(), unpacked_bytes=unpacked)
    nodes = (replace(node_plan(name), data=data) for name in NODES)
    return make_plan_of(*nodes, choices=Choices(stage_first=stage_first))


def ran(folder: Path, *steps: tuple[StepName, float], hours: int = 0, done: Plan | None = None) -> None:
    story = Story(NOW + timedelta(hours=hours)).begin()
    for step, seconds in steps:
        story.step(step, *NODES, seconds=seconds)
    story.write(folder, done or plan())


def test_nothing_is_known_before_the_first_run(tmp_path: Path) -> None:
    assert estimate(plan(), past_runs(RunStore(tmp_path / "runs"), plan().cluster)) == {}


def test_a_step_takes_as_long_as_its_slowest_node_did(tmp_path: Path) -> None:
    for hours, seconds in enumerate((9, 30, 12)):
        ran(tmp_path, (StepName.STOP, seconds), hours=hours)
    estimates = estimate(plan(), past_runs(RunStore(tmp_path / "runs"), plan().cluster))
    assert set(estimates) == {StepName.STOP}
    assert (estimates[StepName.STOP].seconds, estimates[StepName.STOP].runs) == (12, 3)


def test_data_takes_as_long_as_its_bytes_need(tmp_path: Path) -> None:
    ran(tmp_path, (StepName.DATA, 30))
    past = past_runs(RunStore(tmp_path / "runs"), plan().cluster)
    once, tenfold = (estimate(plan(unpacked=size), past)[StepName.DATA] for size in (1_000_000, 10_000_000))
    assert once.seconds == pytest.approx(30)
    assert tenfold.seconds == pytest.approx(300)
    assert once.bytes_per_second == pytest.approx(1_000_000 / 30)


def test_staging_first_moves_the_bytes_to_preflight(tmp_path: Path) -> None:
    """Then the old time of preflight, which fetched no data, says nothing; the rate does."""
    ran(tmp_path, (StepName.PREFLIGHT, 2), (StepName.DATA, 30))
    past = past_runs(RunStore(tmp_path / "runs"), plan().cluster)
    estimates = estimate(plan(stage_first=True), past)
    assert estimates[StepName.PREFLIGHT].seconds == pytest.approx(30)
    assert StepName.DATA not in estimates


def test_what_was_so_already_and_what_failed_tells_no_time(tmp_path: Path) -> None:
    estimates = estimate(plan(), (_chronicle(tmp_path),))
    assert estimates[StepName.DATA].seconds == pytest.approx(400)  # of the node that was tried twice
    assert estimates[StepName.VERIFY].seconds == pytest.approx(25)


def _chronicle(folder: Path) -> Chronicle:
    whole(NOW, *NODES).write(folder, plan())
    return past_runs(RunStore(folder / "runs"), plan().cluster)[0]


def test_other_clusters_and_damaged_runs_are_left_out(tmp_path: Path) -> None:
    ran(tmp_path, (StepName.STOP, 9))
    ran(tmp_path, (StepName.STOP, 99), done=replace(plan(), cluster="another"))
    store = RunStore(tmp_path / "runs")
    damaged = store.root / "20200101-000000-abcd"
    damaged.mkdir()
    (damaged / "plan.yml").write_text("{")
    assert [run.plan.cluster for run in past_runs(store, plan().cluster)] == [plan().cluster]


@pytest.mark.slow
def test_only_the_latest_runs_count(tmp_path: Path) -> None:
    for _ in range(4):
        ran(tmp_path, (StepName.STOP, 9))
    assert len(past_runs(RunStore(tmp_path / "runs"), plan().cluster, limit=2)) == 2
