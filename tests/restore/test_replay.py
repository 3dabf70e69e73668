"""A run played again: the clock of the replay, what a record must be like, and reports that were sent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.drill.environment import keep_runs
from loomtui.errors import CallError
from loomtui.restore.choices import Objectives
from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.replay.kept import KeptRuns
from loomtui.restore.replay.player import SPEEDS, Player, speed_within
from loomtui.restore.replay.recording import Recording, recording_of
from loomtui.restore.replay.report_file import MAX_BYTES, load_report, read_report
from loomtui.restore.report import render
from tests.restore.material import NOW, make_plan_of, node_plan
from tests.restore.stories import Story, whole

NODES = ("n1", "n2", "n3")
RUN = "20261121-031415-ab12"
_BEGAN = NOW + timedelta(hours=6)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    plan = make_plan_of(*map(node_plan, NODES), objectives=Objectives(downtime_seconds=1800))
    return whole(_BEGAN, *NODES).write(tmp_path, plan)


def told(*seconds: float) -> Recording:
    """Notes that came so long after the beginning of the run, in the order in which they were written."""
    story = Story(_BEGAN)
    for second in seconds:
        story.at = _BEGAN + timedelta(seconds=second)
        story.tell(EventKind.NOTE)
    return Recording(RUN, "practice", False, NODES, story.told(RUN), None)


def taken_at(player: Player, seconds: float) -> int:
    player.seek(player.recording.began + timedelta(seconds=seconds))
    return player.taken


# ── the clock ───────────────────────────────────────────────────────────────────────────────────────────────


def test_time_goes_by_at_the_speed_that_is_chosen_and_stops_at_the_end() -> None:
    player = Player(told(0, 60, 1200), speed_within(told(0, 60, 1200), 30))
    assert (player.speed, player.taken) == (40, 1)
    player.advance(1.5)
    assert (player.at, player.taken, player.playing) == (_BEGAN + timedelta(seconds=60), 2, True)
    player.advance(28.4)
    assert not player.is_at_end
    player.advance(0.2)
    assert (player.at, player.taken, player.playing) == (player.recording.ended, 3, False)
    player.advance(100)
    assert player.is_at_end
    player.toggle()
    assert (player.at, player.taken, player.playing) == (_BEGAN, 1, True)
    player.toggle()
    player.advance(100)
    assert (player.at, player.playing) == (_BEGAN, False)


def test_events_of_one_instant_are_stepped_through_one_by_one() -> None:
    player = Player(told(0, 5, 5, 5, 9))
    seen = []
    for by in (1, 1, 1, 1, 1, -1, -1, -1, -9):
        player.step(by)
        seen.append((player.taken, (player.at - _BEGAN).seconds, player.playing))
    assert [taken for taken, _, _ in seen] == [2, 3, 4, 5, 5, 4, 3, 2, 1]
    assert [at for _, at, _ in seen] == [5, 5, 5, 9, 9, 5, 5, 5, 0]
    assert not any(playing for _, _, playing in seen)


def test_a_clock_that_was_set_back_changes_no_order() -> None:
    player = Player(told(0, 100, 40, 41, 120))
    assert [taken_at(player, at) for at in (0, 50, 99, 100, 119, 120)] == [1, 1, 1, 4, 4, 5]


def test_no_moment_lies_outside_of_the_run() -> None:
    player = Player(told(0, 10))
    player.seek(datetime.max.replace(tzinfo=UTC))
    assert player.is_at_end
    player.seek(datetime.min.replace(tzinfo=UTC))
    assert player.at == _BEGAN
    player.move(timedelta.max)
    assert player.is_at_end
    player.move(timedelta.min)
    assert player.at == _BEGAN


def test_speeds_go_up_and_down_from_any_speed() -> None:
    player = Player(told(0), 40)
    player.faster()
    assert player.speed == 50
    player.slower()
    player.slower()
    assert player.speed == 10
    for _ in range(30):
        player.slower()
    assert player.speed == SPEEDS[0]
    for _ in range(30):
        player.faster()
    assert player.speed == SPEEDS[-1]


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=40),
    st.lists(
        st.one_of(
            st.tuples(st.just("advance"), st.floats(0, 50)),
            st.tuples(st.just("step"), st.integers(-5, 5)),
            st.tuples(st.just("seek"), st.integers(-100, 6000)),
        ),
        max_size=20,
    ),
)
def test_wherever_it_stands_all_has_happened_that_had_happened_then(
    seconds: list[int], acts: list[tuple[str, Any]]
) -> None:
    recording = told(*seconds)
    player = Player(recording)
    is_between = False  # of several events of one instant, not all are taken
    for act, value in acts:
        if act == "advance":
            is_between = is_between and not player.playing
            player.advance(value)
        elif act == "step":
            is_between = True
            player.step(value)
        else:
            is_between = False
            taken_at(player, value)
        assert recording.began <= player.at <= recording.ended
        assert player.taken >= 1
        assert all(at <= player.at for at in recording.times[: player.taken])
        assert is_between or all(at > player.at for at in recording.times[player.taken :])


# ── what was recorded ───────────────────────────────────────────────────────────────────────────────────────


def test_half_a_last_line_is_left_out(run: Run) -> None:
    whole_journal = run.events()
    run.journal_path.write_bytes(run.journal_path.read_bytes()[:-9])
    assert recording_of(run).events == whole_journal[:-1]


def _without_a_line(journal: bytes) -> bytes:
    lines = journal.splitlines(keepends=True)
    return b"".join([*lines[:5], *lines[6:]])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda journal: b"", "its journal is empty"),
        (lambda journal: journal.split(b"\n")[0], "its journal is empty"),
        (_without_a_line, "line 6 of its journal is damaged"),
        (lambda journal: journal.replace(b'"task-done"', b'"task-dreamt"', 1), "line 7 of its journal"),
        (lambda journal: journal.replace(b"Z", b"", 1), "line 1 of its journal"),
        (lambda journal: b"\x00" * 100 + b"\n" + journal, "line 1 of its journal"),
    ],
)
def test_a_journal_that_is_not_whole_is_refused(
    run: Run, damage: Callable[[bytes], bytes], said: str
) -> None:
    run.journal_path.write_bytes(damage(run.journal_path.read_bytes()))
    with pytest.raises(CallError, match=said) as caught:
        recording_of(run)
    assert f"loomtui report {run.id}" in caught.value.advice


def test_a_run_without_a_journal_is_refused(run: Run) -> None:
    run.journal_path.unlink()
    with pytest.raises(CallError, match="has no journal"):
        recording_of(run)


# ── the report that somebody sent ───────────────────────────────────────────────────────────────────────────


def test_a_report_is_played_as_the_run_itself(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sent.json"
    path.write_text(render(run, "json"))
    assert load_report(path) == recording_of(run)
    assert load_report(path).downtime_objective == 1800


def test_a_report_of_the_time_before_versions_is_read(run: Run) -> None:
    document = json.loads(render(run, "json"))
    assert document.pop("report_version") == 1
    assert read_report(json.dumps(document).encode(), "it") == recording_of(run)


def _changed(run: Run, changes: dict[str, object]) -> bytes:
    return json.dumps({**json.loads(render(run, "json")), **changes}).encode()


def _event(**changes: object) -> dict[str, object]:
    event = {"at": "2026-11-21T03:14:15Z", "kind": "note", "message": "it is so", "step": None, "node": "n1"}
    return {**event, "data": {}, **changes}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"report_version": 2}, "of a newer loomtui: it has version 2, and this loomtui reads 1"),
        ({"report_version": "1"}, "its version is no number"),
        ({"events": []}, "events: Tuple should have at least 1 item"),
        ({"events": [_event(kind="dreamt")]}, "events.0.kind: Input should be"),
        ({"events": [_event(kind="task-progress")]}, "events.0.kind: Value error, it is in no journal"),
        ({"events": [_event(at="2026-11-21T03:14:15")]}, "events.0.at: Input should have timezone info"),
        ({"events": [_event(at="9999-12-31T23:59:59-12:00")]}, "events.0.at: Input should be less than"),
        ({"events": [_event(step="dance")]}, "events.0.step"),
        ({"events": [_event(node="../n1")]}, "events.0.node"),
        ({"events": [_event(message="x" * 20_000)]}, "events.0.message"),
        ({"events": [_event(data=[])]}, "events.0.data"),
        ({"events": {"0": _event()}}, "events: Input should be a valid tuple"),
        ({"run": "../../etc"}, "run: String should match"),
        ({"run": RUN + "\n"}, "run: String should match"),
        ({"cluster": "a b"}, "cluster"),
        ({"nodes": []}, "nodes: Tuple should have at least 1 item"),
        ({"nodes": [{"name": "n" * 80}]}, "nodes.0.name"),
        ({"objectives": {"downtime": {"seconds": -1}}}, "objectives.downtime.seconds"),
        ({"production": None}, "production"),
    ],
)
def test_what_is_no_whole_report_is_refused_with_its_place(
    run: Run, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(CallError) as caught:
        read_report(_changed(run, changes), "sent.json")
    assert said in caught.value.what
    assert caught.value.what.startswith("sent.json ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "it is not JSON"),
        (b"# Restore of practice\n", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "not a report that holds the events"),
        (b'{"cluster": "practice"}', "not a report that holds the events"),
    ],
)
def test_what_is_no_report_at_all_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(CallError, match=said):
        read_report(text, "sent.json")


def test_a_file_that_is_too_large_or_not_there_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(CallError, match="too large to be a report"):
        load_report(large)
    with pytest.raises(CallError, match="cannot be read: No such file"):
        load_report(tmp_path / "none.json")
    with pytest.raises(CallError, match="cannot be read: Is a directory"):
        load_report(tmp_path)


def test_what_is_hostile_in_a_report_is_only_text(run: Run) -> None:
    hostile = "a\x1b]52;c;x\x07\x9b2J\u202eb"
    event = _event(message=hostile, data={hostile: [hostile, {"x": hostile}], "seconds": 1e308})
    (read,) = read_report(_changed(run, {"events": [event]}), "sent.json").events
    assert read.message.isprintable()
    assert "\x1b" not in str(read.data)
    assert "\u202e" not in str(read.data)
    assert read.seq == 1


def test_times_of_a_report_are_told_in_utc(run: Run) -> None:
    (read,) = read_report(_changed(run, {"events": [_event(at="2026-11-21T05:14:15+02:00")]}), "it").events
    assert f"{read.at:%H:%M %Z}" == "03:14 UTC"


def test_a_run_that_goes_on_elsewhere_is_played_as_far_as_it_went(tmp_path: Path) -> None:
    story = Story(_BEGAN).begin().step(StepName.PREFLIGHT, *NODES)
    recording = recording_of(story.write(tmp_path, make_plan_of(*map(node_plan, NODES))))
    assert recording.events[-1].kind is EventKind.STEP_DONE
    assert replace(recording, events=recording.events[:1]).length == timedelta()


def test_a_report_of_a_stopped_run_is_played_too(tmp_path: Path) -> None:
    story = Story(_BEGAN).begin().end(Outcome.STOPPED, after=7)
    run = story.write(tmp_path, make_plan_of(*map(node_plan, NODES)))
    read = read_report(render(run, "json").encode(), "it")
    assert [event.kind for event in read.events] == [EventKind.RUN_STARTED, EventKind.RUN_FINISHED]
    assert isinstance(read.events[0], Event)


# ── runs of drills ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_runs_of_a_drill_can_be_played_when_its_cluster_is_gone(run: Run, tmp_path: Path) -> None:
    kept = KeptRuns(tmp_path / "kept")
    assert (kept.recordings(), kept.has(run.id), kept.has("../kept")) == ((), False, False)
    expected = recording_of(run)
    keep_runs(RunStore(tmp_path / "runs"), kept)
    shutil.rmtree(run.folder)
    assert kept.has(run.id)
    assert kept.open(run.id) == expected
    (tmp_path / "kept/20261121-031415-ab12.json").write_text("torn")
    assert kept.recordings() == (expected,)


def test_of_many_drills_the_oldest_runs_go(run: Run, tmp_path: Path) -> None:
    kept = KeptRuns(tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    for number in range(100):
        (tmp_path / f"kept/20250101-000000-{number:04x}.json").write_text("{}")
    kept.keep(run)
    left = sorted(path.stem for path in (tmp_path / "kept").iterdir())
    assert (len(left), left[0], left[-1]) == (100, "20250101-000000-0001", run.id)


def test_a_drill_does_not_fail_for_runs_that_cannot_be_kept(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file is in the way")
    keep_runs(RunStore(tmp_path / "runs"), KeptRuns(tmp_path / "kept"))
    assert (tmp_path / "kept").is_file()
