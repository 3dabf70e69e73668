"""The one reader of times: on the screens, and with --before and --since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loomtui.times import HOW, read_length, read_time

NOW = datetime(2026, 11, 22, 3, 14, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("02:30", "2026-11-22T02:30:00"),
        ("03:14:15", "2026-11-22T03:14:15"),
        ("23:59", "2026-11-21T23:59:00"),
        ("23h59", "2026-11-21T23:59:00"),
        ("23:00-05:00", "2026-11-21T04:00:00"),
        ("-5m", "2026-11-22T03:09:15"),
        ("-6h", "2026-11-21T21:14:15"),
        (" - 2 d ", "2026-11-20T03:14:15"),
        ("-1h30m", "2026-11-22T01:44:15"),
        ("2026-11-20 14:30", "2026-11-20T14:30:00"),
        ("2026-11-20", "2026-11-20T00:00:00"),
        ("2026-12-24 18:00", "2026-12-24T18:00:00"),
        ("2026-11-20T14:30+02:00", "2026-11-20T12:30:00"),
        ("2026-11-20T14:30:00Z", "2026-11-20T14:30:00"),
        ("2026-11-20 14:30 UTC", "2026-11-20T14:30:00"),
        ("2026-11-05", "2026-11-05T00:00:00"),
        ("20261105", "2026-11-05T00:00:00"),
        ("5 Nov 2026 14:30", "2026-11-05T14:30:00"),
        ("25.11.2026", "2026-11-25T00:00:00"),
    ],
)
def test_a_time_as_it_is_typed(typed: str, read: str) -> None:
    assert read_time(typed, NOW).isoformat() == f"{read}+00:00"


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "soon", "25:00", "2026-13-40", "99999999999999999999", "0001-01-01", "9999-12-31"),
        *("-999999999d", "-5x", "-6", "-6hours", "-14:30", "- h"),
        *("2026-11-20T14:30+25:00", "2026-11-20 14:30 XYT", "0001-01-01T00:00+10:00"),
        *("05.11.2026", "5/11/2026 14:30", "05-11-26"),  # a day or a month
    ],
)
def test_what_is_no_time_is_refused_with_the_one_sentence(typed: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_time(typed, NOW)
    assert str(refused.value) == f"'{typed.strip()}' is not a time. Write it as {HOW}."


_PIECES = st.sampled_from(
    [*"0123456789-+:.,/TZ ", "am", "pm", "h", "m", "Mon", "Nov", "UTC", "2026", "11-20", "+25:00", "14:30"]
)


@given(st.text(max_size=40) | st.lists(_PIECES, max_size=10).map("".join))
@example("2026-11-20T14:30+25:00")
def test_no_typed_text_ends_it(typed: str) -> None:
    try:
        at = read_time(typed, NOW)
    except ValueError:
        return
    assert at.utcoffset() == timedelta(0)
    assert 1970 <= at.year < 2200


@given(st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_whole_time_is_read_as_it_was_written(naive: datetime, minutes: int) -> None:
    at = naive.replace(tzinfo=UTC)
    assert read_time(naive.isoformat(), NOW) == at
    sign = "-" if minutes < 0 else "+"
    local = naive + timedelta(minutes=minutes)
    typed = f"{local.isoformat()}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    assert read_time(typed, NOW) == at


@given(st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_the_day_is_the_last_one(hour: int, minute: int) -> None:
    at = read_time(f"{hour}:{minute:02d}", NOW)
    assert (at.hour, at.minute) == (hour, minute)
    assert timedelta() <= NOW - at < timedelta(days=1)


@pytest.mark.parametrize(
    ("typed", "seconds"), [("45s", 45), ("30m", 1800), ("1h30m", 5400), (" 1 h 30 m ", 5400), ("2d", 172_800)]
)
def test_a_length_as_it_is_typed(typed: str, seconds: int) -> None:
    assert read_length(typed) == timedelta(seconds=seconds)


@pytest.mark.parametrize("typed", ["", "0s", "30", "-1h", "1w", "1h-", "999999d", "1m" * 60, "٣m"])
def test_what_is_no_length_is_told(typed: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time, such as 30m"):
        read_length(typed)
