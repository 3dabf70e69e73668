"""The log screen: what an operator can do with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.widgets import Input

from loomtui.fleet.probes.log_tail import LogLine
from screens.logs.log_buffer import entry_of
from screens.logs.log_view import LogView
from screens.logs.logs_screen import LogsScreen
from screens.modals.ask import NodesDialog
from screens.modals.text import TextDialog
from tests.screens import scenes
from tests.screens.basics import NOW
from tests.screens.fake import FakeEngine
from tests.screens.helping import LARGE, press, running, screen_text, type_text, until


async def test_following_ends_when_moving_up_and_comes_back() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "● following" in screen_text(app) and "12 of 12" in screen_text(app))
        await press(pilot, "k")
        await until(pilot, lambda: "not following" in screen_text(app))
        await press(pilot, "G")
        await until(pilot, lambda: "● following" in screen_text(app))
        await press(pilot, "s")
        await until(pilot, lambda: "not following" in screen_text(app))


async def test_a_digit_hides_a_node_and_slash_filters() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in screen_text(app))
        await press(pilot, "1")
        await until(pilot, lambda: "1 db1 hidden" in screen_text(app) and "9 of 12" in screen_text(app))
        await press(pilot, "1", "slash")
        await type_text(pilot, "missmatch")
        await press(pilot, "enter")
        await until(pilot, lambda: "filter missmatch" in screen_text(app) and "4 of 12" in screen_text(app))
        await press(pilot, "slash", "enter")
        await until(pilot, lambda: "4 of 12" in screen_text(app), "the last filter is recalled")


async def test_wrap_shows_the_end_of_long_lines_and_enter_the_whole() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in screen_text(app))
        assert "missmatch" not in screen_text(app)
        await press(pilot, "w")
        await until(pilot, lambda: "missmatch" in screen_text(app))
        await press(pilot, "w", "N")
        await until(pilot, lambda: app.screen.query_one(LogView).position.marked is not None)
        await press(pilot, "enter")
        assert isinstance(app.screen, TextDialog)
        assert "It means" in screen_text(app)


async def test_time_can_be_left_out_and_pause_holds() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "03:13:45" in screen_text(app))
        await press(pilot, "t")
        await until(pilot, lambda: "03:13:45" not in screen_text(app))
        await press(pilot, "p")
        await until(pilot, lambda: "paused, 0 new lines" in screen_text(app))
        view = app.screen.query_one(LogView)
        view.add([entry_of("db1", NOW, "a new one")])
        view.change()
        await until(pilot, lambda: "paused, 1 new line:" in screen_text(app))
        await press(pilot, "p")
        await until(pilot, lambda: "a new one" in screen_text(app))


async def test_an_empty_log_says_why() -> None:
    async with running(FakeEngine(scenes.empty())) as (app, pilot):
        await press(pilot, "o", "enter", "n", "up", "pageup", "end")
        await until(pilot, lambda: "No lines yet" in screen_text(app))
        assert isinstance(app.screen, LogsScreen)


async def test_many_lines_scroll_with_the_newest_and_keep_the_place() -> None:
    many = tuple(LogLine("db1", NOW + timedelta(seconds=n), f"line {n}.", str(n)) for n in range(500))
    async with running(FakeEngine(replace(scenes.healthy(), logs=many))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 499." in screen_text(app))
        await press(pilot, "g")
        await until(pilot, lambda: "line 0." in screen_text(app))
        view = app.screen.query_one(LogView)
        view.add([entry_of("db1", NOW + timedelta(hours=1), "the newest")])
        view.change()
        await pilot.pause()
        assert "line 0." in screen_text(app)
        assert "the newest" not in screen_text(app)


async def test_find_goes_to_the_newest_hit_and_n_to_the_others() -> None:
    many = tuple(LogLine("db1", NOW + timedelta(seconds=n), f"line {n}.", str(n)) for n in range(500))
    async with running(FakeEngine(replace(scenes.healthy(), logs=many))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 499." in screen_text(app))
        view = app.screen.query_one(LogView)

        def at(text: str) -> bool:
            return view.position.marked is not None and view.position.marked.text == text

        await press(pilot, "f")
        await type_text(pilot, "line .77")
        await press(pilot, "enter")
        await until(pilot, lambda: at("line 477."))
        assert "find line .77" in screen_text(app)
        await press(pilot, "N")
        await until(pilot, lambda: at("line 377."))
        await press(pilot, "n")
        await until(pilot, lambda: at("line 477."))
        await press(pilot, "n")
        await until(pilot, lambda: "No line there with line .77" in screen_text(app))
        assert at("line 477.")
        assert "500 of 500" in screen_text(app)


async def test_known_lines_are_gone_to_also_while_something_is_sought() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o", "f")
        await type_text(pilot, "Executed")
        await press(pilot, "enter", "left_square_bracket")
        view = app.screen.query_one(LogView)
        await until(
            pilot, lambda: view.position.marked is not None and "missmatch" in view.position.marked.whole
        )


def saved_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_selected_lines_are_copied_and_saved_for_their_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in screen_text(app))
        await press(pilot, "space", "k", "k")
        await until(pilot, lambda: "3 lines selected" in screen_text(app))
        await press(pilot, "c", "S")
        copied = app.clipboard.splitlines()
        assert [line.split()[1] for line in copied] == ["db2", "db3", "db4"]
        assert copied[0].startswith(
            "2026-11-22T03:13:56.000000Z db2 I[2026-11-22|03:14:02.001] Executed block     "
        )
        (saved,) = saved_in(tmp_path)
        assert saved.read_text() == app.clipboard
        assert saved.stat().st_mode & 0o777 == 0o600
        await press(pilot, "S")
        assert len(saved_in(tmp_path)) == 2, "the first file stays"
        await press(pilot, "space", "c")
        assert len(app.clipboard.splitlines()) == 12


async def test_what_no_clipboard_takes_is_not_copied() -> None:
    many = tuple(LogLine("db1", NOW + timedelta(seconds=n), "x" * 100, str(n)) for n in range(1000))
    async with running(FakeEngine(replace(scenes.healthy(), logs=many)), LARGE) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "1,000 of 1,000" in screen_text(app))
        await press(pilot, "c")
        assert app.clipboard == ""
        assert "more than a terminal's clipboard takes" in screen_text(app)


async def test_a_time_is_gone_to_and_what_is_older_is_read_from_the_journals() -> None:
    many = tuple(LogLine("db1", NOW - timedelta(seconds=500 - n), f"line {n}.", str(n)) for n in range(500))
    engine = FakeEngine(replace(scenes.healthy(), logs=many))
    engine.older_logs = (LogLine("db2", NOW - timedelta(hours=2), "of two hours ago", "old"),)
    async with running(engine) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 499." in screen_text(app))
        view = app.screen.query_one(LogView)
        await press(pilot, "at")
        app.screen.query_one("#line", Input).value = "-100s"
        await press(pilot, "enter")
        await until(
            pilot, lambda: view.position.marked is not None and view.position.marked.text == "line 400."
        )
        assert "not following" in screen_text(app)
        await press(pilot, "at")
        app.screen.query_one("#line", Input).value = "-3h"
        await press(pilot, "enter")
        await until(
            pilot,
            lambda: view.position.marked is not None and view.position.marked.text == "of two hours ago",
        )
        assert view.buffer.kept == 501
        await press(pilot, "at")
        app.screen.query_one("#line", Input).value = "soon"
        await press(pilot, "enter")
        assert "not a time" in screen_text(app)


async def test_nodes_can_be_chosen_among_all() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in screen_text(app))
        await press(pilot, "0")
        await until(pilot, lambda: isinstance(app.screen, NodesDialog))
        await press(pilot, "space", "tab", "enter")
        await until(pilot, lambda: "1 db1 hidden" in screen_text(app))


async def test_the_place_stays_when_lines_before_it_go_and_the_filter_changes() -> None:
    many = tuple(LogLine("db1", NOW + timedelta(seconds=n), f"line {n}.", str(n)) for n in range(60))
    async with running(FakeEngine(replace(scenes.healthy(), logs=many))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 59." in screen_text(app))
        view = app.screen.query_one(LogView)
        await press(pilot, *"kkkkkkkkk")
        assert view.position.marked is not None
        assert view.position.marked.text == "line 50."
        view.buffer.capacity = 20
        view.add([entry_of("db1", NOW + timedelta(hours=1), f"new {n}") for n in range(5)])
        view.change()
        assert view.buffer.skipped == 45
        assert view.position.marked.text == "line 50."
        view.buffer.select(typed="!line 50")
        view.change()
        assert view.position.marked.text == "line 51."


async def test_the_wheel_and_a_click_mark_lines() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in screen_text(app))
        view = app.screen.query_one(LogView)
        await pilot.click(LogView, offset=(5, 1))
        assert view.position.cursor == 1
        view.post_message(MouseScrollDown(view, 5, 1, 0, 1, 0, False, False, False))
        await until(pilot, lambda: view.position.cursor == 4)
        view.post_message(MouseScrollUp(view, 5, 1, 0, -1, 0, False, False, False))
        await until(pilot, lambda: view.position.cursor == 1)
