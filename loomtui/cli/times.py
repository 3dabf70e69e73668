"""Times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

from loomtui.errors import CallError
from loomtui.text import clean_line


def read_time(text: str) -> datetime:
    """A moment in UTC; without a zone it is taken as UTC. Raises CallError."""
    from dateutil import parser

    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        found = parser.parse(text, default=midnight)
    except (ValueError, OverflowError) as error:
        advice = "Write it as 2026-11-22 18:30 or 2026-11-22T18:30:00Z."
        raise CallError(f"'{clean_line(text, limit=60)}' is not a time.", advice=advice) from error
    return found.astimezone(UTC)
