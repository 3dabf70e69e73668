"""The lines behind the log view: bounded, filtered, counted; filters as they are typed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.matching import Matcher
from loomtui.text import clean_line
from screens.logs.log_buffer import Entry, LogBuffer, entry_of
from tests.screens.basics import NOW


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
        assert buffer.kept + buffer.skipped + len(buffer._waiting_entries) == came
        assert buffer.kept <= capacity + max(1, capacity // 10)
        moments = [line.at for line in buffer.shown]
        assert moments == sorted(moments)
        assert list(buffer.shown) == [line for line in buffer._kept if line.matches(buffer.filter)]


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
    ("typed", "shown_lines"),
    [("", 3), ("MISSMATCH", 1), ("!missmatch", 2), ("miss.*h", 1), ("db2", 1), ("!", 3), ("nothing", 0)],
)
def test_filter(typed: str, shown_lines: int) -> None:
    lines = [entry("a missmatch"), entry("b"), entry("c", "db2")]
    assert sum(line.matches(Matcher(typed)) for line in lines) == shown_lines


def test_a_filter_that_is_no_expression_changes_nothing() -> None:
    buffer = LogBuffer()
    buffer.add([entry("one")])
    with pytest.raises(ValueError, match="not a regular expression"):
        buffer.select(typed="[")
    assert texts(buffer) == ["one"]
    assert buffer.filter.typed == ""


def test_padding_is_shortened_and_the_whole_is_kept() -> None:
    line = entry("Error dialing peer                           module=p2p")
    assert line.text == "Error dialing peer  module=p2p"
    assert "      " in line.whole
