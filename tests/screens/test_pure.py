"""Words, events folded, keys: what needs no screen."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.record.marks import LEFT_OUT
from loomtui.wording import quantities
from screens.input import keys, restore_keys
from screens.input.key import Key
from screens.restore.run_text import RunUiState, guidance_for
from screens.restore.run_view import RunView, StepState, TaskState, TaskView
from screens.restore.step_list import TaskList
from screens.text import content, words
from tests.screens.basics import HOSTILE, NOW


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h00m"),
        (86399, "23h59m"),
        (86400, "1d00h"),
        (99 * 86400, "99d00h"),
        (100 * 86400, "100d"),
        (-5, "-5s"),
    ],
)
def test_span(seconds: float, expected: str) -> None:
    assert quantities.span(seconds) == expected
    assert quantities.span(timedelta(seconds=seconds)) == expected


@given(st.text(max_size=60), st.integers(1, 40))
def test_what_is_cut_fits(text: str, cells: int) -> None:
    assert cell_len(words.cut(text, cells)) <= cells


@given(st.integers(-5, 10**12), st.integers(-5, 10**12), st.integers(1, 80))
def test_a_bar_has_its_width(done: int, total: int, cells: int) -> None:
    assert len(quantities.bar(done, total, cells)) == cells


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), "no node"),
        (("a",), "a"),
        (("a", "b"), "a and b"),
        (tuple("abcdefgh"), "a, b, c, d, e, f and 2 more"),
    ],
)
def test_joined(names: tuple[str, ...], expected: str) -> None:
    assert quantities.joined(names) == expected


@pytest.mark.parametrize("text", HOSTILE)
def test_content_keeps_brackets_and_drops_escapes(text: str) -> None:
    for shown_text in (
        content.text(text),
        content.line(text),
        content.row(text),
        content.lines([text]),
        content.diff(text),
    ):
        assert "\x1b" not in shown_text.plain
        if "\x1b" not in text:
            assert shown_text.plain == text


def test_every_key_has_its_own_id_and_a_sentence() -> None:
    all_keys = [key for group in keys.GROUPS for key in group]
    assert [name for name, times in Counter(key.id for key in all_keys).items() if times > 1] == []
    assert all(key.tooltip and key.label for key in all_keys)


def test_nothing_vital_on_keys_of_terminals_and_multiplexers() -> None:
    taken = {f"ctrl+{letter}" for letter in "jsobmhi"}
    assert not taken & {name for group in keys.GROUPS for key in group for name in key.keys.split(",")}


@pytest.mark.parametrize(
    "group",
    [keys.HEALTH, keys.BACKUPS, keys.SERVICES, keys.RUNS, keys.LOGS, restore_keys.CHOOSE, restore_keys.PLAN],
)
def test_a_screen_has_no_key_twice(group: tuple[Key, ...]) -> None:
    named = [name for part in (group, keys.APP, keys.BACK) for key in part for name in key.keys.split(",")]
    screen_keys = [name for key in group for name in key.keys.split(",")]
    assert [name for name, times in Counter(screen_keys).items() if times > 1] == []
    assert {name for name, times in Counter(named).items() if times > 1} <= {"enter", "n"}


def test_a_key_of_a_dangerous_act_is_no_harmless_key_elsewhere() -> None:
    """A key that is pressed too often on one screen must do nothing dangerous on the next."""
    harmless = {
        name for group in keys.GROUPS for key in group if not key.danger for name in key.keys.split(",")
    }
    vital = {key.keys for key in restore_keys.RUN if key.danger and key.id != "run.approve_all"}
    assert not vital & harmless


def event(
    kind: EventKind, step: StepName | None = None, node: str | None = None, at: int = 0, **data: object
) -> Event:
    return Event(at, NOW + timedelta(seconds=at), "run", kind, "said", step, node, data)  # type: ignore[arg-type]


def test_a_run_folded() -> None:
    view = RunView(("db1", "db2"))
    view.take(event(EventKind.RUN_STARTED))
    view.take(event(EventKind.STEP_STARTED, StepName.STOP, at=10))
    assert view.downtime(NOW) is None
    view.take(event(EventKind.TASK_STARTED, StepName.STOP, "db1", at=12))
    assert view.downtime(NOW + timedelta(seconds=20)) == timedelta(seconds=8)
    view.take(event(EventKind.TASK_PROGRESS, StepName.STOP, "db1", at=14, done=50, total=200))
    assert view.tasks_of(StepName.STOP)[0].bytes_per_second == 25
    assert view.tasks_of(StepName.STOP)[1].state is TaskState.WAITING
    view.take(event(EventKind.TASK_FAILED, StepName.STOP, "db1", at=15))
    view.take(event(EventKind.TASK_DONE, StepName.STOP, "db2", at=15, skipped=True))
    assert view.states[StepName.STOP] is StepState.FAILED
    assert view.tasks_of(StepName.STOP)[1].state is TaskState.ALREADY
    view.take(event(EventKind.TASK_STARTED, StepName.STOP, "db1", at=16))
    assert view.states[StepName.STOP] is StepState.RUNNING
    view.take(event(EventKind.STEP_DONE, StepName.STOP, at=17))
    view.take(event(EventKind.STEP_DONE, StepName.VERIFY, at=30))
    view.take(event(EventKind.RUN_FINISHED, at=31, outcome=Outcome.RESTORED.value))
    assert view.outcome is Outcome.RESTORED
    assert view.downtime(NOW + timedelta(days=1)) == timedelta(seconds=18)


def test_the_clock_of_the_outage_stops_with_the_first_blocks_unless_that_try_fails() -> None:
    view = RunView(("db1",))
    view.take(event(EventKind.TASK_STARTED, StepName.STOP, "db1", at=1))
    view.take(event(EventKind.NOTE, StepName.VERIFY, at=11, chain_moves=True))
    assert view.downtime(NOW + timedelta(days=1)) == timedelta(seconds=10)
    view.take(event(EventKind.TASK_FAILED, StepName.VERIFY, "db1", at=20))
    assert view.downtime(NOW + timedelta(seconds=31)) == timedelta(seconds=30)
    view.take(event(EventKind.NOTE, StepName.VERIFY, at=41, chain_moves=True))
    view.take(event(EventKind.STEP_DONE, StepName.VERIFY, at=50))
    assert view.downtime(NOW + timedelta(days=1)) == timedelta(seconds=40)


def test_a_rollback_folded() -> None:
    view = RunView(("db1",))
    view.take(event(EventKind.TASK_STARTED, StepName.STOP, "db1", at=1))
    view.take(event(EventKind.ROLLBACK_STARTED, at=2))
    assert view.rolling_back
    view.take(event(EventKind.TASK_UNDONE, StepName.STOP, "db1", at=3))
    assert view.states[StepName.STOP] is StepState.UNDONE
    view.take(event(EventKind.RUN_FINISHED, at=4, outcome="rolled-back"))
    assert view.finished
    assert view.downtime(NOW + timedelta(days=1)) == timedelta(seconds=3)


def test_what_ran_when_the_run_ended_was_interrupted() -> None:
    view = RunView(("db1", "db2"))
    view.take(event(EventKind.TASK_STARTED, StepName.DATA, "db1", at=1))
    view.take(event(EventKind.TASK_DONE, StepName.DATA, "db2", at=2))
    view.take(event(EventKind.RUN_FINISHED, at=3, outcome="stopped"))
    states = [task.state for task in view.tasks_of(StepName.DATA)]
    assert states == [TaskState.INTERRUPTED, TaskState.DONE]
    assert view.states[StepName.DATA] is StepState.WAITING
    view.take(event(EventKind.RUN_RESUMED, at=4))
    view.take(event(EventKind.TASK_STARTED, StepName.DATA, "db1", at=5))
    assert view.states[StepName.DATA] is StepState.RUNNING


@given(st.integers(20, 200), st.integers(0, 10**12), st.integers(1, 10**12), st.integers(0, 10_000))
def test_a_running_task_fits_on_its_line(width: int, done: int, total: int, seconds: int) -> None:
    task = TaskView("db1", TaskState.RUNNING, "fetching", done, total, NOW, NOW + timedelta(seconds=seconds))
    assert TaskList()._progress(task, width).cell_length <= width


def test_files_are_counted_where_there_is_room_for_them() -> None:
    view = RunView(("db1",))
    view.take(event(EventKind.TASK_STARTED, StepName.DATA, "db1"))
    view.take(
        event(
            EventKind.TASK_PROGRESS, StepName.DATA, "db1", at=2, done=50, total=200, files=3, files_total=12
        )
    )
    (task,) = view.tasks_of(StepName.DATA)
    assert "3 of 12 files" in TaskList()._progress(task, 120).plain
    assert "files" not in TaskList()._progress(task, 40).plain


def test_an_outcome_that_nobody_knows_is_a_stop() -> None:
    view = RunView(())
    view.take(event(EventKind.RUN_FINISHED, outcome="[/]"))
    assert view.outcome is Outcome.STOPPED


@pytest.mark.parametrize(
    ("left_out", "headline"),
    [
        ((), "✓ RESTORED. The chain moves again, every node with its own identity."),
        (("n2",), "✓ RESTORED. The chain moves again on every node but n2, which was left out."),
        (("n2", "n3"), "✓ RESTORED. The chain moves again on every node but n2 and n3, which were left out."),
    ],
)
def test_the_end_names_who_was_left_out(left_out: tuple[str, ...], headline: str) -> None:
    view = RunView(("n1", "n2", "n3"))
    for node in left_out:
        view.take(event(EventKind.DECISION, StepName.DATA, node, **{LEFT_OUT: True}))
    view.take(event(EventKind.RUN_FINISHED, outcome=Outcome.RESTORED.value))
    assert guidance_for(RunUiState(None, False, view, None, "run", NOW)).headline == headline
