"""Numbers, sizes, times, lengths of time and lists in words. `–` stands for what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

NOTHING = "–"


def number(value: int | None) -> str:
    """1,204,551."""
    return NOTHING if value is None else f"{value:,}"


def short_count(value: int) -> str:
    """At most four characters for less than a billion: 950, 12k, 3M."""
    for factor, unit in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if value >= factor:
            return f"{value // (1000 if unit == 'k' else factor)}{unit}"
    return str(value)


def count(number_of: int, noun: str, plural: str | None = None) -> str:
    """1 node, 4 nodes, 1,204 lines."""
    return f"{number_of:,} {noun if number_of == 1 else plural or noun + 's'}"


def all_of(names: Sequence[str]) -> str:
    """db1, db2 and db3."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def joined(names: Sequence[str], limit: int = 6) -> str:
    """db1, db2 and 5 more."""
    more = [f"{len(names) - limit} more"] if len(names) > limit else []
    return all_of([*names[:limit], *more]) or "no node"


def size(count_of_bytes: float | None) -> str:
    """In powers of 1,024: 12.0 MiB."""
    if count_of_bytes is None:
        return NOTHING
    import humanize  # takes longer than most commands that show no size

    return humanize.naturalsize(count_of_bytes, binary=True, format="%.1f")


def typed_size(count_of_bytes: int) -> str:
    """In powers of 1,000, as a limit is typed: 512 MB."""
    import humanize

    return humanize.naturalsize(count_of_bytes, format="%.1f").replace(".0 ", " ")


def short_size(count_of_bytes: int | None) -> str:
    """12M."""
    if count_of_bytes is None:
        return NOTHING
    import humanize

    return humanize.naturalsize(count_of_bytes, gnu=True, format="%.0f")


def rate(bytes_per_second: float) -> str:
    """12.0 MiB/s."""
    return f"{size(bytes_per_second)}/s"


def time_of(at: datetime | None, nothing: str = NOTHING) -> str:
    """2026-11-20 14:30:05 UTC."""
    return nothing if at is None else f"{timestamp(at)} UTC"


def timestamp(at: datetime | None) -> str:
    """2026-11-20 14:30:05, for places that say that times are UTC."""
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, with a Z, for programs."""
    return at.isoformat().replace("+00:00", "Z") if at else None


def span(length: timedelta | float) -> str:
    """A length of time in at most six cells: 8s, 12m, 3h05m, 4d07h, 212d."""
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{sign}{seconds}s"
    if minutes < 60:
        return f"{sign}{minutes}m"
    if hours < 24:
        return f"{sign}{hours}h{minutes % 60:02d}m"
    return f"{sign}{days}d{hours % 24:02d}h" if days < 100 else f"{sign}{days}d"


def length(seconds: float | None) -> str:
    """A length of time, told afterwards: 8.4 s, 12 min 05 s, 3 h 05 min, 2 d 04 h."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = whole // 60
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes // 60 % 24:02d} h"


def ago(at: datetime | None, now: datetime) -> str:
    """The `span` from then until now."""
    return NOTHING if at is None else span(now - at)


def stopwatch(elapsed: timedelta) -> str:
    """Hours, minutes, seconds: 00:03:12."""
    seconds = max(0, int(elapsed.total_seconds()))
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def short_watch(elapsed: timedelta) -> str:
    """At most six cells: 0:42, 12:05, 3h05m."""
    seconds = max(0, int(elapsed.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds < 3600 else span(seconds)


def load(value: float | None) -> str:
    """The load of a machine: 0.42."""
    return NOTHING if value is None else f"{value:.2f}"


def offset(seconds: float | None) -> str:
    """The offset of a clock: +0.3s."""
    return NOTHING if seconds is None else f"{seconds:+.1f}s"


def bar(done: int, total: int, cells: int) -> str:
    """A bar that needs no colour: ████░░░░."""
    share = 0.0 if total <= 0 else min(1.0, max(0.0, done / total))
    filled = round(share * cells)
    return "█" * filled + "░" * (cells - filled)
