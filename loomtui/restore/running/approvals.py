"""What operators decided about unit files.

The journal keeps it, so that a run that goes on asks nothing twice.

A yes holds the digests of the text that was there and of the approved text. A yes to an edited text also
holds the text itself, which has no secret in it: `unit_edits` refuses those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from loomtui.restore.events import Event, EventKind, Json, StepName
from loomtui.restore.planning.identities import digest_of
from loomtui.restore.record.marks import UNIT_KEPT
from loomtui.text import clean_line

#: What was asked, in a decision's data.
UNIT_CHANGE = "change of the unit"
#: In a note's data: the digest of an approved text that systemd would not have.
REFUSED = "refused"


class Answer(StrEnum):
    YES = "yes"
    EDITED = "yes, edited"
    NO = "no"


@dataclass(frozen=True)
class Approved:
    """A yes that still stands."""

    by: str
    before: str  # SHA-256 of the text on the node that it was about
    digest: str  # SHA-256 of the text that was approved
    text: str | None = None  # the operator's own; None: as loomtui proposed it


def decision(answer: Answer, by: str, path: str, before: str, after: str, diff: str) -> dict[str, Json]:
    """The data of a decision about the unit file at `path`.

    `after` is the text that was approved or turned down.
    """
    data: dict[str, Json] = {"asked": UNIT_CHANGE, "answer": answer.value, "by": by, "path": path}
    if answer is Answer.NO:
        data |= {UNIT_KEPT: True}
    else:
        data |= {"before": digest_of(before), "digest": digest_of(after)}
    if answer is Answer.EDITED:
        data |= {"diff": diff, "text": after}
    return data


def approved(events: Iterable[Event]) -> Mapping[str, Approved]:
    """What was approved for each node; if there are several decisions, the last one counts."""
    approvals: dict[str, Approved] = {}
    for event in events:
        if event.step is not StepName.SERVICES or event.node is None:
            continue
        if event.kind is EventKind.DECISION and event.data.get("asked") == UNIT_CHANGE:
            approvals.pop(event.node, None)
            if (yes := _approved(event.data)) is not None:
                approvals[event.node] = yes
        elif event.node in approvals and event.data.get(REFUSED) == approvals[event.node].digest:
            del approvals[event.node]
    return approvals


def decided(events: Iterable[Event]) -> frozenset[str]:
    """The nodes about whose units somebody has decided, whatever became of that."""
    return frozenset(
        event.node
        for event in events
        if event.node is not None
        and event.kind is EventKind.DECISION
        and event.data.get("asked") == UNIT_CHANGE
    )


def _approved(data: Mapping[str, Json]) -> Approved | None:
    answer, text = data.get("answer"), data.get("text")
    by, before, digest = (clean_line(str(data.get(name, ""))) for name in ("by", "before", "digest"))
    if answer == Answer.YES:
        return Approved(by, before, digest)
    if answer == Answer.EDITED and isinstance(text, str) and digest_of(text) == digest:
        return Approved(by, before, digest, text)
    return None
