"""Why a cluster does not move: from logs, statuses and the key report to the node, the file and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loomtui.loom.health import NodeView
from loomtui.loom.references import KeyReport
from loomtui.loom.validator import ValidatorFacts


@dataclass(frozen=True)
class NodeEvidence:
    """What is known of one node when the deadline has passed."""

    name: str
    view: NodeView | None = None
    flapping: bool = False
    validator: ValidatorFacts | None = None
    lines: tuple[str, ...] = ()  # of its log since the start


@dataclass(frozen=True)
class Diagnosis:
    node: str | None  # None: the whole cluster
    file: str  # what to look at: a path relative to the working directory, or 'unit'; empty: no file
    cause: str
    fix: str
    evidence: tuple[str, ...] = ()  # lines that show it


def diagnose(
    evidence: Sequence[NodeEvidence],
    keys: KeyReport | None = None,
    validators: Sequence[tuple[str, int]] = (),
) -> tuple[Diagnosis, ...]:
    """The causes, the most serious first. `validators`: address and power of the set, where it is known."""
    raise NotImplementedError
