"""When a line of a log file was written, by the line itself.

Sources: tendermint libs/log/tmfmt_logger.go (`E[2018-09-06|12:34:56.789]`, local time; up to 0.22
`E[09-06|12:34:56.789]`, UTC); RFC 3339; Go's package log (`2018/09/06 12:34:56`, local time).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_TENDERMINT = re.compile(r"[DIEN]\[(?:(\d{4})-)?(\d\d)-(\d\d)\|(\d\d):(\d\d):(\d\d)\.(\d{3})\]")
_ISO = re.compile(
    r"\W{0,2}(?:time=\"?)?(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)"
    r"(?:[.,](\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)?"
)
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)")


def read_zone(text: str) -> tzinfo:
    """What `date +%z` prints; UTC if it is something else."""
    found = _ZONE.fullmatch(text.strip())
    if not found:
        return UTC
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-offset if found[1] == "-" else offset)


def time_of(line: str, zone: tzinfo, written: datetime) -> datetime | None:
    """The line's own time in UTC, or None if it has none.

    `written` is when the file was last written: it gives the year where the line has none.
    """
    try:
        return _tendermint(line, zone, written) or _iso(line, zone)
    except (ValueError, OverflowError):  # no such day, or one that no calendar has
        return None


def _tendermint(line: str, zone: tzinfo, written: datetime) -> datetime | None:
    found = _TENDERMINT.match(line)
    if not found:
        return None
    year, *rest = found.groups()
    month, day, hour, minute, second, milliseconds = map(int, rest)
    if year:
        at = datetime(int(year), month, day, hour, minute, second, milliseconds * 1000, tzinfo=zone)
        return at.astimezone(UTC)
    at = datetime(written.year, month, day, hour, minute, second, milliseconds * 1000, tzinfo=UTC)
    return at if at <= written + timedelta(days=1) else at.replace(year=written.year - 1)


def _iso(line: str, zone: tzinfo) -> datetime | None:
    found = _ISO.match(line)
    if not found:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, offset = found[7] or "0", found[8]
    own = UTC if offset == "Z" else read_zone(offset) if offset else zone
    at = datetime(year, month, day, hour, minute, second, int(fraction.ljust(6, "0")), tzinfo=own)
    return at.astimezone(UTC)
