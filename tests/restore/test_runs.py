"""The folder of all runs, and who works on one of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loomtui.errors import CallError, LockHeld
from loomtui.restore.events import EventKind, Json, Outcome, StepName
from loomtui.restore.record.run_store import Run, RunStore, summarize
from tests.restore.material import make_plan_of


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def create(store: RunStore, tmp_path: Path) -> Callable[[], Run]:
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("cluster: lab\n")
    return lambda: store.create(make_plan_of(), inventory)


Noted = tuple[EventKind, dict[str, Json]]


def record(run: Run, *events: Noted, step: StepName | None = None) -> None:
    journal = run.journal()
    for kind, data in events:
        journal.write(kind, kind.value, step=step, data=data)
    journal.close()


STARTED: Noted = (EventKind.RUN_STARTED, {"operator": "op"})
RESUMED: Noted = (EventKind.RUN_RESUMED, {"operator": "op2"})
ROLLBACK: Noted = (EventKind.ROLLBACK_STARTED, {"operator": "op"})


def finished(outcome: Outcome) -> Noted:
    return EventKind.RUN_FINISHED, {"outcome": outcome.value}


def test_a_run_keeps_its_plan_and_its_inventory(store: RunStore, create: Callable[[], Run]) -> None:
    run = create()
    again = store.open(run.id)
    assert again == run
    assert again.inventory_path.read_text() == "cluster: lab\n"
    assert again.events() == ()
    assert oct(run.folder.stat().st_mode)[-3:] == "700"
    assert oct(run.inventory_path.stat().st_mode)[-3:] == "600"


def test_without_a_root_the_state_folder_is_used(home: Path) -> None:
    assert RunStore().root == home / ".local/state/loomtui/runs"


def test_where_no_folder_can_be_made_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CallError, match="cannot be made"):
        RunStore(tmp_path / "file/runs").create(make_plan_of(), tmp_path / "file")


@pytest.mark.parametrize(
    "name", ["20260101-120000-abcd", "../../etc", "", "20260101-120000-abcd\n", "\x1b[2J"]
)
def test_an_unknown_run_is_told_with_the_latest_ones(
    store: RunStore, create: Callable[[], Run], name: str
) -> None:
    known = create()
    with pytest.raises(CallError) as caught:
        store.open(name)
    assert "there is no run" in caught.value.what
    assert "\x1b" not in caught.value.what
    assert known.id in caught.value.advice


def test_no_folder_is_no_runs(store: RunStore) -> None:
    assert store.list() == ()
    with pytest.raises(CallError) as caught:
        store.open("20260101-120000-abcd")
    assert "none" in caught.value.advice


def test_damaged_runs_do_not_hide_the_others(store: RunStore, create: Callable[[], Run]) -> None:
    good, no_plan, bad_plan, old_plan, odd_end = (create() for _ in range(5))
    (no_plan.folder / "plan.yml").unlink()
    (bad_plan.folder / "plan.yml").write_text("{")
    (old_plan.folder / "plan.yml").write_text("version: 0\n")
    record(odd_end, STARTED, (EventKind.RUN_FINISHED, {"outcome": "exploded"}))
    record(odd_end, (EventKind.RUN_FINISHED, {}))
    (store.root / "notes.txt").touch()
    (store.root / "20260101-120000-ffff").touch()
    found = {summary.id: summary.outcome for summary in store.list()}
    assert found == {good.id: None, odd_end.id: None}
    assert sorted(found, reverse=True) == list(found)
    with pytest.raises(CallError):
        store.open(no_plan.id)


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ((), None),
        ((STARTED,), None),
        ((STARTED, finished(Outcome.STOPPED)), Outcome.STOPPED),
        ((STARTED, finished(Outcome.STOPPED), RESUMED), None),
        ((STARTED, finished(Outcome.STOPPED), RESUMED, finished(Outcome.RESTORED)), Outcome.RESTORED),
        ((STARTED, finished(Outcome.RESTORED), ROLLBACK), None),
        ((STARTED, ROLLBACK, finished(Outcome.ROLLED_BACK)), Outcome.ROLLED_BACK),
    ],
)
def test_the_outcome_is_that_of_the_last_try(
    create: Callable[[], Run],
    events: tuple[Noted, ...],
    outcome: Outcome | None,
) -> None:
    run = create()
    record(run, *events)
    summary = summarize(run)
    assert summary.outcome is outcome
    assert (summary.ended_at is not None) == (outcome is not None)
    assert summary.operator == ("op" if events else "")
    assert (summary.started_at is not None) == bool(events)


def test_the_last_step_is_known(create: Callable[[], Run]) -> None:
    run = create()
    record(run, (EventKind.STEP_STARTED, {}), step=StepName.DATA)
    record(run, (EventKind.NOTE, {}))
    assert summarize(run).last_step is StepName.DATA


# ── one process at a time ───────────────────────────────────────────────────────────────────────────────────

_HOLD = """
import sys
from loomtui.restore.record.run_store import RunStore
from pathlib import Path
with RunStore(Path(sys.argv[1])).open(sys.argv[2]).hold():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_keeps_a_run_until_it_dies(store: RunStore, create: Callable[[], Run]) -> None:
    run = create()
    command = [sys.executable, "-c", _HOLD, str(store.root), run.id]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(LockHeld, match="another loomtui"), run.hold():
            pytest.fail("both have it")
    finally:
        process.kill()
        process.communicate()
    with run.hold(), pytest.raises(LockHeld), run.hold():
        pytest.fail("twice in one process")
    with run.hold():
        pass


def test_a_journal_is_one_json_object_a_line(create: Callable[[], Run]) -> None:
    run = create()
    record(run, STARTED, finished(Outcome.STOPPED))
    kinds = [json.loads(line)["kind"] for line in run.journal_path.read_text().splitlines()]
    assert kinds == ["run-started", "run-finished"]
