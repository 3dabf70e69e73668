"""What a run has to tell those who are not at its keyboard, and the document that says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from loomtui.errors import LoomtuiError
from loomtui.restore.events import Event, EventKind, Json, Outcome, StepName
from loomtui.text import clean, clean_line

#: Of the document. What is added keeps it; what changes a field raises it.
VERSION = 1
_LONGEST = 1_000  # characters of a sentence
_MOST_NODES = 64


class Happening(StrEnum):
    """The values are part of the document, so they are never renamed."""

    WAITS = "waits"  # a decision is asked for, and nobody gives it
    FAILED = "failed"  # something failed: what to do is asked for, or the run has ended
    STOPPED = "stopped"  # somebody stopped or interrupted it: it can be resumed
    RESTORED = "restored"
    ROLLED_BACK = "rolled-back"
    TEST = "test"  # nothing happened: somebody tries the command


_OF_OUTCOMES = {
    Outcome.RESTORED: Happening.RESTORED,
    Outcome.ROLLED_BACK: Happening.ROLLED_BACK,
    Outcome.STOPPED: Happening.STOPPED,
}


@dataclass(frozen=True)
class Notice:
    """One thing to tell. `sentence` says what happened, in words that the journal may hold as well."""

    happening: Happening
    sentence: str
    step: StepName | None = None
    nodes: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True)
class About:
    """Which run it is about."""

    cluster: str
    production: bool
    run: str  # empty in a test
    operator: str
    host: str


def document(notice: Notice, about: About, at: datetime, passed_over: int) -> dict[str, Json]:
    """The event as a JSON document. `passed_over`: how many before it came too fast to be told."""
    sentence = clean_line(notice.sentence, limit=_LONGEST)
    return {
        "version": VERSION,
        "event": notice.happening.value,
        "text": f"{about.cluster}: {'restore ' + about.run + ' ' if about.run else ''}{sentence}",
        "cluster": about.cluster,
        "production": about.production,
        "run": about.run,
        "operator": clean_line(about.operator, limit=200),
        "host": clean_line(about.host, limit=200),
        "at": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "step": notice.step.value if notice.step else None,
        "nodes": [clean(node, limit=100) for node in notice.nodes[:_MOST_NODES]],
        "advice": clean_line(notice.advice, limit=_LONGEST),
        "passed_over": passed_over,
    }


def notice_of_end(run: str, events: tuple[Event, ...], error: LoomtuiError | None) -> Notice:
    """How the work on a run has ended. `events`: those since it was taken up."""
    steps = [event.step for event in events if event.step is not None]
    step = steps[-1] if steps else None
    go_on = f"Go on: loomtui resume {run}"
    if error is not None:
        nodes = (error.node,) if error.node else ()
        return Notice(Happening.FAILED, f"has failed: {error.what}", step, nodes, error.advice or go_on)
    ends = [event for event in events if event.kind is EventKind.RUN_FINISHED]
    if not ends:
        return Notice(Happening.STOPPED, "was interrupted", step, advice=go_on)
    happening = _OF_OUTCOMES[Outcome(str(ends[-1].data["outcome"]))]
    advice = go_on if happening is Happening.STOPPED else ""
    return Notice(happening, f"has ended: {ends[-1].message}", step, advice=advice)
