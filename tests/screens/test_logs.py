"""The log view: bounded, filtered, counted; and what an operator can do with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import MouseScrollDown, MouseScrollUp
from textual.strip import Strip
from textual.widgets import Input

from loomtui.fleet.logs import LogLine
from loomtui.text import clean_line
from screens.app import LoomApp
from screens.log_buffer import Entry, Filter, LogBuffer, entry_of
from screens.logs import LogsScreen
from screens.modals.ask import NodesDialog
from screens.modals.text import TextDialog
from screens.moments import read_moment
from screens.widgets.log_view import LogView
from tests.screens import scenes
from tests.screens.basics import NOW
from tests.screens.fake import FakeEngine
from tests.screens.helping import LARGE, press, running, shown, type_text, until


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


@given(
    st.lists(
        st.one_of(st.lists(st.integers(0, 50), max_size=9), st.booleans(), st.sampled_from(["", "1", "!2"]))
    ),
    st.integers(1, 30),
)
def test_whatever_comes_and_goes_every_line_is_kept_or_waits_or_is_counted(
    acts: list[list[int] | bool | str], capacity: int
) -> None:
    buffer, came = LogBuffer(capacity), 0
    for act in acts:
        if isinstance(act, bool):
            buffer.pause(act)
        elif isinstance(act, str):
            buffer.select(typed=act)
        else:
            buffer.add([entry_of("db1", NOW + timedelta(seconds=second), str(second)) for second in act])
            came += len(act)
        assert buffer.kept + buffer.skipped + len(buffer._held) == came
        assert buffer.kept <= capacity + max(1, capacity // 10)
        moments = [line.at for line in buffer.shown]
        assert moments == sorted(moments)
        assert list(buffer.shown) == [line for line in buffer._kept if buffer.filter.takes(line)]


def test_a_late_line_comes_to_its_place() -> None:
    buffer = LogBuffer()
    buffer.select(typed="!three")
    for second, text in ((1, "one"), (3, "three"), (4, "four"), (2, "two"), (4, "four again"), (0, "zero")):
        buffer.add([entry_of("db1", NOW + timedelta(seconds=second), text)])
    assert texts(buffer) == ["zero", "one", "two", "four", "four again"]


def test_a_place_is_found_again_or_the_nearest_one() -> None:
    buffer = LogBuffer()
    lines = [entry_of("db1", NOW + timedelta(seconds=second // 2), f"line {second}") for second in range(10)]
    buffer.add(lines)
    assert [buffer.place_of(line) for line in lines] == list(range(10))
    buffer.select(typed="!line 5")
    assert buffer.shown[buffer.place_of(lines[5])] is lines[4]
    assert buffer.place_at(NOW - timedelta(days=1)) == 0
    assert buffer.place_at(NOW + timedelta(days=1)) == 8
    assert LogBuffer().place_at(NOW) == -1


def test_lines_that_came_while_paused_are_bounded_and_counted() -> None:
    buffer = LogBuffer(capacity=10)
    buffer.pause(True)
    for number in range(100):
        buffer.add([entry(f"line {number}")])
    assert buffer.waiting == 100
    buffer.pause(False)
    assert buffer.skipped + buffer.kept == 100
    assert texts(buffer)[-1] == "line 99"


@pytest.mark.parametrize(
    "text", ["plain", "tab\there", "\x1b[31mred", "a\x07b", "a\u202eb", "x" * 30_000, "ü ✓"]
)
def test_a_line_is_clean_whatever_it_was(text: str) -> None:
    assert entry(text).whole == clean_line(text, limit=20_000)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("02:30", "2026-11-22T02:30:00"),
        ("03:14:15", "2026-11-22T03:14:15"),
        ("23:59", "2026-11-21T23:59:00"),
        ("-5m", "2026-11-22T03:09:15"),
        ("- 2 d", "2026-11-20T03:14:15"),
        ("2026-11-20 14:30", "2026-11-20T14:30:00"),
        ("2026-11-20T14:30+02:00", "2026-11-20T12:30:00"),
    ],
)
def test_a_moment_as_it_is_typed(typed: str, read: str) -> None:
    assert read_moment(typed, NOW).isoformat() == f"{read}+00:00"


@pytest.mark.parametrize("typed", ["", "soon", "25:00", "-999999999d", "-5x", "99999999999999999999"])
def test_what_is_no_moment(typed: str) -> None:
    with pytest.raises(ValueError):
        read_moment(typed, NOW)


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
        await until(pilot, lambda: "1 db1 hidden" in shown(app) and "9 of 12" in shown(app))
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
        view.add([replace(entry("the newest"), at=NOW + timedelta(hours=1))])
        view.change()
        await pilot.pause()
        assert "line 0." in shown(app)
        assert "the newest" not in shown(app)


async def test_find_goes_to_the_newest_hit_and_n_to_the_others() -> None:
    many = tuple(LogLine("db1", NOW + timedelta(seconds=n), f"line {n}.", str(n)) for n in range(500))
    async with running(FakeEngine(replace(scenes.healthy(), logs=many))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 499." in shown(app))
        view = app.screen.query_one(LogView)

        def at(text: str) -> bool:
            return view.marked is not None and view.marked.text == text

        await press(pilot, "f")
        await type_text(pilot, "line .77")
        await press(pilot, "enter")
        await until(pilot, lambda: at("line 477."))
        assert "find line .77" in shown(app)
        await press(pilot, "N")
        await until(pilot, lambda: at("line 377."))
        await press(pilot, "n")
        await until(pilot, lambda: at("line 477."))
        await press(pilot, "n")
        await until(pilot, lambda: "No line there with line .77" in shown(app))
        assert at("line 477.")
        assert "500 of 500" in shown(app)


async def test_known_lines_are_gone_to_also_while_something_is_sought() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o", "f")
        await type_text(pilot, "Executed")
        await press(pilot, "enter", "left_square_bracket")
        view = app.screen.query_one(LogView)
        await until(pilot, lambda: view.marked is not None and "missmatch" in view.marked.whole)


def saved_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_selected_lines_are_copied_and_saved_for_their_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in shown(app))
        await press(pilot, "space", "k", "k")
        await until(pilot, lambda: "3 lines selected" in shown(app))
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
        await until(pilot, lambda: "1,000 of 1,000" in shown(app))
        await press(pilot, "c")
        assert app.clipboard == ""
        assert "more than a terminal's clipboard takes" in shown(app)


async def test_a_time_is_gone_to_and_what_is_older_is_read_from_the_journals() -> None:
    many = tuple(LogLine("db1", NOW - timedelta(seconds=500 - n), f"line {n}.", str(n)) for n in range(500))
    engine = FakeEngine(replace(scenes.healthy(), logs=many))
    engine.older_logs = (LogLine("db2", NOW - timedelta(hours=2), "of two hours ago", "old"),)
    async with running(engine) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 499." in shown(app))
        view = app.screen.query_one(LogView)
        await press(pilot, "at")
        app.screen.query_one("#line", Input).value = "-100s"
        await press(pilot, "enter")
        await until(pilot, lambda: view.marked is not None and view.marked.text == "line 400.")
        assert "not following" in shown(app)
        await press(pilot, "at")
        app.screen.query_one("#line", Input).value = "-3h"
        await press(pilot, "enter")
        await until(pilot, lambda: view.marked is not None and view.marked.text == "of two hours ago")
        assert view.buffer.kept == 501
        await press(pilot, "at")
        app.screen.query_one("#line", Input).value = "soon"
        await press(pilot, "enter")
        assert "not a time" in shown(app)


async def test_nodes_can_be_chosen_among_all() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in shown(app))
        await press(pilot, "0")
        await until(pilot, lambda: isinstance(app.screen, NodesDialog))
        await press(pilot, "space", "tab", "enter")
        await until(pilot, lambda: "1 db1 hidden" in shown(app))


async def test_the_place_stays_when_lines_before_it_go_and_the_filter_changes() -> None:
    many = tuple(LogLine("db1", NOW + timedelta(seconds=n), f"line {n}.", str(n)) for n in range(60))
    async with running(FakeEngine(replace(scenes.healthy(), logs=many))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 59." in shown(app))
        view = app.screen.query_one(LogView)
        await press(pilot, *"kkkkkkkkk")
        assert view.marked is not None
        assert view.marked.text == "line 50."
        view.buffer.capacity = 20
        view.add([replace(entry(f"new {n}"), at=NOW + timedelta(hours=1)) for n in range(5)])
        view.change()
        assert view.buffer.skipped == 45
        assert view.marked.text == "line 50."
        view.buffer.select(typed="!line 50")
        view.change()
        assert view.marked.text == "line 51."


async def test_the_wheel_and_a_click_mark_lines() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "12 of 12" in shown(app))
        view = app.screen.query_one(LogView)
        await pilot.click(LogView, offset=(5, 1))
        assert view.cursor == 1
        view.post_message(MouseScrollDown(view, 5, 1, 0, 1, 0, False, False, False))
        await until(pilot, lambda: view.cursor == 4)
        view.post_message(MouseScrollUp(view, 5, 1, 0, -1, 0, False, False, False))
        await until(pilot, lambda: view.cursor == 1)


async def test_wrapped_lines_fill_the_view_to_its_end() -> None:
    long = tuple(
        LogLine("db1", NOW + timedelta(seconds=n), f"line {n}. " + "word " * 40 + f"end{n}", str(n))
        for n in range(50)
    )
    async with running(FakeEngine(replace(scenes.healthy(), logs=long))) as (app, pilot):
        await press(pilot, "o", "w")
        await until(pilot, lambda: "line 49." in shown(app))
        view = app.screen.query_one(LogView)
        assert rows_of(app)[-1].endswith("end49")
        await press(pilot, "g")
        assert "line 0. word" in rows_of(app)[0]
        assert len(rows_of(app)) == view.size.height
        assert all(rows_of(app))
        assert "line 9. word" not in shown(app)
        await press(pilot, *"jjjjjjjjj")
        assert "line 9. word" in shown(app)
        assert "end9" in shown(app)


def numbered(count: int) -> tuple[LogLine, ...]:
    return tuple(
        LogLine(f"db{1 + n % 3}", NOW + timedelta(seconds=n), f"line {n}. " + "word " * (n % 30), str(n))
        for n in range(count)
    )


def rows_of(app: LoomApp) -> list[str]:
    """What stands in the log view, without its edge."""
    view = app.screen.query_one(LogView)
    lines = shown(app).splitlines()[view.content_region.y : view.content_region.bottom]
    return [line[view.content_region.x :].rstrip(" │┃") for line in lines]


WAYS = (
    *("k", "k,k,j", "g", "G", "pageup", "space", "k,space,k,k", "space,space", "home,end"),
    *("p", "p,p", "1", "1,1", "w", "w,k", "t", "s", "s,s", "pageup,pagedown", "w,t,g,space,j,j"),
)


@pytest.mark.parametrize("pressed", WAYS)
async def test_what_is_drawn_anew_is_all_that_looks_different(pressed: str) -> None:
    """With a line that comes after each key; the whole drawn anew must look the same."""
    async with running(FakeEngine(replace(scenes.healthy(), logs=numbered(120)))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 119" in shown(app))
        view = app.screen.query_one(LogView)
        for number, key in enumerate(pressed.split(",")):
            await press(pilot, key)
            view.add([entry_of("db2", NOW + timedelta(seconds=200 + number), f"later {number}")])
            view._repaint()
            await pilot.pause()
            drawn = [list(strip) for strip in app.screen._compositor.render_strips()]
            view.refresh()
            await pilot.pause()
            assert drawn == [list(strip) for strip in app.screen._compositor.render_strips()]


@pytest.mark.parametrize("step", ["j", "k"])
async def test_all_selected_lines_and_no_others_are_marked_as_such(step: str) -> None:
    async with running(FakeEngine(replace(scenes.healthy(), logs=numbered(120)))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 119" in shown(app))
        view = app.screen.query_one(LogView)
        await press(pilot, *"kkkkkkk", "space", step, step)
        chosen = view.get_component_rich_style("log--selected").bgcolor
        marked = view.get_component_rich_style("log--cursor").bgcolor
        assert chosen != marked
        grounds = {}
        for y, row in enumerate(rows_of(app)):
            first = next(iter(view.render_line(y)))
            grounds[row.split(".")[0].rsplit("line ")[-1]] = first.style.bgcolor if first.style else None
        assert len(view.selection) == 3
        assert grounds.pop("114" if step == "j" else "110") == marked
        assert {line for line, ground in grounds.items() if ground == chosen} == (
            {"112", "113"} if step == "j" else {"111", "112"}
        )


async def test_moving_the_mark_draws_two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(FakeEngine(replace(scenes.healthy(), logs=numbered(120)))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 119" in shown(app))
        view = app.screen.query_one(LogView)
        await press(pilot, "k")
        drawn: list[int] = []
        render = view.render_line

        def counting(y: int) -> Strip:
            drawn.append(y)
            return render(y)

        monkeypatch.setattr(view, "render_line", counting)
        await press(pilot, "k")
        await until(pilot, lambda: bool(drawn))
        assert len(drawn) == 2
