"""Tones, marks and cells. The words themselves are in `loomtui.wording`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from rich.cells import cell_len, set_cell_size

from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.loom.health import ClusterState
from loomtui.restore.events import Outcome
from loomtui.text import clean_line
from loomtui.wording import states
from loomtui.wording.quantities import (
    NOTHING,
)
from loomtui.wording.states import (
    Grade,
    StateWord,
    cluster_state,
    node_state,
    outcome_state,
)

#: A row older than this is shown as stale: two polls have passed it by.
STALE_AFTER = timedelta(seconds=10)


class Tone(StrEnum):
    """What a text means. The theme decides on its colour."""

    PLAIN = ""
    GOOD = "$text-success"
    WARN = "$text-warning"
    BAD = "$text-error"
    DIM = "dim"
    STRONG = "bold"
    ACCENT = "bold $text-accent"


@dataclass(frozen=True)
class Mark:
    """A state in words, because no state is told by colour alone."""

    symbol: str
    word: str
    tone: Tone

    def __str__(self) -> str:
        return f"{self.symbol} {self.word}"


_TONES = {
    Grade.GOOD: Tone.GOOD,
    Grade.WARN: Tone.WARN,
    Grade.BAD: Tone.BAD,
    Grade.BUSY: Tone.ACCENT,
    Grade.OPEN: Tone.DIM,
}


def tone_of(grade: Grade) -> Tone:
    return _TONES[grade]


def _mark(state: StateWord) -> Mark:
    return Mark(state.symbol, state.word, _TONES[state.grade])


CLUSTER_MARKS = {state: _mark(cluster_state(state)) for state in ClusterState}
OUTCOME_MARKS = {outcome: _mark(outcome_state(outcome)) for outcome in Outcome}
AT_WORK = _mark(states.AT_WORK)
UNFINISHED = _mark(outcome_state(None))


def node_mark(status: NodeStatus | None) -> Mark:
    return _mark(node_state(status))


def short_id(node_id: str | None) -> str:
    return node_id[:8] if node_id else NOTHING


def cut(text: str, cells: int) -> str:
    """The text in at most so many cells, with an ellipsis where something was cut."""
    text = clean_line(text)
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - 1)).rstrip() + "…"
