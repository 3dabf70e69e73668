"""What happened in a run, in words on one line."""

from __future__ import annotations

from loomtui.errors import as_sentence
from loomtui.restore.events import Event
from loomtui.text import clean_line


def event_words(event: Event) -> str:
    """Its sentence; of a failure also what is safe and what to do."""
    more = [clean_line(part) for part in map(event.data.get, ("safe", "advice")) if isinstance(part, str)]
    more = [part for part in more if part]
    message = clean_line(event.message)
    return " ".join([as_sentence(message), *more]) if more else message
