"""The ways in which a plan can bring the data to the nodes, as an operator chooses them."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """How a plan brings the data to the nodes."""

    AFTER_STOP = "after the stop"
    STAGED = "staged first"
    UNREAD = "unread"  # nobody has read it: staging is the look
    TWIN = "twin"  # by the parts of a prepared backup
    TAKE_OVER = "take over"  # staged first; after a kill another home goes on
    DELTA = "delta"  # likewise, but what the live databases hold is taken over

    @property
    def options(self) -> tuple[str, ...]:
        """Of `loomtui plan`."""
        chosen = {
            Way.AFTER_STOP: ("--no-stage-first",),
            Way.UNREAD: ("--look-limit", "0"),
            Way.DELTA: ("--delta",),
        }
        return chosen.get(self, ())

    @property
    def is_prepared(self) -> bool:
        return self in {Way.TWIN, Way.DELTA}
