"""Goes to a line of a log: to the next hit, to the next known message, or to a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from loomtui.matching import Matcher
from loomtui.times import read_time
from loomtui.wording.quantities import time_of
from screens import workers
from screens.logs.log_buffer import Entry
from screens.text import content

if TYPE_CHECKING:
    from screens.logs.live_log import LiveLog
    from screens.logs.log_view import LogView

_SLICE_SECONDS = 0.008  # of a search, before other work has its turn


def find(view: LogView, typed: str) -> None:
    """Goes to the newest hit at or before the marked line. Empty text ends the search.

    Raises ValueError, as `Matcher` does; then nothing has changed.
    """
    matcher = Matcher(typed)
    view.search = matcher
    view.change()
    if not matcher.empty:
        cursor, shown = view.position.cursor, view.buffer.shown
        _seek_match(view, [*shown[cursor::-1], *shown[cursor + 1 :]] if shown else ())


def go_to_match(view: LogView, by: int) -> None:
    """Goes to the next hit (`by` is 1) or the one before (-1).

    While nothing is sought, a known message is a hit.
    """
    if view.search.empty:
        go_to_known(view, by)
    else:
        _seek_match(view, _from_here(view, by))


def go_to_known(view: LogView, by: int) -> None:
    """Goes to the next line (`by` is 1) that loomtui can explain, or to the one before (-1)."""
    _seek(view, _from_here(view, by), lambda entry: entry.is_known, "a known message")


def go_to_time(view: LiveLog, typed: str, now: datetime) -> None:
    """Goes to a time.

    What is older than the lines here is read from the nodes' journals. Raises ValueError.
    """
    target_time = read_time(typed, now)
    oldest = view.buffer.oldest
    if oldest is None or target_time < oldest:
        content.tell(view, f"Reading the journals from {time_of(target_time)} on.")
        view.read_since(target_time)
    else:
        view.position.stay()
        view.move_to(view.buffer.place_at(target_time), in_middle=True)
        view.position.stay()


def _from_here(view: LogView, by: int) -> Sequence[Entry]:
    cursor, shown = view.position.cursor, view.buffer.shown
    if by > 0:
        return shown[cursor + 1 :]
    return shown[cursor - 1 :: -1] if cursor > 0 else ()


def _seek_match(view: LogView, entries: Sequence[Entry]) -> None:
    matcher = view.search
    _seek(view, entries, lambda entry: entry.matches(matcher), matcher.typed)


def _seek(view: LogView, entries: Sequence[Entry], is_hit: Callable[[Entry], bool], description: str) -> None:
    """A search may take seconds in many lines. Keys work meanwhile, and another search ends it."""
    workers.start(view, partial(_go_to_first, view, entries, is_hit, description), group="seek")


async def _go_to_first(
    view: LogView, entries: Sequence[Entry], is_hit: Callable[[Entry], bool], description: str
) -> None:
    slice_start = time.monotonic()
    for entry in entries:
        if is_hit(entry):
            view.move_to(view.buffer.place_of(entry), in_middle=True)
            return
        if time.monotonic() - slice_start > _SLICE_SECONDS:
            await asyncio.sleep(0)
            slice_start = time.monotonic()
    content.tell(view, f"No line there with {description}.", seconds=3)
