"""Times as people type them, on the screens and on the command line."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from loomtui.text import clean_line

#: For questions and errors.
HOW = (
    "2026-11-20 14:30, 14:30 for the last time it was that, or -6h (s, m, h, d) before now; "
    "UTC where no zone is named"
)

#: A length of time, for people, and as a JSON Schema has it (ECMA 262).
LENGTH_HOW = "a length of time, such as 30m, 1h30m or 2d (s, m, h, d)"
LENGTH_FORM = r"^\s*(?:[0-9]{1,6}\s*[smhd]\s*)+$"

_BACK = re.compile(r"-\s*((?:[0-9]{1,9}\s*[smhd]\s*)+)")
_PART = re.compile(r"([0-9]+)\s*([smhd])")
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
#: Then the month comes next (ISO 8601). Of 05.11.2026 nobody can tell, and a restore must not guess.
_YEAR_FIRST = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST = timedelta(days=3650)
#: A zone may put the last time that it was 14:30 two days back by the calendar of UTC.
_DAYS_BACK = 3


def read_time(typed: str, now: datetime) -> datetime:
    """A time in UTC, read as `HOW` says. Raises ValueError with a sentence that says how one is written."""
    try:
        at = _read(typed.strip(), now).astimezone(UTC)
    except (ValueError, OverflowError, TypeError) as error:
        raise _not_a_time(typed) from error
    if not _FIRST <= at < _LAST:
        raise _not_a_time(typed)
    return at


def _not_a_time(typed: str) -> ValueError:
    return ValueError(f"'{clean_line(typed, limit=60)}' is not a time. Write it as {HOW}.")


def _read(typed: str, now: datetime) -> datetime:
    if typed.startswith("-"):
        return now - _read_length(typed)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [timedelta(days=number) for number in range(_DAYS_BACK)]
    first, *others = (_read_on(typed, midnight - back) for back in days)
    moves = [at for at, back in zip(others, days[1:], strict=True) if first - at == back]  # no date is named
    return next((at for at in (first, *moves) if at <= now), first)


def _read_length(typed: str) -> timedelta:
    back = _BACK.fullmatch(typed)
    if back is None:
        raise ValueError("no length of time")
    return _sum(back[1])


def read_length(typed: str) -> timedelta:
    """A length of time, more than none, read as `LENGTH_HOW` says. Raises ValueError with a sentence."""
    length = _sum(typed) if re.fullmatch(LENGTH_FORM, typed, re.ASCII) and len(typed) < 100 else timedelta()
    if not timedelta() < length <= _LONGEST:
        raise ValueError(f"'{clean_line(typed, limit=60)}' is not {LENGTH_HOW}.")
    return length


def _sum(parts: str) -> timedelta:
    return sum((int(number) * _UNITS[unit] for number, unit in _PART.findall(parts)), timedelta())


def _read_on(typed: str, day: datetime) -> datetime:
    """What was typed, with the date of `day` if it names none. Raises ValueError if it may mean two days."""
    from dateutil import parser  # takes longer than most commands that read no time

    at = parser.parse(typed, default=day, tzinfos=_zone)
    if not _YEAR_FIRST.match(typed) and at != parser.parse(typed, default=day, tzinfos=_zone, dayfirst=True):
        raise ValueError("the day may be the month")
    return at


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    """A named zone must be known: if a time were silently taken as UTC, it would be hours off."""
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    if name is None:
        return UTC
    if name in time.tzname:
        return datetime.now().astimezone().tzinfo
    raise ValueError(f"{name} is no zone")
