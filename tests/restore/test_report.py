"""The report of a run, from its plan and its journal alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from loomtui.restore.events import CHAIN_MOVES, Event, EventKind, Json, Outcome, StepName
from loomtui.restore.plan import Plan, Prediction
from loomtui.restore.record.run_journal import encode
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.report import render, timings
from tests.restore.material import NOW, archive, make_plan_of, node_plan

HOSTILE = "a\x1b]52;c;x\x07|b`c<script>\n| d | ![x](http://evil/)\x9b2J \u202e"

#: Seconds since the start, kind, step, data.
Moment = tuple[float, EventKind, StepName | None, dict[str, Json]]

STORY: tuple[Moment, ...] = (
    (0, EventKind.RUN_STARTED, None, {"operator": "op"}),
    (1, EventKind.STEP_STARTED, StepName.PREFLIGHT, {}),
    (
        2,
        EventKind.TASK_DONE,
        StepName.PREFLIGHT,
        {"block_time": (NOW + timedelta(hours=5)).isoformat(), "height": 130},
    ),
    (3, EventKind.STEP_DONE, StepName.PREFLIGHT, {}),
    (4, EventKind.STEP_STARTED, StepName.STOP, {}),
    (5, EventKind.TASK_STARTED, StepName.STOP, {}),
    (8, EventKind.STEP_DONE, StepName.STOP, {}),
    (10, EventKind.STEP_STARTED, StepName.VERIFY, {}),
    (65, EventKind.STEP_DONE, StepName.VERIFY, {}),
    (66, EventKind.RUN_FINISHED, None, {"outcome": Outcome.RESTORED.value}),
)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    def make(*story: Moment, plan: Plan | None = None, message: str = "", node: str | None = None) -> Run:
        (tmp_path / "inventory.yml").touch()
        default = make_plan_of(
            node_plan("n1"), node_plan("n2", data=archive(taken_at=NOW + timedelta(hours=1)))
        )
        run = RunStore(tmp_path / "runs").create(plan or default, tmp_path / "inventory.yml")
        begin = NOW + timedelta(hours=6)
        lines = [
            encode(
                Event(
                    seq, begin + timedelta(seconds=at), run.id, kind, message or kind.value, step, node, data
                )
            )
            for seq, (at, kind, step, data) in enumerate(story, 1)
        ]
        run.journal_path.write_text("".join(f"{line}\n" for line in lines))
        return run

    return make


def test_downtime_is_from_the_first_stop_until_the_chain_moves(make_run: Callable[..., Run]) -> None:
    measured = timings(make_run(*STORY))
    assert measured.downtime_seconds == 60
    assert {step.name: (step.seconds, step.outcome) for step in measured.steps} == {
        StepName.PREFLIGHT: (2, "done"),
        StepName.STOP: (4, "done"),
        StepName.VERIFY: (55, "done"),
    }


def test_downtime_ends_when_blocks_come_although_peers_still_find_each_other(
    make_run: Callable[..., Run],
) -> None:
    failed: tuple[Moment, ...] = (
        (10, EventKind.STEP_STARTED, StepName.VERIFY, {}),
        (12, EventKind.NOTE, StepName.VERIFY, {CHAIN_MOVES: True}),
        (40, EventKind.TASK_FAILED, StepName.VERIFY, {}),
    )
    again: tuple[Moment, ...] = (
        (50, EventKind.STEP_STARTED, StepName.VERIFY, {}),
        (57, EventKind.NOTE, StepName.VERIFY, {CHAIN_MOVES: True}),
    )
    assert timings(make_run(*STORY[:7], *failed)).downtime_seconds is None
    assert timings(make_run(*STORY[:7], *failed, *again, *STORY[8:])).downtime_seconds == 57 - 5


def test_the_loss_is_from_the_oldest_data_to_the_newest_block(make_run: Callable[..., Run]) -> None:
    assert timings(make_run(*STORY)).data_loss_seconds == 5 * 3600


def test_without_a_known_block_the_loss_reaches_to_the_start(make_run: Callable[..., Run]) -> None:
    story = [(at, kind, step, {} if "height" in data else data) for at, kind, step, data in STORY]
    assert timings(make_run(*story)).data_loss_seconds == 6 * 3600


def test_a_block_that_was_restored_is_not_lost(make_run: Callable[..., Run]) -> None:
    story = [
        (at, kind, step, data | {"height": 100} if "height" in data else data)
        for at, kind, step, data in STORY
    ]
    assert timings(make_run(*story)).data_loss_seconds == 6 * 3600


def test_without_data_or_events_nothing_is_lost(make_run: Callable[..., Run]) -> None:
    assert timings(make_run()).data_loss_seconds is None
    assert timings(make_run(*STORY, plan=make_plan_of(node_plan(data=None)))).data_loss_seconds is None


def test_steps_that_did_not_end_have_no_time(make_run: Callable[..., Run]) -> None:
    failed: Moment = (6.0, EventKind.TASK_FAILED, StepName.DATA, {})
    measured = timings(make_run(*STORY[:6], (5.5, EventKind.STEP_STARTED, StepName.DATA, {}), failed))
    assert [(step.name, step.seconds, step.outcome) for step in measured.steps[1:]] == [
        (StepName.STOP, None, "started"),
        (StepName.DATA, None, "failed"),
    ]
    assert measured.downtime_seconds is None


def test_a_stop_that_had_nothing_to_do_counts_from_its_start(make_run: Callable[..., Run]) -> None:
    story = [event for event in STORY if event[1] is not EventKind.TASK_STARTED]
    assert timings(make_run(*story)).downtime_seconds == 61


BACK: tuple[Moment, ...] = (
    (1000, EventKind.ROLLBACK_STARTED, None, {}),
    (1010, EventKind.TASK_UNDONE, StepName.START, {}),
    (1030, EventKind.RUN_FINISHED, None, {"outcome": Outcome.ROLLED_BACK.value}),
)


def test_the_rollback_of_a_finished_run_is_a_second_outage(make_run: Callable[..., Run]) -> None:
    run = make_run(*STORY, *BACK)
    measured = timings(run)
    began = NOW + timedelta(hours=6)
    assert [
        ((outage.since - began).seconds, outage.until and (outage.until - began).seconds, outage.put_back)
        for outage in measured.outages
    ] == [(5, 65, False), (1000, 1030, True)]
    assert measured.downtime_seconds == 90
    assert measured.down_until == began + timedelta(seconds=1030)
    text = render(run, "md")
    assert "from 09:04:10 until the chain moved at 09:05:10 UTC, and from 09:20:45 until all was put" in text
    assert [outage["until"][11:19] for outage in json.loads(render(run, "json"))["outages"]] == [
        "09:05:10",
        "09:21:15",
    ]
    assert render(run, "html").count('class="outage"') == 2


def test_a_rollback_that_did_not_end_leaves_the_outage_open(make_run: Callable[..., Run]) -> None:
    stopped: Moment = (1030, EventKind.RUN_FINISHED, None, {"outcome": Outcome.STOPPED.value})
    run = make_run(*STORY, *BACK[:2], stopped)
    measured = timings(run)
    assert (measured.downtime_seconds, measured.down_until) == (None, None)
    assert "its end is not recorded" in render(run, "md")
    again: Moment = (2000, EventKind.ROLLBACK_STARTED, None, {})
    done: Moment = (2010, EventKind.RUN_FINISHED, None, {"outcome": Outcome.ROLLED_BACK.value})
    assert timings(make_run(*STORY, *BACK[:2], stopped, again, done)).downtime_seconds == 60 + 1010


def test_a_rollback_before_the_chain_moved_is_one_outage(make_run: Callable[..., Run]) -> None:
    assert timings(make_run(*STORY[:7], *BACK)).downtime_seconds == 1030 - 5


def test_json_holds_the_contracts_names(make_run: Callable[..., Run]) -> None:
    run = make_run(*STORY, node="n1")
    document = json.loads(render(run, "json"))
    assert document["run"] == run.id
    assert (document["outcome"], document["operator"], document["cluster"]) == ("restored", "op", "lab")
    assert (document["downtime_seconds"], document["data_loss_seconds"]) == (60, 5 * 3600)
    assert document["steps"][0] == {"name": "preflight", "seconds": 2, "outcome": "done"}
    assert document["nodes"][0]["signing"] == "keep"
    assert document["events"][0]["kind"] == "run-started"
    assert len(document["events"]) == len(STORY)
    assert document["ended_at"].startswith("2026-01-02T09:05:11")


def test_json_of_a_run_that_never_began(make_run: Callable[..., Run]) -> None:
    document = json.loads(render(make_run(plan=make_plan_of(node_plan(data=None))), "json"))
    assert document["outcome"] is None
    assert document["started_at"] is None
    assert document["nodes"][0]["data"] is None


@pytest.mark.parametrize(
    ("story", "title"),
    [
        (STORY, "restored: the chain moves"),
        (STORY[:3], "interrupted, or still going on"),
        (
            (STORY[0], (1.0, EventKind.RUN_FINISHED, None, {"outcome": "stopped"})),
            "stopped; it can be resumed",
        ),
        ((STORY[0], (1.0, EventKind.RUN_FINISHED, None, {"outcome": "rolled-back"})), "rolled back"),
    ],
)
def test_markdown_says_in_its_title_how_it_ended(
    make_run: Callable[..., Run], story: tuple[Moment, ...], title: str
) -> None:
    assert f"Restore of `lab` (○ not production): {title}" in render(make_run(*story), "md").splitlines()[0]


def test_json_keeps_hostile_text_as_data(make_run: Callable[..., Run]) -> None:
    plan = make_plan_of(
        node_plan(data=archive(key=HOSTILE), node_id=HOSTILE),
        prediction=Prediction(True, 100, 1, 1, HOSTILE),
    )
    story = (
        (0.0, EventKind.RUN_STARTED, None, {"operator": HOSTILE}),
        (1.0, EventKind.NOTE, StepName.DATA, {"said": HOSTILE}),
    )
    text = render(make_run(*story, plan=plan, message=HOSTILE, node=HOSTILE), "json")
    assert not any(sign in text for sign in ("\x1b", "\x9b", "\u202e", "\x07"))
    assert json.loads(text)["prediction"] == HOSTILE
