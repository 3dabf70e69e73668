"""What servers ask at a login, as dialogs: in their own words, which may be hostile, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from loomtui.engine.live import LiveEngine
from loomtui.errors import LoomtuiError
from loomtui.fleet.ssh.challenge import Prompt
from loomtui.fleet.ssh.prompter import Question, Unanswered
from loomtui.inventory import load
from screens.health.health_screen import HealthScreen
from screens.modals.ask import InputDialog
from screens.prompter import ScreenPrompter
from screens.terminal import TerminalGone
from tests.fleet.bastion import NODES, bastion_before_nodes
from tests.screens import basics, scenes
from tests.screens.fake import WritableFakeEngine
from tests.screens.helping import LARGE, press, running, screen_text, type_text, until, until_shown
from tests.screens.test_hostile import harmless, visible

BASTION = "jump host oncall@bastion:22"
CODE = Question(BASTION, ("Use the blue token.",), "Verification code:", echo=False)


def prompter_of(engine: WritableFakeEngine) -> ScreenPrompter:
    assert isinstance(engine.prompter, ScreenPrompter)
    return engine.prompter


async def until_asked(pilot: Pilot[int]) -> Input:
    await until(pilot, lambda: isinstance(pilot.app.screen, InputDialog))
    await until(pilot, lambda: bool(pilot.app.screen.query(Input)))
    return pilot.app.screen.query_one(Input)


async def test_a_code_is_asked_for_in_the_servers_words() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        asking = asyncio.create_task(prompter_of(engine).answer(CODE))
        await until_asked(pilot)
        await until_shown(pilot, "> Verification code:")
        for words in (f"{BASTION} asks", "> Use the blue token.", "is not kept"):
            assert words in screen_text(app)
        await type_text(pilot, "123456")
        assert "123456" not in screen_text(app)
        await press(pilot, "enter")
        assert await asking == "123456"


async def test_what_may_be_seen_is_shown_and_nothing_is_an_answer_too() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        person = prompter_of(engine)
        asking = asyncio.create_task(
            person.answer(Question(BASTION, (), "Press enter", echo=True, note="Again."))
        )
        assert not (await until_asked(pilot)).password
        await until_shown(pilot, "Again.")
        await press(pilot, "enter")
        assert await asking == ""
        asking = asyncio.create_task(person.answer(Question(BASTION, (), "", echo=True)))
        await until_shown(pilot, "does not say what it wants")
        await type_text(pilot, "serial7")
        await until_shown(pilot, "serial7")
        await press(pilot, "escape")
        assert await asking is Unanswered.DECLINED
        await until(pilot, lambda: isinstance(app.screen, HealthScreen))


async def test_a_terminal_that_is_gone_answers_nothing() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        asking = asyncio.create_task(prompter_of(engine).answer(CODE))
        await until_asked(pilot)
        app.post_message(TerminalGone())
        assert await asking is Unanswered.NOBODY
        assert await prompter_of(engine).answer(CODE) is Unanswered.NOBODY


@pytest.mark.parametrize("text", basics.HOSTILE)
async def test_hostile_words(text: str) -> None:
    """Also what reaches the dialog without having been cleaned."""
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine, LARGE) as (app, pilot):
        prompt = Prompt((text,), text, echo=False)
        question = Question(text, prompt.before, prompt.text, echo=False, note=text)
        asking = asyncio.create_task(prompter_of(engine).answer(question))
        await until_asked(pilot)
        await until(pilot, lambda: screen_text(app).count(visible(text)) >= 4)
        assert harmless(screen_text(app))
        await press(pilot, "escape")
        await asking
        prompter_of(engine).tell(text, (text,))
        await until(pilot, lambda: f"says: {visible(text)}" in screen_text(app))
        assert harmless(screen_text(app))


async def test_long_words_leave_the_field_in_sight() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        question = Question(BASTION, (*("word " * 40,) * 12, "the very end"), "Code:", echo=True)
        asking = asyncio.create_task(prompter_of(engine).answer(question))
        await until_asked(pilot)
        await until_shown(pilot, "> Code:")
        await type_text(pilot, "seen777")
        await until_shown(pilot, "seen777")
        assert "the very end" not in screen_text(app)
        await press(pilot, "tab", "G")
        await until_shown(pilot, "the very end")
        await press(pilot, "tab", "enter")
        assert await asking == "seen777"


async def test_refresh_dials_what_cannot_be_reached() -> None:
    """So that who gave no code before is asked again."""

    class Counting(WritableFakeEngine):
        dialled = 0

        async def connect(self) -> Mapping[str, LoomtuiError | None]:
            self.dialled += 1
            return await super().connect()

    engine = Counting(scenes.healthy())
    async with running(engine) as (_, pilot):
        await until(pilot, lambda: engine.looks >= len(basics.NAMES))
        await press(pilot, "f5")
        assert engine.dialled == 0
    engine = Counting(scenes.lost())
    async with running(engine) as (_, pilot):
        await until(pilot, lambda: engine.looks >= len(basics.NAMES))
        await press(pilot, "f5")
        await until(pilot, lambda: engine.dialled == 1)


@pytest.mark.slow
async def test_a_bastion_asks_once_for_all_nodes_and_once_more_when_it_is_lost(tmp_path: Path) -> None:
    """Over real SSH; the nodes are looked at as soon as the code is given."""
    with bastion_before_nodes(tmp_path, "424242", "434343") as bastion:
        engine = LiveEngine(load(tmp_path / "inventory.yml"))
        async with running(engine, LARGE) as (app, pilot):
            await log_in(pilot, "424242")
            await until(pilot, lambda: len(app.context.watch.latest) == NODES)
            await until(pilot, lambda: all(one.reachable for one in app.context.watch.latest.values()))
            bastion.drop()
            await log_in(pilot, "434343")
            await until(pilot, lambda: bastion.behaviour.logins == ["jumper"] * 2)
            await until(pilot, lambda: all(one.reachable for one in app.context.watch.latest.values()))
            assert isinstance(app.screen, HealthScreen)


async def log_in(pilot: Pilot[int], code: str) -> None:
    await until_shown(pilot, "> Serial:")
    await type_text(pilot, "blue7")
    await press(pilot, "enter")
    await until_shown(pilot, "> Verification code:")
    await type_text(pilot, code)
    await press(pilot, "enter")
