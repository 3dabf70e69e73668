"""A run played again on the screens: what is shown, the keys, and that nothing can be done there."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Static

from loomtui.restore.choices import Objectives
from loomtui.restore.events import EventKind, StepName
from loomtui.restore.record.run_journal import read_events
from loomtui.restore.replay.player import Player, speed_within
from loomtui.restore.replay.recording import recording_of
from screens.input import keys
from screens.input.palette import ActionCommands
from screens.logs.log_view import LogView
from screens.modals.ask import InputDialog
from screens.modals.text import ErrorDialog, TextDialog
from screens.replay.replay_screen import ReplayScreen
from screens.replay.replay_text import event_text, mark_line, read_moment
from screens.replay.stage import Stage
from screens.replay_app import ReplayApp
from screens.restore.next_panel import NextPanel
from screens.restore.run_view import RunView, StepState, TaskState
from screens.runs.runs_screen import RunsScreen
from screens.terminal import GONE_STATUS, TerminalGone
from tests.restore.stories import whole
from tests.screens import records, scenes
from tests.screens.basics import NAMES, NOW
from tests.screens.fake import FakeEngine, WritableFakeEngine
from tests.screens.helping import (
    LARGE,
    SMALL,
    USUAL,
    footer_keys,
    press,
    running,
    screen_text,
    type_text,
    until,
    until_quiet,
    until_shown,
)
from tests.screens.plans import plan

Compare = Callable[..., bool]


class VirtualClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Replay:
    """The app of `loomtui replay` with a clock of the test's."""

    def __init__(self, player: Player) -> None:
        self.clock = VirtualClock()
        self.player = player
        self.app = ReplayApp(player, clock=self.clock)

    @property
    def screen(self) -> ReplayScreen:
        screen = self.app.screen
        assert isinstance(screen, ReplayScreen)
        return screen

    @property
    def panel(self) -> str:
        content = self.screen.query_one(NextPanel).query_one("#next-text", Static).content
        assert isinstance(content, Content)
        return content.plain

    async def pass_by(self, pilot: Pilot[int], seconds: float) -> None:
        self.clock.seconds += seconds
        self.screen.tick()
        await pilot.pause()


@asynccontextmanager
async def replaying(
    size: tuple[int, int] = SMALL, *, speed: float = 10
) -> AsyncIterator[tuple[Replay, Pilot[int]]]:
    replay = Replay(Player(records.recording(), speed))
    async with replay.app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: isinstance(replay.app.screen, ReplayScreen), "the replay")
        await pilot.pause()
        yield replay, pilot


# ── the same states ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_of_20_minutes_in_30_seconds_shows_what_the_journal_says_at_any_moment(tmp_path: Path) -> None:
    """By a clock that ticks as the screen does, at moments that are drawn."""
    run = whole(NOW, *NAMES, data_seconds=1000).write(tmp_path, plan())
    recording = recording_of(run)
    assert timedelta(minutes=19) < recording.length < timedelta(minutes=21)
    player, stage = Player(recording, speed_within(recording, 30)), Stage(recording)
    drawn = set(random.Random(13).sample(range(1, 301), 20))
    seen: set[StepState] = set()
    for tick in range(1, 301):
        player.advance(0.1)
        view = stage.after(player.taken)
        if tick not in drawn:
            continue
        moment = NOW + recording.length * tick / 300
        assert abs(player.at - moment) < timedelta(milliseconds=50)
        so_far = [event for event in read_events(run.journal_path) if event.at <= player.at]
        by_the_journal = RunView(NAMES)
        for event in so_far:
            by_the_journal.take(event)
        assert vars(view) == vars(by_the_journal)
        ended = {event.step for event in so_far if event.kind is EventKind.STEP_DONE}
        assert {step for step, state in view.states.items() if state is StepState.DONE} == ended
        seen |= set(view.states.values())
    assert player.is_at_end
    assert {StepState.WAITING, StepState.DONE} <= seen


