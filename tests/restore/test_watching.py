"""A run that another process works on, seen from outside."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.record.following import follow
from loomtui.restore.record.run_journal import encode
from loomtui.restore.record.run_store import Run
from tests.restore.material import NOW, make_plan_of, node_plan
from tests.restore.stories import Story


@pytest.fixture
def story() -> Story:
    return Story(NOW).begin().step(StepName.PREFLIGHT, "n1")


@pytest.fixture
def run(tmp_path: Path, story: Story) -> Run:
    return story.write(tmp_path, make_plan_of(node_plan("n1")))


def test_a_run_is_worked_on_while_it_is_held(run: Run) -> None:
    assert not run.is_worked_on()
    with run.hold():
        assert run.is_worked_on()
        assert run.is_worked_on()  # looking takes nothing away
    assert not run.is_worked_on()


async def test_events_are_seen_as_they_are_written_until_nobody_works_on_it(run: Run, story: Story) -> None:
    last = story.end(Outcome.STOPPED).told(run.id)[-1]
    watching = follow(run, poll_seconds=0.01)
    async with asyncio.timeout(30):
        with run.hold():
            seen = [(await anext(watching)).kind for _ in run.events()]
            with run.journal_path.open("a") as journal:
                journal.write(encode(last) + "\n")
            seen.append((await anext(watching)).kind)
        assert [event async for event in watching] == []
    assert seen == [event.kind for event in run.events()]
    assert seen[-1] is EventKind.RUN_FINISHED


async def test_what_was_written_last_is_seen_also_when_the_work_ends_with_it(run: Run) -> None:
    assert [event.seq async for event in follow(run)] == [event.seq for event in run.events()]
