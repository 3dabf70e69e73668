"""How far hosts' clocks are from UTC: made-up hosts in real zones, and what is told of them."""

from __future__ import annotations

import math
import random
import zoneinfo
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loomtui.backups.clocks import OFFSETS, Stamp, TakenBy, longest, read_clock

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
SURE = {TakenBy.MEASURED, TakenBy.MEASURED_ONCE}
SMALL, LARGE = 20_000, 6_000_000_000


def stamp(taken_at: datetime, offset: timedelta, length: timedelta, size: int = SMALL) -> Stamp:
    return Stamp(taken_at + offset, taken_at + length, size)


def in_zone(taken_at: datetime, zone: str, length: timedelta, size: int = SMALL) -> Stamp:
    offset = taken_at.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return stamp(taken_at, offset, length, size)


def every(step: timedelta, start: datetime, count: int) -> list[datetime]:
    return [start + number * step for number in range(count)]


def test_the_offsets_are_those_of_the_tz_database() -> None:
    found = {
        datetime(year, month, 15, tzinfo=UTC).astimezone(zoneinfo.ZoneInfo(name)).utcoffset()
        for name in zoneinfo.available_timezones()
        for year in range(2019, 2031)
        for month in range(1, 13)
    }
    assert found <= set(OFFSETS)
    assert all(offset % (15 * MINUTE) == timedelta(0) for offset in OFFSETS)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("length", [SECOND, 50 * SECOND, 2 * MINUTE])
def test_a_short_backup_tells_the_offset(zone: str, length: timedelta) -> None:
    at = datetime(2026, 1, 5, 3, tzinfo=UTC)
    (only,) = read_clock([in_zone(at, zone, length)])
    assert (only.taken_at, only.by) == (at, TakenBy.MEASURED_ONCE)
    first, second = read_clock([in_zone(at, zone, length), in_zone(at + DAY, zone, length)])
    assert (first.taken_at, second.taken_at) == (at, at + DAY)
    assert {first.by, second.by} == {TakenBy.MEASURED}


def test_a_backup_of_no_length_tells_it_too() -> None:
    """S3's stamps may lack the fractions of a second that the clock of the host had."""
    at = datetime(2026, 1, 5, 3, tzinfo=UTC)
    (only,) = read_clock([stamp(at, -8 * HOUR, -SECOND)])
    assert (only.by, only.offset) == (TakenBy.MEASURED_ONCE, -8 * HOUR)
    assert at - only.taken_at <= SECOND


def test_long_backups_alone_leave_it_open() -> None:
    """80 minutes at -8 look like 20 at -9: the least length is assumed, and said so."""
    days = every(DAY, datetime(2026, 1, 5, tzinfo=UTC), 9)
    told = read_clock([stamp(day, -8 * HOUR, 80 * MINUTE, LARGE) for day in days])
    assert {one.by for one in told} == {TakenBy.ASSUMED}
    assert [one.taken_at for one in told] == [day + HOUR for day in days]


def test_one_short_backup_sharpens_the_long_ones() -> None:
    days = every(DAY, datetime(2026, 1, 5, tzinfo=UTC), 9)
    stamps = [stamp(day, -8 * HOUR, 80 * MINUTE, LARGE) for day in days]
    shorts = (days[4] + 3 * HOUR, days[6] + 3 * HOUR)
    stamps += [stamp(short, -8 * HOUR, 4 * SECOND) for short in shorts]
    told = read_clock(stamps)
    assert [one.taken_at for one in told[:9]] == days
    assert {one.by for one in told} == {TakenBy.MEASURED}