def test_back_in_time_what_came_later_has_not_happened() -> None:
    recording = records.recording()
    stage = Stage(recording)
    stage.after(len(recording.events))
    failed = next(n for n, event in enumerate(recording.events, 1) if event.kind is EventKind.TASK_FAILED)
    view = stage.after(failed)
    assert view.states[StepName.DATA] is StepState.FAILED
    assert view.states[StepName.CONFIG] is StepState.WAITING
    assert view.outcome is None
    assert stage.after(failed - 1).tasks[StepName.DATA][NAMES[-1]].state is TaskState.RUNNING


# ── the screen and its keys ─────────────────────────────────────────────────────────────────────────────────


async def test_it_plays_pauses_and_begins_again() -> None:
    async with replaying() as (replay, pilot):
        assert "REPLAY of run" in screen_text(replay.app).splitlines()[0]
        assert "Plays 10 times as fast" in replay.panel
        await replay.pass_by(pilot, 4)
        assert "✓ 1 Preflight" in screen_text(replay.app)
        assert "no service was stopped" in screen_text(replay.app)
        await press(pilot, "space")
        paused_at = replay.player.at
        await replay.pass_by(pilot, 4)
        assert replay.player.at == paused_at
        assert "It is paused" in replay.panel
        await press(pilot, "space")
        for _ in range(20):
            await replay.pass_by(pilot, 5)
        assert "This is the end" in replay.panel
        assert "✓ 8 Verify" in screen_text(replay.app)
        await press(pilot, "space")
        assert replay.player.at == replay.player.recording.began
        assert "○ 8 Verify" in screen_text(replay.app)
        assert "Plays 10 times as fast" in replay.panel


async def test_it_goes_event_by_event_in_both_directions() -> None:
    async with replaying() as (replay, pilot):
        events = replay.player.recording.events
        await press(pilot, "n", "n", "n")
        assert replay.player.taken == 4
        assert event_text(events[3]) in replay.panel
        assert "event 4 of" in replay.panel
        assert "It is paused" in replay.panel
        log = replay.screen.query_one(LogView)
        assert len(log.buffer.shown) == 4
        await press(pilot, "p", "p")
        assert replay.player.taken == 2
        assert len(log.buffer.shown) == 2
        await press(pilot, "dollar_sign")
        assert replay.player.is_at_end
        assert len(log.buffer.shown) == len(events)
        await press(pilot, "0")
        assert replay.player.taken == 1


async def test_it_seeks_by_a_minute_and_to_a_moment() -> None:
    async with replaying() as (replay, pilot):
        began = replay.player.recording.began
        await press(pilot, "right_square_bracket", "right_square_bracket", "left_square_bracket")
        assert replay.player.at == began + timedelta(minutes=1)
        await press(pilot, "at")
        assert isinstance(replay.app.screen, InputDialog)
        replay.clock.seconds += 60  # nothing goes by behind a dialog
        await type_text(pilot, "5m")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(replay.app.screen, ReplayScreen), "the replay again")
        assert replay.player.at == began + timedelta(minutes=5)
        assert "5:00 of" in replay.panel
        await press(pilot, "at")
        await type_text(pilot, "soon")
        await press(pilot, "enter")
        await until(pilot, lambda: "is not a time" in screen_text(replay.app), "the reason")
        assert replay.player.at == began + timedelta(minutes=5)


async def test_its_speed_can_be_changed() -> None:
    async with replaying(speed=40) as (replay, pilot):
        await press(pilot, "greater_than_sign")
        assert "Plays 50 times as fast" in replay.panel
        await press(pilot, "less_than_sign", "less_than_sign", "less_than_sign")
        assert replay.player.speed == 5
        await replay.pass_by(pilot, 2)
        assert replay.player.at == replay.player.recording.began + timedelta(seconds=10)
        await replay.pass_by(pilot, 3600)  # the machine has slept
        assert replay.player.at == replay.player.recording.began + timedelta(seconds=35)


@pytest.mark.slow
async def test_a_failure_is_told_with_what_was_safe() -> None:
    async with replaying(LARGE) as (replay, pilot):
        while "no room left" not in replay.panel:
            await press(pilot, "n")
        assert "The data on the node is untouched. Make room." in replay.panel
        assert "✗ 3 Restore data" in screen_text(replay.app)


# ── nothing can be done there ───────────────────────────────────────────────────────────────────────────────


