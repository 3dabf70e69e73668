"""A run as rows of characters: each step or node has a lane over one time axis. It needs no colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len

from loomtui.restore.events import StepName
from loomtui.restore.report.chronicle import Chronicle, Decision, Span, SpanState
from loomtui.restore.report.scale import Scale, scale_of
from loomtui.text import clean_line

STEPS: tuple[StepName, ...] = tuple(StepName)
LEGEND = "1-8 the step · waits ✗ failed ■ interrupted ↶ undone ≈ a wait, cut short ? the operator decided"

_LABEL_CELLS = 12
_LEAST_CELLS = 20
_IDLE, _CUT, _DOWN, _ASKED = "·", "≈", "█", "?"
_ENDINGS = {SpanState.FAILED: "✗", SpanState.INTERRUPTED: "■", SpanState.OPEN: "▶"}
#: What is drawn over what, where two share a place.
_ORDER = (
    SpanState.ALREADY,
    SpanState.DONE,
    SpanState.OPEN,
    SpanState.INTERRUPTED,
    SpanState.UNDONE,
    SpanState.FAILED,
)


@dataclass(frozen=True)
class Cell:
    symbol: str
    state: SpanState | None = None  # None: nothing is done there


@dataclass(frozen=True)
class Lane:
    label: str  # cut, and padded to the width of all labels
    cells: tuple[Cell, ...]

    @property
    def text(self) -> str:
        return f"{self.label} {''.join(cell.symbol for cell in self.cells)}".rstrip()


@dataclass(frozen=True)
class Gantt:
    axis: str  # times of day (UTC), each above the place that it names
    lanes: tuple[Lane, ...]

    @property
    def text(self) -> str:
        return "\n".join((self.axis.rstrip(), *(lane.text for lane in self.lanes)))


def gantt(chronicle: Chronicle, width: int, *, by_step: bool = False) -> Gantt | None:
    """A lane for each node or step, in at most `width` cells. None means that nothing has happened yet."""
    if chronicle.began is None:
        return None
    names = (
        [title(step) for step in STEPS] if by_step else [cut(node, _LABEL_CELLS) for node in chronicle.nodes]
    )
    label = max(cell_len(name) for name in ("decisions", *names))
    cells = max(_LEAST_CELLS, width - label - 1)
    scale = scale_of(chronicle)
    ground = _idle_row(scale, cells)
    groups: list[tuple[str, list[Span]]] = [
        (name, [span for span in chronicle.steps if span.step is step])
        for name, step in zip(names, STEPS, strict=False)
    ]
    if not by_step:
        groups = [
            (name, [span for span in chronicle.tasks if span.node == node])
            for name, node in zip(names, chronicle.nodes, strict=True)
        ]
    lanes = [Lane(_pad(name, label), _spans_row(spans, scale, ground)) for name, spans in groups]
    lanes.append(Lane(_pad("decisions", label), _decisions_row(chronicle.decisions, scale, cells)))
    if chronicle.timings.down_from is not None:
        lanes.append(Lane(_pad("down", label), _outages_row(chronicle, scale, cells)))
    return Gantt(" " * (label + 1) + _axis(scale, cells), tuple(lanes))


def title(step: StepName) -> str:
    return f"{STEPS.index(step) + 1} {step.value}"


def cut(text: str, cells: int) -> str:
    text = clean_line(text)
    while cell_len(text) > cells:
        text = text[:-2] + "…" if text.endswith("…") else text[:-1] + "…"
    return text


def _pad(text: str, cells: int) -> str:
    return text + " " * (cells - cell_len(text))


def _idle_row(scale: Scale, cells: int) -> list[Cell]:
    row = [Cell(_IDLE)] * cells
    for phase in scale.phases:
        if phase.cut:
            middle = (phase.left + phase.right) / 2
            row[min(cells - 1, int(middle * cells))] = Cell(_CUT)
    return row


def _spans_row(spans: Iterable[Span], scale: Scale, ground: Sequence[Cell]) -> tuple[Cell, ...]:
    row = list(ground)
    for span in sorted(spans, key=lambda span: _ORDER.index(span.state)):
        first, last = _reach(span.began, span.ended, scale, len(row))
        symbol = "↶" if span.state is SpanState.UNDONE else str(STEPS.index(span.step) + 1)
        row[first : last + 1] = [Cell(symbol, span.state)] * (last + 1 - first)
        if span.state in _ENDINGS:
            row[last] = Cell(_ENDINGS[span.state], span.state)
    return tuple(row)


def _reach(began: datetime, ended: datetime, scale: Scale, cells: int) -> tuple[int, int]:
    first = min(cells - 1, int(scale.place(began) * cells + 1e-6))
    return first, max(first, min(cells, math.ceil(scale.place(ended) * cells - 1e-6)) - 1)


def _decisions_row(decisions: Iterable[Decision], scale: Scale, cells: int) -> tuple[Cell, ...]:
    row = [Cell(" ")] * cells
    for decision in decisions:
        if scale.phases and decision.at >= scale.phases[0].began:
            row[min(cells - 1, int(scale.place(decision.at) * cells))] = Cell(_ASKED)
    return tuple(row)


def _outages_row(chronicle: Chronicle, scale: Scale, cells: int) -> tuple[Cell, ...]:
    row = [Cell(" ")] * cells
    for outage in chronicle.timings.outages:
        until = outage.until or chronicle.ended
        if until is not None:
            first, last = _reach(outage.since, until, scale, cells)
            row[first : last + 1] = [Cell(_DOWN)] * (last + 1 - first)
    return tuple(row)


def _axis(scale: Scale, cells: int) -> str:
    """As many times as there is room for, each with a stroke at its place."""
    days = scale.phases[0].began.date() != scale.phases[-1].ended.date()
    form = "%m-%d %H:%M" if days else "%H:%M:%S"
    line = ""
    for phase in scale.phases:
        at = int(phase.left * cells)
        label = f"│{phase.began.strftime(form)}"
        if at >= len(line) + bool(line) and at + len(label) <= cells:
            line = line.ljust(at) + label
    return line
