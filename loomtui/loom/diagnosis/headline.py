"""What of a cluster's state is told first: how it is, why, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loomtui.loom.advice import Act
from loomtui.loom.diagnosis.model import Code, Diagnosis
from loomtui.loom.health import ClusterState, Verdict


class Way(StrEnum):
    """What of loomtui the operator may turn to next. JSON holds these values."""

    RESTORE = "restore"  # through a plan, which is safe to make of any cluster
    RUNS = "runs"  # an unfinished run holds nodes: it goes on, or back
    LOGS = "logs"
    NODE_KEYS = "node-keys"


@dataclass(frozen=True)
class Headline:
    sentence: str
    advice: str  # of the first cause; empty: nothing is known to be wrong, or why
    ways: tuple[Way, ...]  # the most useful one first
    findings: tuple[str, ...]  # what the sentence does not tell yet


#: No node does its work in these.
_BROKEN = frozenset({ClusterState.HALTED, ClusterState.CRASHING, ClusterState.STOPPED})
#: States whose sentence tells of each node that its service does not run, and how.
_ALL_DOWN = frozenset({ClusterState.CRASHING, ClusterState.STOPPED})
_OF_SERVICES = frozenset({Code.FLAPPING, Code.NOT_RUNNING})
_RESTORING = frozenset({Act.RESTORE, Act.RESET})
_LOOKS = {
    Code.FLAPPING: Way.LOGS,
    Code.NOT_RUNNING: Way.LOGS,
    Code.LOG_DANGER: Way.LOGS,
    Code.LOG_ERROR: Way.LOGS,
    Code.LOG_WARNING: Way.LOGS,
    Code.WRONG_REFERENCE: Way.NODE_KEYS,
    Code.PEERS_MISSING: Way.NODE_KEYS,
}


def headline(verdict: Verdict, causes: Sequence[Diagnosis]) -> Headline:
    """The causes are those of `explained`, the most serious one first."""
    untold = [one.meaning for one in causes if not _told(verdict, one)]
    sentence, findings = verdict.sentence, (*verdict.reasons, *untold)
    if causes and not _told(verdict, causes[0]):
        sentence = _with_cause(verdict, causes[0].meaning)
        findings = (*verdict.reasons, *untold[1:])
    advice = causes[0].advice.text if causes else ""
    return Headline(sentence, advice, tuple(_ways(verdict, causes)), findings)


def _with_cause(verdict: Verdict, meaning: str) -> str:
    """That a run holds the nodes is why they stand, so what else is wrong is a sentence of its own."""
    if verdict.held:
        return f"{verdict.sentence} {meaning.rstrip('.')}."
    return f"{verdict.sentence.rstrip('.')}: {_continued(meaning).rstrip('.')}."


def _told(verdict: Verdict, cause: Diagnosis) -> bool:
    return verdict.state in _ALL_DOWN and cause.code in _OF_SERVICES


def _ways(verdict: Verdict, causes: Sequence[Diagnosis]) -> list[Way]:
    ways: list[Way] = []
    if verdict.held:
        ways.append(Way.RUNS)
    elif verdict.state in _BROKEN or (causes and causes[0].advice.act in _RESTORING):
        ways.append(Way.RESTORE)
    if causes and causes[0].code in _LOOKS:
        ways.append(_LOOKS[causes[0].code])
    return ways


def _continued(text: str) -> str:
    """A sentence that goes on after a colon. Names keep their capital letters."""
    first_word, blank, rest = text.partition(" ")
    return f"{first_word.lower()}{blank}{rest}" if first_word in ("The", "Its", "No") else text
