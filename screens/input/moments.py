"""Moments as operators type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from dateutil import parser

_BACK = re.compile(r"-\s*(\d{1,9})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TIME_ONLY = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")


def read_moment(typed: str, now: datetime) -> datetime:
    """In UTC where no zone is named: `2026-11-20 14:30`, `-5m` before now, `14:30` the last time it was that.

    Raises ValueError.
    """
    typed = typed.strip()
    back = _BACK.fullmatch(typed)
    try:
        if back is not None:
            return now - timedelta(**{_UNITS[back[2]]: int(back[1])})
        found = parser.parse(typed, default=now.replace(hour=0, minute=0, second=0, microsecond=0))
    except (OverflowError, TypeError) as error:
        raise ValueError(typed) from error
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if _TIME_ONLY.fullmatch(typed) and found > now:
        found -= timedelta(days=1)
    return found
