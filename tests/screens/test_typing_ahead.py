"""Keys typed faster than the screens follow: each is dealt with as the one before it left things."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import ClassVar

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from loomtui.restore.events import StepName
from loomtui.restore.running.operator import FailureQuestion
from screens.input import key_order
from screens.input.key_order import KeyOrder
from screens.modals.confirm import ConfirmDialog
from screens.restore.restore_screen import RestoreScreen
from screens.restore.screen_operator import StepQuestion
from tests.screens import scenes
from tests.screens.fake import WritableFakeEngine
from tests.screens.helping import panel, running, until
from tests.screens.walking import begin, carry_out, pending_question, until_asked

#: Each letter is a key of the restore screen, or of every screen.
CLUSTER = "exvyzamq-bidour-t"

#: How many rounds of the event loop lie between two keys; 0: the terminal hands them over all at once.
ROUNDS = (0, 1, 2, 3, 5, 10)


def rushed(*fails: tuple[StepName, str]) -> WritableFakeEngine:
    scene = scenes.healthy()
    inventory = scene.inventory.model_copy(update={"cluster": CLUSTER})
    return WritableFakeEngine(replace(scene, inventory=inventory), set(fails))


async def rush(app: App[int], *typed: str, rounds: int = 0) -> None:
    for key in typed:
        app.post_message(events.Key({"-": "minus"}.get(key, key), key if len(key) == 1 else None))
        for _ in range(rounds):
            await asyncio.sleep(0)


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_a_name_typed_behind_its_key_arrives_whole(rounds: int) -> None:
    engine = rushed()
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)
        await rush(app, "x", *CLUSTER, rounds=rounds)
        await until(
            pilot,
            lambda: isinstance(app.screen, ConfirmDialog) and app.screen.query_one(Input).value == CLUSTER,
            "the whole name",
        )
        assert isinstance(app.screen_stack[-2], RestoreScreen)
        assert isinstance(pending_question(app), StepQuestion)
        assert not any(done.startswith("stop") for done in engine.begun[0].done)


async def test_a_pasted_name_needs_no_tab_either() -> None:
    engine = rushed()
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)
        await rush(app, "x")
        app.post_message(events.Paste(f"{CLUSTER}\nand what stood below it"))
        await until(
            pilot,
            lambda: isinstance(app.screen, ConfirmDialog) and app.screen.query_one(Input).value == CLUSTER,
            "the whole name",
        )
        assert not any(done.startswith("stop") for done in engine.begun[0].done)
        await rush(app, "enter", *"production", "enter")
        await until_asked(app, pilot, StepName.DATA)


async def test_all_that_is_asked_for_in_one_go_carries_the_step_out() -> None:
    async with running(rushed()) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)
        await rush(app, "x", *CLUSTER, "enter", *"production", "enter")
        await until_asked(app, pilot, StepName.DATA)


async def test_a_choice_in_a_dialog_follows_the_key_that_opened_it() -> None:
    engine = rushed((StepName.CONFIG, "db2"))
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        for step in list(StepName)[:4]:
            await carry_out(app, pilot, step)
        await until(
            pilot, lambda: isinstance(pending_question(app), FailureQuestion) and "failed" in panel(app)
        )
        await rush(app, "m", "down", "enter")
        await until_asked(app, pilot, StepName.SERVICES)
        assert engine.begun[0].left_out == {"db2"}


class Stuck(Static, can_focus=True):
    """Not done with a key until it is freed."""

    def __init__(self) -> None:
        super().__init__()
        self.freed = asyncio.Event()

    async def on_key(self) -> None:
        await self.freed.wait()


class StuckApp(App[int]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+t", "turn", priority=True)]

    def __init__(self) -> None:
        super().__init__()
        self.order = KeyOrder(self, super().on_event)
        self.turned = 0

    def compose(self) -> ComposeResult:
        yield Stuck()

    def action_turn(self) -> None:
        self.turned += 1

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self.order.take(event)
        else:
            await super().on_event(event)


async def test_a_key_that_is_never_dealt_with_does_not_lock_the_keyboard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_order, "_PATIENCE_SECONDS", 0)
    app = StuckApp()
    async with app.run_test() as pilot:
        stuck = app.query_one(Stuck)
        stuck.focus()
        await rush(app, "a", "b", "t", rounds=20)
        assert app.turned == 0
        await rush(app, "ctrl+t", rounds=20)
        assert app.turned == 1
        stuck.freed.set()
        await pilot.pause()
