"""That the old databases of a node were given up: what the node and the journal tell of it. Pure.

Everything else that a run takes away is kept until `loomtui clean`. These are deleted, where there is no room
for old and new and the operator has consented: see `loomtui.restore.room.OldData`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from loomtui.restore.events import Event

#: In an event's data: the names of the databases that are deleted from then on.
GIVEN_UP = "given_up"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class GivenUp:
    """As give_up.sh notes it on the node before the first file goes."""

    at: datetime | None  # by the node's clock; None: it cannot be read
    names: tuple[str, ...]

    @property
    def when(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC" if self.at is not None else "a time that is not known"


def read_given_up(text: str | None) -> GivenUp | None:
    """None: nothing was given up. What is there counts, whatever it says."""
    if text is None:
        return None
    first, *names = text.splitlines() or [""]
    at = None
    if _TIME.fullmatch(first):
        try:
            at = datetime.strptime(first, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            at = None
    return GivenUp(at, tuple(names))


def given_up_in(events: Iterable[Event]) -> Mapping[str, datetime]:
    """When, by node, as the journal tells it: written before the node begins to delete."""
    found: dict[str, datetime] = {}
    for event in events:
        if event.node is not None and event.data.get(GIVEN_UP):
            found.setdefault(event.node, event.at)
    return found
