"""What is still to do when a run is over, and what it cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loomtui.restore.events import EventKind, Json, Outcome, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.record.marks import CLEANED, JOB_LOST, KEPT, LEFT_OUT
from loomtui.restore.report import Ending, TodoKind, chronicle_of, ending_of, render
from loomtui.restore.running.approvals import Answer, decision
from tests.restore.material import NOW, make_plan_of, node_plan
from tests.restore.stories import Story, whole

NODES = ("n1", "n2")


def plan() -> Plan:
    return make_plan_of(*(node_plan(name) for name in NODES))


def ending(folder: Path, story: Story) -> Ending:
    return ending_of(chronicle_of(story.write(folder, plan())))


def kinds(ended: Ending) -> list[TodoKind]:
    return [todo.kind for todo in ended.todos]


def about_a_unit(answer: Answer) -> dict[str, Json]:
    return decision(answer, "op@desk", "/etc/systemd/system/loom.service", "a", "b", "")


def test_after_every_restore_a_first_good_backup_is_wanted_and_room_can_be_freed(tmp_path: Path) -> None:
    ended = ending(tmp_path, whole(NOW, *NODES))
    assert kinds(ended) == [TodoKind.FIRST_BACKUP, TodoKind.FREE_SPACE]
    first, free = ended.todos
    assert first.sentence.startswith("No backup of before 2026-")
    assert free.command.startswith("loomtui clean 2026")
    assert "kept on n1 and n2" in free.sentence


def test_room_is_freed_when_no_node_is_held_any_more(tmp_path: Path) -> None:
    story = whole(NOW, *NODES)
    story.tell_data(EventKind.DECISION, StepName.START, "n2", {LEFT_OUT: True})
    held, back = tmp_path / "held", tmp_path / "back"
    held.mkdir()
    back.mkdir()
    assert TodoKind.FREE_SPACE not in kinds(ending(held, story))
    story.end(Outcome.ROLLED_BACK)
    assert kinds(ending(back, story)) == [TodoKind.FREE_SPACE]


@pytest.mark.parametrize(
    ("kept", "frees", "told"),
    [
        ({"n1": 3 << 30, "n2": 1 << 30}, 4 << 30, "What was replaced, 4.0 GiB in all, is kept on n1 and n2"),
        ({"n1": 3 << 30}, 3 << 30, "3.0 GiB in all"),
        ({}, None, "What was replaced is kept on n1 and n2"),
        ("many", None, "What was replaced is kept on n1 and n2"),
        ({"n1": "x"}, None, "What was replaced is kept on n1 and n2"),
    ],
)
def test_the_room_that_can_be_freed_is_what_the_nodes_said(
    tmp_path: Path, kept: Json, frees: int | None, told: str
) -> None:
    story = whole(NOW, *NODES)
    story.tell_data(EventKind.RUN_FINISHED, None, None, {"outcome": "restored", KEPT: kept})
    free = ending(tmp_path, story).todos[-1]
    assert (free.kind, free.frees_bytes) == (TodoKind.FREE_SPACE, frees)
    assert told in free.sentence


def test_what_was_freed_is_not_to_be_freed_again(tmp_path: Path) -> None:
    story = whole(NOW, *NODES)
    story.tell_data(EventKind.NOTE, None, None, {CLEANED: True})
    assert kinds(ending(tmp_path, story)) == [TodoKind.FIRST_BACKUP]


def test_nodes_units_and_backup_jobs_that_are_not_as_they_should_be_come_first(tmp_path: Path) -> None:
    story = whole(NOW, *NODES)
    story.tell_data(EventKind.DECISION, StepName.SERVICES, "n1", about_a_unit(Answer.NO))
    story.tell_data(EventKind.NOTE, StepName.START, "n1", {JOB_LOST: "backup.timer\x1b[2J"})
    story.tell_data(EventKind.DECISION, StepName.START, "n2", {LEFT_OUT: True})
    ended = ending(tmp_path, story)
    assert kinds(ended)[:3] == [TodoKind.LEFT_OUT, TodoKind.UNITS, TodoKind.BACKUP_JOBS]
    assert [todo.sentence for todo in ended.todos[:2]] == [
        "n2 was left out: it stays stopped, held and locked by this run. Put back what it had.",
        "The unit of n1 was left as it is: its peers may not connect after a start.",
    ]
    assert "On n1, backup.timer" in ended.todos[2].sentence
    assert "\x1b" not in ended.todos[2].sentence


def test_the_last_decision_about_a_unit_counts(tmp_path: Path) -> None:
    story = whole(NOW, *NODES)
    for answer in (Answer.NO, Answer.YES):
        story.tell_data(EventKind.DECISION, StepName.SERVICES, "n1", about_a_unit(answer))
    assert TodoKind.UNITS not in kinds(ending(tmp_path, story))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(Outcome.ROLLED_BACK, [TodoKind.FREE_SPACE]), (Outcome.STOPPED, []), (None, [])],
)
def test_runs_that_ended_otherwise(tmp_path: Path, outcome: Outcome | None, expected: list[TodoKind]) -> None:
    story = Story(NOW).begin().step(StepName.PREFLIGHT, *NODES).step(StepName.STOP, *NODES)
    if outcome is not None:
        story.end(outcome)
    assert kinds(ending(tmp_path, story)) == expected


def test_the_cost_is_told_in_time_and_blocks(tmp_path: Path) -> None:
    story = Story(NOW).begin().step(StepName.PREFLIGHT, *NODES, block_time=NOW.isoformat(), height=551)
    for step in (StepName.STOP, StepName.DATA, StepName.VERIFY):
        story.step(step, *NODES)
    run = story.end(Outcome.RESTORED).write(tmp_path, plan())
    restored = run.plan.prediction.height or 0
    ended = ending_of(chronicle_of(run))
    assert f" and {551 - restored} blocks, from the data of " in ended.data_loss
    assert ended.cost.startswith("Down for 32.0 s; lost of the chain: ")
    assert ended.cost.endswith(f" and {551 - restored} blocks.")
    document = json.loads(render(run, "json"))
    assert document["data_loss_blocks"] == 551 - restored
    assert [todo["kind"] for todo in document["still_to_do"]] == ["first-backup", "free-space"]
    assert "**Still to do**" in render(run, "md")
    assert "Still to do</h2>" in render(run, "html")


def test_a_run_that_stopped_nothing_costs_nothing(tmp_path: Path) -> None:
    story = Story(NOW).begin().step(StepName.PREFLIGHT, *NODES).end(Outcome.ROLLED_BACK)
    assert ending(tmp_path, story) == Ending(
        "No service was stopped; lost of the chain: none.",
        "none: no service was stopped",
        "none: no data was put in place",
        (),
    )