CHANGES = [  # a zone, and the hour of a change, UTC
    ("America/Los_Angeles", datetime(2026, 3, 8, 10, tzinfo=UTC)),
    ("America/Los_Angeles", datetime(2026, 11, 1, 9, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
]


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@pytest.mark.parametrize("step", [20 * MINUTE, HOUR, 6 * HOUR, DAY])
@pytest.mark.parametrize("after", [1, 2, 9])
def test_a_change_to_summer_or_winter_time_is_found(
    zone: str, change: datetime, step: timedelta, after: int
) -> None:
    moments = every(step, change - 12 * step + 7 * MINUTE, 12 + after)
    told = read_clock([in_zone(at, zone, timedelta(seconds=3 + n % 4)) for n, at in enumerate(moments)])
    assert [one.taken_at for one in told] == moments
    assert all(one.by in SURE for one in told)


@pytest.mark.parametrize(("zone", "change"), CHANGES[:4])
@pytest.mark.parametrize("after", [2, 9])
def test_it_is_found_among_data_backups_that_take_long(zone: str, change: datetime, after: int) -> None:
    moments = every(6 * HOUR, change - 72 * HOUR + 7 * MINUTE, 12 + after)
    lengths = [35 * MINUTE + (n * 7 % 5) * MINUTE for n in range(len(moments))]
    told = read_clock([in_zone(at, zone, length, LARGE) for at, length in zip(moments, lengths, strict=True)])
    assert [one.taken_at for one in told] == moments


def test_backups_that_grow_are_no_change_of_the_offset() -> None:
    days = every(DAY, datetime(2026, 1, 5, tzinfo=UTC), 40)
    told = read_clock(
        [stamp(day, -8 * HOUR, (20 + 2 * n) * MINUTE, 10**9 + n * 10**8) for n, day in enumerate(days)]
    )
    assert [one.taken_at for one in told] == days


def test_one_backup_that_waited_is_no_change_either() -> None:
    hours = every(HOUR, datetime(2026, 1, 5, tzinfo=UTC), 30)
    told = read_clock([stamp(at, 2 * HOUR, HOUR if n == 14 else SECOND) for n, at in enumerate(hours)])
    assert [one.taken_at for one in told] == hours


def test_of_a_copied_bucket_nothing_is_told() -> None:
    days = every(6 * HOUR, datetime(2026, 1, 5, tzinfo=UTC), 20)
    copied = [Stamp(day, days[-1] + 2 * HOUR + n * SECOND, SMALL) for n, day in enumerate(days)]
    told = read_clock(copied)
    assert {one.by for one in told} == {TakenBy.LAST_MODIFIED}
    assert [one.taken_at for one in told] == [one.modified for one in copied]


def test_copied_ones_are_told_by_those_that_came_by_themselves() -> None:
    """The offset is the host's; that it was the same then is assumed."""
    days = every(DAY, datetime(2026, 1, 5, tzinfo=UTC), 20)
    copied = [Stamp(day + 2 * HOUR, days[15] - HOUR + n * SECOND, SMALL) for n, day in enumerate(days[:15])]
    own = [stamp(day, 2 * HOUR, 5 * SECOND) for day in days[15:]]
    told = read_clock([*copied, *own])
    assert [one.taken_at for one in told] == days
    assert [one.by for one in told] == [TakenBy.ASSUMED] * 15 + [TakenBy.MEASURED] * 5


@pytest.mark.parametrize("lag", [-15 * HOUR, -400 * DAY, 40 * HOUR, 400 * DAY])
def test_a_name_that_fits_no_offset_tells_nothing(lag: timedelta) -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    (only,) = read_clock([Stamp(at, at + lag, SMALL)])
    assert (only.taken_at, only.by, only.offset) == (at + lag, TakenBy.LAST_MODIFIED, None)


# ── generated hosts ─────────────────────────────────────────────────────────────────────────────────────────

ZONES = sorted(
    {
        "UTC",
        "America/Los_Angeles",
        "America/St_Johns",
        "America/Sao_Paulo",
        "Europe/London",
        "Europe/Berlin",
        "Africa/Casablanca",
        "Asia/Tehran",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Asia/Tokyo",
        "Australia/Lord_Howe",
        "Australia/Sydney",
        "Pacific/Chatham",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
    }
)


def backups_of(
    zone: str,
    start: datetime,
    step: timedelta,
    count: int,
    size: int,
    length: timedelta,
    pick: Callable[[float, float], float],
) -> list[tuple[datetime, Stamp]]:
    moments = [
        (start + number * step + pick(0, 90) * SECOND).replace(microsecond=0) for number in range(count)
    ]
    sizes = [int(size * pick(0.9, 1.1)) for _ in moments]
    return [
        (at, in_zone(at, zone, min(length * pick(0.85, 1.15), longest(stored)), stored))
        for at, stored in zip(moments, sizes, strict=True)
    ]


def check(made: Sequence[tuple[datetime, Stamp]]) -> None:
    """Right to the second where it is called measured; never after the moment that S3 had it."""
    told = read_clock([one for _, one in made])
    for (at, one), reading in zip(made, told, strict=True):
        assert reading.taken_at <= one.modified
        if reading.by in SURE:
            assert reading.taken_at == at, (one, reading)
        if reading.by is TakenBy.LAST_MODIFIED:
            assert reading.taken_at == one.modified


def test_a_long_backup_that_spans_the_change_is_not_called_measured_with_the_later_offset() -> None:
    """It began before the change to summer time and arrived after it; short ones beside it tell both."""
    start, pick = datetime(2024, 3, 30, 22, 32, tzinfo=UTC), random.Random(0).uniform
    size, step = int(57 * 60 * 1_000_000 / 0.5), 20 * MINUTE
    data = backups_of("Europe/Berlin", start, step, 8, size, 48 * MINUTE, pick)
    short = backups_of("Europe/Berlin", start + 13 * MINUTE, step * 8 / 31, 30, SMALL, 9 * SECOND, pick)
    check([*data, *short])


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2023, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([20 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY]),
    st.integers(1, 60),
    st.floats(0.05, 1),
    st.sampled_from([0, 1, 5, 30]),
    st.floats(0.001, 8),
    st.integers(0, 2**32),
)
@settings(max_examples=200)
def test_what_is_called_measured_is_right(
    zone: str,
    start: datetime,
    step: timedelta,
    count: int,
    share: float,
    configs: int,
    hours: float,
    seed: int,
) -> None:
    """Config and data of one host, in any zone, at any time of the year, from seconds to many hours.

    What is taken as given is what the module says: a backup takes no longer than its size explains.
    """
    source = random.Random(seed)
    length = hours * HOUR
    size = 1 + math.ceil(
        max(0.0, (length - 3 * MINUTE) / SECOND) * 1_000_000 / share
    )  # rounded for the assertion
    assert length <= longest(size)
    data = backups_of(zone, start, step, count, size, length * 0.8, source.uniform)
    short = backups_of(
        zone, start + 13 * MINUTE, step * count / (configs + 1), configs, SMALL, 9 * SECOND, source.uniform
    )
    check([*data, *short])


@pytest.mark.slow
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2023, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([20 * MINUTE, HOUR, 6 * HOUR, DAY]),
    st.integers(1, 400),
    st.integers(0, 2**32),
)
def test_short_backups_are_always_told(
    zone: str, start: datetime, step: timedelta, count: int, seed: int
) -> None:
    made = backups_of(zone, start, step, count, SMALL, 20 * SECOND, random.Random(seed).uniform)
    check(made)
    told = read_clock([one for _, one in made])
    assert all(reading.by in SURE for reading in told)


@pytest.mark.slow
@given(
    st.lists(
        st.builds(
            Stamp,
            st.datetimes(datetime(2020, 1, 1), datetime(2020, 3, 1), timezones=st.just(UTC)),
            st.datetimes(datetime(2020, 1, 1), datetime(2020, 3, 1), timezones=st.just(UTC)),
            st.integers(0, 10**12),
        ),
        max_size=30,
    )
)
def test_whatever_is_there_is_read(stamps: list[Stamp]) -> None:
    told = read_clock(stamps)
    assert len(told) == len(stamps)
    for one, reading in zip(stamps, told, strict=True):
        assert reading.taken_at <= one.modified
