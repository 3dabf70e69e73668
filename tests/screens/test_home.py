"""Cluster health: the first frame, the rows, what grows old, and leaving."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.probes.log_tail import LogLine
from loomtui.fleet.probes.node_status import Active, NodeStatus
from loomtui.loom.references import KeyReport
from screens.app import LoomApp
from screens.health.health_screen import HealthScreen
from screens.health.node_screen import NodeScreen
from screens.health.node_table import NodeTable
from screens.logs.log_view import LogView
from screens.logs.logs_screen import LogsScreen
from screens.modals.ask import HostKeyDialog, InputDialog
from screens.modals.jump import JumpLabel, JumpScreen
from screens.modals.text import ErrorDialog
from screens.restore.choose_screen import ChooseScreen
from screens.widgets.filter_line import FilterLine
from screens.widgets.table import Table
from tests.screens import basics, scenes
from tests.screens.basics import NAMES, NOW
from tests.screens.fake import FakeEngine, WritableFakeEngine
from tests.screens.helping import (
    LARGE,
    SMALL,
    make_app,
    press,
    running,
    screen_text,
    type_text,
    until,
    until_shown,
)


async def test_the_first_frame_comes_before_the_first_connection() -> None:
    engine = FakeEngine(scenes.healthy())
    engine.hang = set(NAMES)
    async with running(engine) as (app, _):
        assert "connecting" in screen_text(app)
        assert all(name in screen_text(app) for name in NAMES)
        assert engine.looks == 0


@pytest.mark.parametrize(
    "pressed", [("enter",), ("b",), ("b", "enter"), ("i",), ("d",), ("o",), ("u",), ("u", "enter"), ("r",)]
)
async def test_a_screen_that_was_left_offers_no_action(pressed: tuple[str, ...]) -> None:
    """Its key bar may still ask while the widgets that its answers come from go one by one."""
    async with running(WritableFakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, *pressed)
        left = app.screen
        assert left.check_action("back", ())
        await press(pilot, "escape")
        await until(pilot, lambda: not left.children, "the screen is gone")
        offered = [binding.action for _, binding in left._bindings if left.check_action(binding.action, ())]
        assert not offered


async def test_nothing_is_drawn_on_a_screen_that_nobody_sees() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        home = app.screen
        await press(pilot, "o")
        assert isinstance(app.screen, LogsScreen)
        assert not home.is_current
        await press(pilot, "escape")
        assert app.screen is home
        assert home.is_current


async def test_a_node_that_hangs_does_not_hold_up_the_others() -> None:
    engine = FakeEngine(scenes.healthy())
    engine.hang = {"db3"}
    async with running(engine) as (app, pilot):
        await until(pilot, lambda: screen_text(app).count("● running") >= 4)
        assert screen_text(app).count("connecting") == 1
        assert "4 of 5 nodes looked at" in screen_text(app)


async def test_leaving_with_a_stuck_node_is_prompt() -> None:
    engine = FakeEngine(scenes.healthy())
    engine.hang = set(NAMES)
    app = make_app(engine)
    async with app.run_test() as pilot:
        await pilot.pause()
        began = time.monotonic()
        await pilot.press("q")
    assert time.monotonic() - began < 5
    assert engine.closed
    assert app.return_value == 0


async def test_who_leaves_at_once_hears_no_complaint() -> None:
    """What the screen has begun never gets its turn then."""
    app = make_app(FakeEngine(scenes.healthy()))
    async with app.run_test():
        assert isinstance(app.screen, HealthScreen)
        app.screen.start_polling()
        app.workers.cancel_all()
    gc.collect()


@pytest.mark.slow
async def test_an_engine_that_does_not_close_is_left_behind(monkeypatch: object) -> None:
    class Stuck(FakeEngine):
        async def close(self) -> None:
            await asyncio.Event().wait()

    app = make_app(Stuck(scenes.healthy()))
    began = time.monotonic()
    async with app.run_test() as pilot:
        await pilot.press("q")
    assert time.monotonic() - began < 10


async def test_rows_change_in_place_and_keep_the_cursor() -> None:
    engine = FakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await until(pilot, lambda: engine.looks >= 5)
        await press(pilot, "j", "j")
        table = app.screen.query_one(Table)
        assert table.marked == "db3"
        engine.scene = scenes.degraded()
        await press(pilot, "f5")
        await until(pilot, lambda: "unreachable" in screen_text(app))
        assert table.marked == "db3"
        await press(pilot, "G")
        assert table.marked == "backup1"
        await press(pilot, "g")
        assert table.marked == "db1"


async def test_a_row_that_grew_old_says_so() -> None:
    async with running(FakeEngine(scenes.degraded())) as (app, _):
        row = next(line for line in screen_text(app).splitlines() if "db3" in line and "unreachable" in line)
        assert "40s" in row


async def test_each_state_is_a_symbol_and_a_word() -> None:
    def with_state(name: str, active: Active) -> NodeStatus:
        healthy = basics.status(name)
        assert healthy.service is not None
        return replace(healthy, service=replace(healthy.service, active=active))

    statuses = {
        "db1": with_state("db1", Active.FLAPPING),
        "db2": with_state("db2", Active.FAILED),
        "db3": replace(basics.status("db3"), chain=None),
        "db4": replace(basics.status("db4"), reachable=False, refused=True),
        "backup1": with_state("backup1", Active.INACTIVE),
    }
    async with running(FakeEngine(replace(scenes.healthy(), statuses=statuses))) as (_, pilot):
        for mark in ("↻ restarting", "✗ failed", "◐ no answer", "✗ refused", "■ stopped"):
            await until_shown(pilot, mark)


async def test_the_order_is_chosen_and_the_cursor_stays_on_its_node() -> None:
    async with running(FakeEngine(scenes.degraded())) as (app, pilot):
        table = app.screen.query_one(Table)
        await until(pilot, lambda: "unreachable" in screen_text(app))
        await press(pilot, "down")
        assert table.marked == "db2"
        await press(pilot, "s", "s")  # by role, by state
        assert [row.key.value for row in table.ordered_rows] == ["db3", "db2", "db1", "db4", "backup1"]
        assert table.marked == "db2"
        assert "by state" in screen_text(app)
        await press(pilot, "S")
        assert [row.key.value for row in table.ordered_rows][-1] == "db3"
        assert table.marked == "db2"


async def test_rows_are_filtered_as_it_is_typed() -> None:
    async with running(FakeEngine(scenes.degraded())) as (app, pilot):
        table = app.screen.query_one(Table)
        await until(pilot, lambda: "unreachable" in screen_text(app))
        await press(pilot, "slash")
        await type_text(pilot, "stopped|db4")
        await until(pilot, lambda: [row.key.value for row in table.ordered_rows] == ["db2", "db4"])
        assert "2 of 5 nodes · filter stopped|db4" in screen_text(app)
        await press(pilot, "left_square_bracket")  # no regular expression yet: nothing changes
        assert table.row_count == 2
        await press(pilot, "backspace", "enter", "j")
        assert table.marked == "db4"
        await press(pilot, "slash", "escape")
        await until(pilot, lambda: table.row_count == len(NAMES))
        assert table.marked == "db4"


async def test_a_repetition_without_end_in_the_filter_ends_nothing() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "slash")
        line = app.screen.query_one(FilterLine)
        line.value = "db1|a{99999999999999}"
        await until(pilot, lambda: line.has_class("-invalid"))
        line.value = "db1"
        await until(pilot, lambda: app.screen.query_one(Table).row_count == 1)


async def test_a_filter_that_takes_nothing_says_so() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "slash")
        await type_text(pilot, "nowhere")
        await press(pilot, "enter")
        await until(pilot, lambda: "No row matches." in screen_text(app))
        await press(pilot, "enter", "space", "a")
        await until(pilot, lambda: "No node is shown" in screen_text(app))
        assert isinstance(app.screen, HealthScreen)


async def test_marked_nodes_are_acted_on() -> None:
    async with running(WritableFakeEngine(scenes.healthy())) as (app, pilot):
        await until(pilot, lambda: screen_text(app).count("● running") >= 5)
        await press(pilot, "space", "down", "down", "space")
        await until(pilot, lambda: screen_text(app).count("◆") == 2)
        assert "2 marked" in screen_text(app)
        await press(pilot, "a")
        await until(pilot, lambda: "With db1 and db3" in screen_text(app))
        await press(pilot, "enter")  # their logs
        assert isinstance(app.screen, LogsScreen)
        await until(pilot, lambda: app.screen.query_one(LogView).buffer.hidden == {"db2", "db4", "backup1"})
        await press(pilot, "escape", "a", "up", "enter")  # the last choice: a plan for them
        assert isinstance(app.screen, ChooseScreen)
        assert app.screen.choices.nodes == ("db1", "db3")


async def test_all_that_are_shown_are_marked_and_unmarked() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        assert isinstance(app.screen, HealthScreen)
        await press(pilot, "A")
        assert app.screen.query_one(NodeTable).marks == set(NAMES)
        await press(pilot, "A")
        assert app.screen.query_one(NodeTable).marks == frozenset()


async def test_who_only_looks_is_offered_no_plan() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "a")
        await until(pilot, lambda: "With db1" in screen_text(app))
        assert "Plan" not in screen_text(app)
        app.navigation.plan_for(("db1",))
        assert not isinstance(app.screen, ChooseScreen)


async def test_rows_are_copied_as_text() -> None:
    async with running(FakeEngine(scenes.degraded())) as (app, pilot):
        await until(pilot, lambda: "unreachable" in screen_text(app))
        await press(pilot, "c")
        assert app.clipboard.startswith(f"loom-prod ▲ PRODUCTION, {NOW:%Y-%m-%d %H:%M:%S} UTC\n✗ HALTED")
        assert app.clipboard.count("\n") == 1 + len(NAMES)
        await press(pilot, "down", "space", "c")
        assert app.clipboard.count("\n") == 2
        assert "db2" in app.clipboard


async def test_a_standstill_is_looked_into_once() -> None:
    class Counting(FakeEngine):
        asked = 0

        async def key_report(self) -> tuple[KeyReport, Mapping[str, LoomtuiError]]:
            self.asked += 1
            return await super().key_report()

    engine = Counting(scenes.degraded())
    async with running(engine, LARGE) as (app, pilot):
        await until(pilot, lambda: "db1 lists db3 with another ID" in screen_text(app))
        looked = engine.looks
        await press(pilot, "f5")
        await until(pilot, lambda: engine.looks > looked)
        assert engine.asked == 1


async def test_high_terminals_tell_more_of_the_node_under_the_cursor() -> None:
    async with running(FakeEngine(scenes.healthy()), LARGE) as (app, pilot):
        await until(pilot, lambda: "Starting the node" in screen_text(app) and "App hash" in screen_text(app))
        await pilot.resize_terminal(*SMALL)
        await until(
            pilot, lambda: "App hash" not in screen_text(app) and "no errors seen" in screen_text(app)
        )


async def test_a_log_that_cannot_be_read_says_so() -> None:
    class Mute(FakeEngine):
        async def recent(self, nodes: Sequence[str], lines: int) -> tuple[LogLine, ...]:
            raise NodeUnreachable("no answer on port 22", node=nodes[0])

    async with running(Mute(scenes.healthy()), LARGE) as (app, pilot):
        await until(pilot, lambda: "no answer on port 22" in screen_text(app))
        await press(pilot, "enter")
        await until(
            pilot, lambda: "Node db1" in screen_text(app) and "no answer on port 22" in screen_text(app)
        )


async def test_a_letter_goes_to_a_part_of_the_screen() -> None:
    async with running(FakeEngine(scenes.healthy()), LARGE) as (app, pilot):
        assert isinstance(app.focused, Table)
        await press(pilot, "apostrophe")
        assert isinstance(app.screen, JumpScreen)
        assert len(app.screen.query(JumpLabel)) == 3
        await press(pilot, "d")
        assert app.focused is not None
        assert app.focused.id == "recent"
        await press(pilot, "apostrophe", "escape")
        assert app.focused.id == "recent"


async def test_suspending_is_refused_while_a_run_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    suspended: list[bool] = []
    monkeypatch.setattr(LoomApp, "action_suspend_process", lambda self: suspended.append(True))
    async with running(WritableFakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "ctrl+z")
        assert suspended == [True]
        controller = app.context.controller
        assert controller is not None
        monkeypatch.setattr(type(controller), "busy", property(lambda self: True))
        await press(pilot, "ctrl+z")
        await until(pilot, lambda: "A run is at work" in screen_text(app))
        assert suspended == [True]


async def test_narrow_leaves_out_columns_and_tells_them_below() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        assert "1.0.0+350994c" in screen_text(app)
        assert "Clock" not in screen_text(app)
        await pilot.resize_terminal(*LARGE)
        await until(pilot, lambda: "Clock" in screen_text(app))
        assert app.screen.query_one(Table).row_count == len(NAMES)


async def test_enter_opens_the_node_and_escape_comes_back() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, NodeScreen)
        await until(pilot, lambda: "Node db2" in screen_text(app))
        await press(pilot, "G")
        await until(pilot, lambda: "ExecStart" in screen_text(app))
        await press(pilot, "escape", "escape", "escape")
        assert isinstance(app.screen, HealthScreen)


async def test_an_unknown_host_key_is_asked_about_and_no_is_the_blind_answer() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    answers: list[bool | str | None] = []

    async def ask() -> None:
        assert engine.prompter is not None
        first = [
            await engine.prompter.host_key("db1", "10.2.0.4", "ssh-ed25519", f"SHA256:{n}") for n in "abc"
        ]
        answers.extend(first)
        answers.append(await engine.prompter.secret("db1", "Password for sudo"))

    async with running(engine) as (app, pilot):
        app.run_worker(ask())
        for fingerprint, pressed in (("a", ["enter"]), ("b", ["escape"]), ("c", ["tab", "enter"])):
            await until_shown(pilot, f"SHA256:{fingerprint}")
            assert isinstance(app.screen, HostKeyDialog)
            await press(pilot, *pressed)
        await until(pilot, lambda: isinstance(app.screen, InputDialog))
        await type_text(pilot, "hunter2")
        assert "hunter2" not in screen_text(app)
        await press(pilot, "enter")
        await until(pilot, lambda: answers == [False, False, True, "hunter2"])


async def test_a_question_that_is_given_up_closes_its_dialog() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        assert engine.prompter is not None
        task = asyncio.create_task(engine.prompter.secret("db1", "Password"))
        await until(pilot, lambda: isinstance(app.screen, InputDialog))
        task.cancel()
        await until(pilot, lambda: isinstance(app.screen, HealthScreen))


async def test_an_error_inside_is_told_without_a_traceback() -> None:
    class Broken(FakeEngine):
        async def look(self, node: str, previous: NodeStatus | None) -> NodeStatus:
            raise RuntimeError("[/boom]")

    async with running(Broken(scenes.healthy())) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        assert "RuntimeError: [/boom]" in screen_text(app)
        assert "Traceback" not in screen_text(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, HealthScreen)


def test_time_is_the_given_one() -> None:
    app: LoomApp = make_app(FakeEngine(scenes.healthy()))
    assert app.context.now() - NOW == timedelta(0)
