"""Events: first onto the disk, then to everyone who watches."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from loomtui.errors import LockHeld, LoomtuiError
from loomtui.restore.events import Amount, Event, EventKind, StepName
from loomtui.restore.record.recorder import Recorder
from loomtui.restore.record.run_store import Run, RunStore
from tests.restore.material import make_plan_of


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "inventory.yml").touch()
    return RunStore(tmp_path / "runs").create(make_plan_of(), tmp_path / "inventory.yml")


async def collect(recorder: Recorder) -> list[Event]:
    return [event async for event in recorder.events()]


async def test_a_watcher_gets_what_was_and_what_comes(run: Run) -> None:
    recorder = Recorder(run)
    with recorder.recording():
        recorder.emit(EventKind.RUN_STARTED, "before")
        early = asyncio.create_task(collect(recorder))
        await asyncio.sleep(0)
        recorder.emit(EventKind.STEP_STARTED, "one", StepName.STOP)
        late = asyncio.create_task(collect(recorder))
        await asyncio.sleep(0)
        recorder.progress(StepName.DATA, "n1", Amount(1000, 2000, None, 30))
        recorder.progress(StepName.DATA, "n1", Amount(1500, 2000, 12, 30))
        recorder.note(StepName.DATA, "n1", "live", {"live": True})
        recorder.note(None, None, "kept", {})
    for watcher in (early, late):
        events = await asyncio.wait_for(watcher, 5)
        assert [event.message for event in events] == [
            "before",
            "one",
            "1,000 of 2,000 bytes",
            "1,500 of 2,000 bytes, 12 of 30 files",
            "live",
            "kept",
        ]
    assert [event.message for event in run.events()] == ["before", "one", "kept"]


async def test_nothing_is_told_twice_to_who_comes_in_between(run: Run) -> None:
    recorder = Recorder(run)
    with recorder.recording():
        stream = recorder.events()
        recorder.emit(EventKind.NOTE, "one")
        first = await anext(stream)
        recorder.emit(EventKind.NOTE, "two")
        rest = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
    assert (first.message, (await rest).message) == ("one", "two")
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_who_comes_after_the_end_gets_it_all_and_an_end(run: Run) -> None:
    recorder = Recorder(run)
    with recorder.recording():
        recorder.emit(EventKind.NOTE, "one")
    assert [event.message for event in await asyncio.wait_for(collect(recorder), 5)] == ["one"]


async def test_the_stream_ends_also_when_the_run_cannot_be_had(run: Run) -> None:
    recorder = Recorder(run)
    watcher = asyncio.create_task(collect(recorder))
    await asyncio.sleep(0)
    with run.hold(), pytest.raises(LockHeld), recorder.recording():
        pytest.fail("held by two")
    assert await asyncio.wait_for(watcher, 5) == []


async def test_what_the_disk_does_not_take_is_shown_to_nobody(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(run)
    with recorder.recording():
        watcher = asyncio.create_task(collect(recorder))
        await asyncio.sleep(0)
        monkeypatch.setattr(os, "write", lambda handle, data: 0)
        with pytest.raises(LoomtuiError, match="cannot be written"):
            recorder.emit(EventKind.NOTE, "lost")
        monkeypatch.undo()
    assert await watcher == []


def test_a_step_that_was_begun_is_known(run: Run) -> None:
    recorder = Recorder(run)
    with recorder.recording():
        recorder.emit(EventKind.NOTE, "a note", StepName.STOP)
        assert not recorder.has_begun(StepName.STOP)
        recorder.emit(EventKind.STEP_STARTED, "begun", StepName.STOP)
        assert recorder.has_begun(StepName.STOP)
