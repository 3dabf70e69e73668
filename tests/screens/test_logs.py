"""The log view: bounded, filtered, counted; and what an operator can do with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.fleet.logs import LogLine
from screens.log_buffer import Entry, Filter, LogBuffer, entry_of
from screens.logs import LogsScreen
from screens.modals.text import TextDialog
from screens.widgets.log_view import LogView
from tests.screens import scenes
from tests.screens.basics import NOW
from tests.screens.fake import FakeEngine
from tests.screens.helping import press, running, shown, type_text, until


def entry(text: str, node: str = "db1") -> Entry:
    return entry_of(node, NOW, text)


def texts(buffer: LogBuffer) -> list[str]:
    return [line.text for line in buffer.shown]


def test_the_buffer_keeps_the_newest_and_counts_the_rest() -> None:
    buffer = LogBuffer(capacity=100)
    for number in range(1000):
        buffer.add([entry(f"line {number}")])
    assert buffer.kept <= 110
    assert texts(buffer)[-1] == "line 999"
    assert buffer.skipped + buffer.kept == 1000
    assert texts(buffer)[0] == f"line {buffer.skipped}"


def test_the_oldest_go_from_the_filtered_view_too() -> None:
    buffer = LogBuffer(capacity=10)
    buffer.select(typed="even")
    for number in range(100):
        buffer.add([entry(f"{'even' if number % 2 == 0 else 'odd'} {number}")])
    assert texts(buffer) == [f"even {number}" for number in range(buffer.skipped, 100) if number % 2 == 0]


def test_while_paused_lines_are_counted_and_come_afterwards() -> None:
    buffer = LogBuffer()
    buffer.add([entry("one")])
    buffer.pause(True)
    buffer.add([entry("two"), entry("three")])
    assert texts(buffer) == ["one"]
    assert buffer.waiting == 2
    buffer.pause(False)
    assert texts(buffer) == ["one", "two", "three"]
    assert buffer.waiting == 0


def test_filters_and_hidden_nodes_work_while_paused() -> None:
    buffer = LogBuffer()
    buffer.add([entry("good"), entry("bad", "db2")])
    buffer.pause(True)
    buffer.select(typed="!bad")
    assert texts(buffer) == ["good"]
    buffer.select(typed="", hidden=frozenset({"db1"}))
    assert texts(buffer) == ["bad"]


@pytest.mark.parametrize(
    ("typed", "shown_lines"),
    [("", 3), ("MISSMATCH", 1), ("!missmatch", 2), ("miss.*h", 1), ("db2", 1), ("!", 3), ("nothing", 0)],
)
def test_filter(typed: str, shown_lines: int) -> None:
    lines = [entry("a missmatch"), entry("b"), entry("c", "db2")]
    assert sum(Filter(typed).takes(line) for line in lines) == shown_lines


def test_a_filter_that_is_no_expression_changes_nothing() -> None:
    buffer = LogBuffer()
    buffer.add([entry("one")])
    with pytest.raises(ValueError, match="not a regular expression"):
        buffer.select(typed="[")
    assert texts(buffer) == ["one"]
    assert buffer.filter.typed == ""


@given(st.text(max_size=50), st.text(min_size=1, max_size=5))
def test_what_is_highlighted_lies_in_the_text(text: str, typed: str) -> None:
    try:
        found = Filter(typed)
    except ValueError:
        return
    for start, end in found.spans(text):
        assert 0 <= start < end <= len(text)


def test_padding_is_shortened_and_the_whole_is_kept() -> None:
    line = entry("Error dialing peer                           module=p2p")
    assert line.text == "Error dialing peer  module=p2p"
    assert "      " in line.whole


async def test_following_ends_when_moving_up_and_comes_back() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "● following" in shown(app) and "12 of 12" in shown(app))
        await press(pilot, "k")
        await until(pilot, lambda: "not following" in shown(app))
        await press(pilot, "G")
        await until(pilot, lambda: "● following" in shown(app))
        await press(pilot, "s")
        await until(pilot, lambda: "not following" in shown(app))


async def test_a_digit_hides_a_node_and_slash_filters() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in shown(app))
        await press(pilot, "1")
        await until(pilot, lambda: "hidden: db1" in shown(app) and "9 of 12" in shown(app))
        await press(pilot, "1", "slash")
        await type_text(pilot, "missmatch")
        await press(pilot, "enter")
        await until(pilot, lambda: "filter missmatch" in shown(app) and "4 of 12" in shown(app))
        await press(pilot, "slash", "enter")
        await until(pilot, lambda: "4 of 12" in shown(app), "the last filter is recalled")


async def test_wrap_shows_the_end_of_long_lines_and_enter_the_whole() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in shown(app))
        assert "missmatch" not in shown(app)
        await press(pilot, "w")
        await until(pilot, lambda: "missmatch" in shown(app))
        await press(pilot, "w", "N")
        await until(pilot, lambda: app.screen.query_one(LogView).marked is not None)
        await press(pilot, "enter")
        assert isinstance(app.screen, TextDialog)
        assert "It means" in shown(app)


async def test_time_can_be_left_out_and_pause_holds() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "03:13:45" in shown(app))
        await press(pilot, "t")
        await until(pilot, lambda: "03:13:45" not in shown(app))
        await press(pilot, "p")
        await until(pilot, lambda: "paused, 0 new lines" in shown(app))
        view = app.screen.query_one(LogView)
        view.add([entry("a new one")])
        view.change()
        await until(pilot, lambda: "paused, 1 new line:" in shown(app))
        await press(pilot, "p")
        await until(pilot, lambda: "a new one" in shown(app))


async def test_an_empty_log_says_why() -> None:
    async with running(FakeEngine(scenes.empty())) as (app, pilot):
        await press(pilot, "o", "enter", "n", "up", "pageup", "end")
        await until(pilot, lambda: "No lines yet" in shown(app))
        assert isinstance(app.screen, LogsScreen)


async def test_many_lines_scroll_with_the_newest_and_keep_the_place() -> None:
    many = tuple(LogLine("db1", NOW + timedelta(seconds=n), f"line {n}.", str(n)) for n in range(500))
    async with running(FakeEngine(replace(scenes.healthy(), logs=many))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 499." in shown(app))
        await press(pilot, "g")
        await until(pilot, lambda: "line 0." in shown(app))
        view = app.screen.query_one(LogView)
        view.add([entry("the newest")])
        view.change()
        await pilot.pause()
        assert "line 0." in shown(app)
        assert "the newest" not in shown(app)
