"""The nodes that a run went on without, as its journal tells it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum

from loomtui.restore.events import Event
from loomtui.restore.record.marks import GIVEN_BACK, LEFT_OUT
from loomtui.wording.quantities import joined

#: What older journals have in place of the mark: the answer to a failure.
_ANSWER = "leave out"


class LeftOut(Enum):
    HELD = "held"  # stopped, held and locked by the run, with whatever the run has changed there
    GIVEN_BACK = "given back"  # as before the run, but stopped and held


def leaves_out(event: Event) -> bool:
    return event.node is not None and bool(event.data.get(LEFT_OUT) or event.data.get("answer") == _ANSWER)


def left_out_in(events: Iterable[Event]) -> Mapping[str, LeftOut]:
    """By node, in the order in which they were left out."""
    nodes: dict[str, LeftOut] = {}
    for event in events:
        if event.node is not None and leaves_out(event):
            nodes[event.node] = LeftOut.HELD
        elif event.node in nodes and event.data.get(GIVEN_BACK):
            nodes[event.node] = LeftOut.GIVEN_BACK
    return nodes


def but_for(names: Collection[str]) -> str:
    """What follows `every node`: ` but db3, which was left out`, or nothing."""
    were = "was" if len(names) == 1 else "were"
    return f" but {joined(tuple(names))}, which {were} left out" if names else ""
