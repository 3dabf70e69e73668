"""The marked line, following and selecting, and which rows are in view: all without a widget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from screens.logs.log_buffer import LogBuffer, entry_of
from screens.logs.log_page import LogPage, Room
from screens.logs.log_place import LogPlace
from screens.logs.log_rows import RowPainter

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)


def place_in(lines: int) -> LogPlace:
    buffer = LogBuffer()
    buffer.add(
        [entry_of("n1", BEGIN + timedelta(seconds=number), f"line {number}") for number in range(lines)]
    )
    return LogPlace(buffer)


def room(height: int) -> Room:
    painter = RowPainter(("n1",), show_time=False, wrap=False, filters=())
    return Room(painter, 60, height)


def texts(page: LogPage) -> list[str | None]:
    return [row.entry.text if row.entry else None for row in page.rows]


def test_the_newest_is_followed_until_another_is_marked() -> None:
    at = place_in(3)
    assert at.cursor == 2
    at.mark(1)
    at.buffer.add([entry_of("n1", BEGIN + timedelta(hours=1), "later")])
    assert (at.following, at.cursor) == (False, 1)
    at.mark(3)
    assert at.following


def test_a_selection_reaches_from_where_it_began_to_the_marked_line() -> None:
    at = place_in(5)
    assert len(at.selected_or_all) == 5
    at.mark(3)
    at.toggle_selection()
    at.mark(1)
    assert [entry.text for entry in at.selection] == ["line 1", "line 2", "line 3"]
    assert at.selected_or_all == at.selection
    at.mark(4)
    assert not at.following, "while lines are selected the last one is not followed"
    at.toggle_selection()
    assert at.selection == ()


def test_nothing_is_marked_where_nothing_is_shown() -> None:
    at = place_in(0)
    assert (at.cursor, at.marked, at.selection) == (-1, None, ())


def test_the_page_is_full_as_long_as_there_are_lines() -> None:
    at = place_in(10)
    page = LogPage(at)
    page.lay_out(room(4))
    assert texts(page) == ["line 6", "line 7", "line 8", "line 9"]
    page.aim(0, room(4), in_middle=True)
    at.mark(0)
    page.lay_out(room(4))
    assert texts(page) == ["line 0", "line 1", "line 2", "line 3"]


def test_a_line_that_is_in_view_stays_at_its_height() -> None:
    at = place_in(10)
    page = LogPage(at)
    page.lay_out(room(4))
    page.aim(7, room(4), in_middle=False)
    at.mark(7)
    page.lay_out(room(4))
    assert texts(page) == ["line 6", "line 7", "line 8", "line 9"]
    assert [row.marked for row in page.rows] == [False, True, False, False]


def test_a_short_log_leaves_rows_empty_below() -> None:
    page = LogPage(place_in(2))
    page.lay_out(room(4))
    assert texts(page) == ["line 0", "line 1", None, None]
