"""Times that are given as options."""

from __future__ import annotations

from datetime import UTC, datetime

from loomtui.errors import CallError
from loomtui.times import read_time

#: For the help of an option that takes one.
FORMS = "A TIME is 2026-11-20 14:30, 14:30, or -6h before now. It is UTC if it names no zone."


def time_option(name: str, typed: str | None) -> datetime | None:
    """The time, or None if the option is not given. Raises CallError."""
    if typed is None:
        return None
    try:
        return read_time(typed, datetime.now(UTC))
    except ValueError as error:
        raise CallError(f"{name}: {error}") from error
