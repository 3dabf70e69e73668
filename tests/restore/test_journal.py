"""The journal: on the disk before the run goes on, whole again after any crash."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.errors import LoomtuiError
from loomtui.restore.events import EventKind, StepName
from loomtui.restore.record.run_journal import Journal, read_events

RUN = "20260101-120000-abcd"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def filled(path: Path, count: int = 3) -> None:
    journal = Journal(path, RUN)
    for number in range(count):
        journal.write(EventKind.NOTE, f"event {number}", step=StepName.DATA, node="n1", data={"a": [1, None]})
    journal.close()


def messages(path: Path) -> list[str]:
    return [event.message for event in read_events(path)]


def test_events_are_read_as_they_were_written(path: Path) -> None:
    journal = Journal(path, RUN)
    written = [
        journal.write(EventKind.STEP_STARTED, "Stops all", step=StepName.STOP),
        journal.write(
            EventKind.TASK_DONE, "done – fertig", node="n1", data={"skipped": True, "x": {"y": 1.5}}
        ),
    ]
    assert list(read_events(path)) == written
    assert [event.seq for event in written] == [1, 2]
    assert oct(path.stat().st_mode)[-3:] == "600"
    journal.close()


def test_nothing_written_is_nothing_read(path: Path) -> None:
    assert list(read_events(path)) == []


def test_what_is_only_shown_is_not_kept(path: Path) -> None:
    journal = Journal(path, RUN)
    first = journal.write(EventKind.NOTE, "kept")
    shown = journal.write(EventKind.TASK_PROGRESS, "50 %", data={"done": 1, "total": 2})
    live = journal.write(EventKind.NOTE, "at 101", data={"live": True})
    last = journal.write(EventKind.NOTE, "kept too")
    journal.close()
    assert (first.seq, shown.seq, live.seq, last.seq) == (1, 1, 1, 2)
    assert messages(path) == ["kept", "kept too"]


def test_messages_are_clean_and_one_line_of_the_file(path: Path) -> None:
    journal = Journal(path, RUN)
    journal.write(EventKind.NOTE, "a\x1b]52;c;x\x07b\nc\x00" + "x" * 10_000)
    journal.close()
    (event,) = read_events(path)
    assert event.message.startswith("a]52;c;xb\nc")
    assert len(event.message) <= 4_000
    assert len(path.read_bytes().splitlines()) == 1


def test_the_count_goes_on_when_it_is_opened_again(path: Path) -> None:
    filled(path, 3)
    journal = Journal(path, RUN)
    assert journal.write(EventKind.RUN_RESUMED, "again").seq == 4
    journal.close()
    assert [event.seq for event in read_events(path)] == [1, 2, 3, 4]


@given(cut=st.integers(1, 400))
def test_a_torn_tail_ends_the_record_and_is_written_over(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "journal.jsonl"
    filled(path, 3)
    content = path.read_bytes()
    cut = min(cut, len(content))
    path.write_bytes(content[:-cut])
    whole = content[:-cut].count(b"\n")
    assert messages(path) == [f"event {number}" for number in range(whole)]
    journal = Journal(path, RUN)
    journal.write(EventKind.NOTE, "after the crash")
    journal.close()
    assert messages(path) == [*(f"event {number}" for number in range(whole)), "after the crash"]
    assert not path.with_suffix(".damaged").exists()


def test_zeros_as_a_crash_leaves_them_are_a_torn_tail(path: Path) -> None:
    filled(path, 2)
    with path.open("ab") as file:
        file.write(bytes(4096))
    filled(path, 1)
    assert messages(path) == ["event 0", "event 1", "event 0"]


def test_damage_in_the_middle_loses_nothing(path: Path) -> None:
    filled(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = b"rubbish\n"
    path.write_bytes(lines[0] + damaged + lines[2])
    assert messages(path) == ["event 0"]
    journal = Journal(path, RUN)
    assert journal.write(EventKind.RUN_RESUMED, "again").seq == 2
    journal.close()
    assert messages(path) == ["event 0", "again"]
    assert path.with_suffix(".damaged").read_bytes() == damaged + lines[2]


def test_what_is_no_event_ends_the_record(path: Path) -> None:
    filled(path, 1)
    with path.open("a") as file:
        file.write(json.dumps({"seq": "x"}) + "\n")
    assert messages(path) == ["event 0"]


# ── a disk that is full ─────────────────────────────────────────────────────────────────────────────────────


def test_a_full_disk_stops_the_run_and_leaves_no_half_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path, 2)
    journal = Journal(path, RUN)
    write = os.write

    def half(handle: int, data: bytes) -> int:
        return write(handle, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(LoomtuiError, match="No space left") as caught:
        journal.write(EventKind.NOTE, "too much")
    assert f"loomtui resume {RUN}" in caught.value.advice
    monkeypatch.undo()
    assert messages(path) == ["event 0", "event 1"]
    assert journal.write(EventKind.NOTE, "there is room again").seq == 3
    journal.close()
    assert messages(path) == ["event 0", "event 1", "there is room again"]


def test_a_full_disk_is_told_with_the_step_of_the_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an event has no step of its own, and where the run was taken up again."""
    journal = Journal(path, RUN)
    journal.write(EventKind.STEP_DONE, "done", step=StepName.SERVICES)
    monkeypatch.setattr(os, "write", lambda handle, data: 0)

    def told(journal: Journal, kind: EventKind, step: StepName | None = None) -> str:
        with pytest.raises(LoomtuiError) as caught:
            journal.write(kind, "", step=step)
        return caught.value.what

    assert "in step services: No space left" in told(journal, EventKind.RUN_FINISHED)
    assert "in step start: No space left" in told(journal, EventKind.STEP_STARTED, StepName.START)
    assert "in step start: No space left" in told(journal, EventKind.RUN_FINISHED)
    journal.close()
    again = Journal(path, RUN)
    assert "in step services: No space left" in told(again, EventKind.RUN_STARTED)
    again.close()
    monkeypatch.undo()


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_an_error_of_the_disk_is_told(path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    journal = Journal(path, RUN)

    def fail(*args: Any) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, call, fail)
    monkeypatch.setattr(os, "ftruncate", fail)
    with pytest.raises(LoomtuiError, match="Input/output error"):
        journal.write(EventKind.NOTE, "lost")
    monkeypatch.undo()
    journal.close()