async def test_no_key_of_an_act_and_no_way_to_a_cluster_is_there() -> None:
    async with replaying() as (replay, pilot):
        ids = {str(active.binding.id) for active in replay.screen.active_bindings.values()}
        dangerous = {key.id for group in keys.GROUPS for key in group if key.danger}
        assert not ids & (dangerous | keys.WAYS)
        assert {key.id for key in keys.REPLAY} <= ids
        assert not hasattr(replay.screen, "context")
        assert not hasattr(replay.app.context, "engine")
        await press(pilot, "question_mark")
        assert isinstance(replay.app.screen, TextDialog)
        await until_shown(pilot, "Pause, or go on")
        await press(pilot, "escape", "escape")
    assert replay.app.return_value == 0


async def test_it_ends_with_its_terminal_and_tells_a_fault_in_words() -> None:
    async with replaying() as (replay, pilot):
        replay.app.show_fault(ValueError("[/] odd"))
        await until(pilot, lambda: isinstance(replay.app.screen, ErrorDialog), "the dialog")
        await until_shown(pilot, "A replay changes nothing.")
        replay.app.post_message(TerminalGone())
        await until(pilot, lambda: replay.app.return_value == GONE_STATUS, "the end")


@pytest.mark.parametrize("kind", [FakeEngine, WritableFakeEngine])
async def test_from_the_list_of_runs_it_leads_only_back(kind: type[FakeEngine]) -> None:
    async with running(kind(scenes.healthy())) as (app, pilot):
        await press(pilot, "u")
        await until(pilot, lambda: "runs.replay" in footer_keys_of(pilot), "the key")
        await press(pilot, "p")
        assert isinstance(app.screen, ReplayScreen)
        assert "REPLAY of run" in screen_text(app).splitlines()[0]
        for key in ("h", "b", "r", "u", "x", "v"):
            await press(pilot, key)
            assert isinstance(app.screen, ReplayScreen)
        offered = {key.id for key, _ in ActionCommands(app.screen)._possible_actions()}
        assert not offered & keys.WAYS
        assert "app.help" in footer_keys(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, RunsScreen)
        assert "app.health" in footer_keys(app)


def footer_keys_of(pilot: Pilot[int]) -> set[str]:
    return {str(active.binding.id) for active in pilot.app.screen.active_bindings.values() if active.enabled}


async def test_a_run_that_cannot_be_replayed_says_why() -> None:
    async with running(FakeEngine(replace(scenes.healthy(), chronicle=None))) as (app, pilot):
        await press(pilot, "u", "p")
        assert isinstance(app.screen, ErrorDialog)
        assert "there is no run" in screen_text(app)


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_mark_is_there_at_any_width() -> None:
    recording = records.recording()
    for width in (20, 40, 60, 80, 120, 200):
        line = mark_line(recording, recording.began, width)
        assert line.cell_length == width
        assert "REPLAY" in line.plain
    assert "nothing is live" in mark_line(recording, recording.began, 120).plain


def test_moments_are_read_from_the_beginning_or_as_times() -> None:
    recording = records.recording()
    assert read_moment("90s", recording) == recording.began + timedelta(seconds=90)
    assert read_moment("2d", recording) == recording.ended
    assert read_moment(f"{recording.began:%H:%M:%S}", recording) == recording.began.replace(microsecond=0)
    assert read_moment("-30s", recording) == recording.ended - timedelta(seconds=30)
    with pytest.raises(ValueError, match="is not a time"):
        read_moment("soon", recording)


@pytest.mark.parametrize("cells", {"80x24": SMALL, "120x40": USUAL, "200x60": LARGE}.values())
def test_look(snap_compare: Compare, cells: tuple[int, int]) -> None:
    """In the middle of the data, of which the last node's has failed once."""
    recording = replace(
        records.recording(), downtime_objective=Objectives(downtime_seconds=900).downtime_seconds
    )
    player = Player(recording, 40)
    failed = next(n for n, event in enumerate(recording.events, 1) if event.kind is EventKind.TASK_FAILED)
    player.step(failed - 1)

    async def before(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, ReplayScreen))
        await until_quiet(pilot)

    assert snap_compare(ReplayApp(player), terminal_size=cells, run_before=before)
