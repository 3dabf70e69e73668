"""A run that another process works on: seen, not decided; and a terminal that goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from loomtui.errors import StepFailed
from loomtui.restore.events import Event, Outcome, StepName
from loomtui.restore.running.operator import FailureQuestion, Go, OnFailure, Preview, UnitDraft
from screens.modals.ask import ChoiceDialog
from screens.restore.screen_operator import ScreenOperator
from screens.restore.watch_screen import WatchScreen
from screens.terminal import GONE_STATUS, TerminalGone
from tests.restore.stories import Story
from tests.screens import basics, plans, scenes
from tests.screens.basics import NOW
from tests.screens.fake import RUN_ID, FakeEngine, WritableFakeEngine, judge
from tests.screens.helping import footer_keys, panel, press, running, screen_text, until
from tests.screens.walking import begin, carry_out, pending_question


class Elsewhere:
    """A run in the hands of another process, which the test tells what to write."""

    def __init__(self) -> None:
        self.id = RUN_ID
        self.plan = plans.plan()
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def tell(self, story: Story) -> None:
        for event in story.told(self.id):
            self.queue.put_nowait(event)

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self.queue.get()) is not None:
            yield event


def scene(elsewhere: Elsewhere) -> scenes.Scene:
    (run, *_) = basics.runs(None)
    return replace(scenes.healthy(), runs=(replace(run, at_work=True),), watched=elsewhere)


async def test_a_run_that_is_at_work_elsewhere_is_offered_to_watch() -> None:
    elsewhere = Elsewhere()
    nodes = tuple(node.name for node in elsewhere.plan.nodes)
    async with running(WritableFakeEngine(scene(elsewhere))) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offer")
        assert "Resume it" not in screen_text(app)
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, WatchScreen)
        story = Story(NOW, by="ada@desk").begin().step(StepName.PREFLIGHT, *nodes, seconds=8)
        elsewhere.tell(story)
        await until(pilot, lambda: "✓ 1 Preflight" in screen_text(app), "the step")
        assert "You watch." in panel(app)
        assert "ada@desk decides" in panel(app)
        assert "0:08" in screen_text(app)
        assert {"x", "e", "v", "y"}.isdisjoint(footer_keys(app))
        last = story.end(Outcome.STOPPED).told(RUN_ID)[-1]
        elsewhere.queue.put_nowait(last)
        elsewhere.queue.put_nowait(None)
        await until(pilot, lambda: "Nobody works on it any more" in panel(app), "the end")


async def test_read_only_screens_may_watch_too() -> None:
    elsewhere = Elsewhere()
    async with running(FakeEngine(scene(elsewhere))) as (app, pilot):
        await press(pilot, "u")
        await until(pilot, lambda: "at work" in screen_text(app), "the mark")
        assert {"x", "v"}.isdisjoint(footer_keys(app))
        await press(pilot, "w")
        assert isinstance(app.screen, WatchScreen)
        elsewhere.queue.put_nowait(None)


async def test_a_terminal_that_goes_ends_the_screens_where_nothing_is_at_work() -> None:
    async with running(WritableFakeEngine(scenes.healthy())) as (app, pilot):
        app.post_message(TerminalGone())
        await until(pilot, lambda: app.return_value == GONE_STATUS, "the end")


async def test_a_run_stops_at_the_question_that_nobody_hears() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until(pilot, lambda: pending_question(app) is not None, "the question")
        app.post_message(TerminalGone())
        await until(pilot, lambda: app.return_value == GONE_STATUS, "the end")
    assert [done for done in engine.begun[0].done if not done.startswith("preflight")] == []


async def test_what_is_asked_of_nobody_is_answered_by_stopping() -> None:
    operator = ScreenOperator("ada@desk", lambda: None)
    operator.leave()
    failed = StepFailed("no room", node="db1")
    async with asyncio.timeout(10):
        assert await operator.before_step(StepName.STOP, {"db1": Preview("db1", "stop it")}) is Go.STOP
        question = FailureQuestion(StepName.DATA, {"db1": failed}, (OnFailure.RETRY, OnFailure.STOP))
        assert await operator.on_failure(question) == (OnFailure.STOP, None)
        with pytest.raises(StepFailed, match="nobody is there"):
            await operator.approve_unit("db1", Preview("db1", "change it"), UnitDraft("", "", judge))
    assert operator.name == "ada@desk (terminal gone)"
