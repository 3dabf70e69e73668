"""The timeline as an inline SVG. Each step has a row, and below it each node that had work in it has one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from loomtui.restore.report import words
from loomtui.restore.report.chronicle import Chronicle, Span, SpanState
from loomtui.restore.report.gantt import STEPS, title
from loomtui.restore.report.markup import element
from loomtui.restore.report.scale import Scale, scale_of
from loomtui.wording.quantities import length

_WIDTH, _LEFT, _RIGHT = 1120, 168, 12
_TOP, _ROW, _BAR = 46, 19, 13
_LABEL_ROOM = 74  # of a time on the axis
_LEAST_BAR = 3.0
_TEXT_BAR = 34.0  # a bar as wide as this has its length written in it
_LABEL_CHARS = 24
_SIGNS = {
    SpanState.FAILED: "✗",
    SpanState.INTERRUPTED: "■",
    SpanState.UNDONE: "↶",
    SpanState.OPEN: "▶",
}


@dataclass(frozen=True)
class _Row:
    label: str
    spans: tuple[Span, ...]
    whole: bool  # of a step as a whole


def timeline(chronicle: Chronicle) -> Element | None:
    """None means that nothing has happened yet."""
    if chronicle.began is None:
        return None
    rows = [*_rows(chronicle)]
    height = _TOP + _ROW * (len(rows) + 1) + 12
    drawing = _Drawing(chronicle, scale_of(chronicle), rows, height)
    return element(
        "svg",
        element("title", f"Timeline of run {chronicle.run}"),
        *drawing.parts(),
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        class_="gantt",
        style=f"min-width: {_WIDTH * 2 // 3}px",
    )


def _rows(chronicle: Chronicle) -> Iterator[_Row]:
    for step in STEPS:
        spans = tuple(span for span in chronicle.steps if span.step is step)
        tasks = [span for span in chronicle.tasks if span.step is step]
        if not spans and not tasks:
            continue
        yield _Row(title(step), spans, whole=True)
        for node in chronicle.nodes:
            mine = tuple(task for task in tasks if task.node == node)
            if mine:
                yield _Row(node, mine, whole=False)


class _Drawing:
    def __init__(self, chronicle: Chronicle, scale: Scale, rows: list[_Row], height: int) -> None:
        self._chronicle = chronicle
        self._scale = scale
        self._rows = rows
        self._height = height

    def parts(self) -> Iterator[Element]:
        yield from self._outage()
        yield from self._axis()
        for number, row in enumerate(self._rows):
            yield from self._row(row, _TOP + _ROW * number)
        yield from self._decisions()

    def _x(self, share: float) -> float:
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def _outage(self) -> Iterator[Element]:
        for outage in self._chronicle.timings.outages:
            until = outage.until or self._chronicle.ended
            if until is None:
                continue
            left, right = self._x(self._scale.place(outage.since)), self._x(self._scale.place(until))
            height = self._height - _TOP - 6
            band = {"x": left, "y": _TOP - 3, "width": max(_LEAST_BAR, right - left)}
            yield element("rect", class_="outage", height=height, **band)
            seconds = (outage.until - outage.since).total_seconds() if outage.until else None
            caption = f"down {length(seconds)}"
            yield element("text", caption, class_="outage-text", x=left + 4, y=self._height - 12)

    def _axis(self) -> Iterator[Element]:
        free = 0.0
        for phase in self._scale.phases:
            x = self._x(phase.left)
            yield element("line", class_="tick", x1=x, x2=x, y1=_TOP - 8, y2=self._height - 6)
            if x >= free and x + _LABEL_ROOM <= _WIDTH:
                yield element("text", f"{phase.began:%H:%M:%S}", class_="time", x=x + 2, y=_TOP - 10)
                free = x + _LABEL_ROOM
            if phase.cut:
                middle = self._x((phase.left + phase.right) / 2)
                waited = length((phase.ended - phase.began).total_seconds())
                hint = element("title", f"a wait of {waited}, drawn shorter than it was")
                yield element("text", "≈", hint, class_="cut", x=middle, y=_TOP - 24)

    def _row(self, row: _Row, y: int) -> Iterator[Element]:
        label = row.label if len(row.label) <= _LABEL_CHARS else row.label[: _LABEL_CHARS - 1] + "…"
        x, kind = (4, "step-label") if row.whole else (18, "node-label")
        yield element("text", label, class_=kind, x=x, y=y + _BAR - 2)
        for span in row.spans:
            yield self._bar(row, span, y)

    def _bar(self, row: _Row, span: Span, y: int) -> Element:
        left, right = self._x(self._scale.place(span.began)), self._x(self._scale.place(span.ended))
        width = max(_LEAST_BAR, right - left)
        height = _BAR - 7 if row.whole else _BAR
        top = y + (4 if row.whole else 0)
        state = span.state.value.replace(" ", "-")
        took = f"{length(span.seconds)} from {span.began:%H:%M:%S} UTC"
        caption = f"{row.label}, {span.step.value}: {span.state.value}, {took}"
        parts = [
            element("title", f"{caption}. {span.message}"),
            element("rect", x=left, y=top, width=width, height=height, rx=2),
        ]
        sign = _SIGNS.get(span.state, "")
        text = f"{sign} {length(span.seconds)}".strip() if width >= _TEXT_BAR + 24 * bool(sign) else sign
        if text and not row.whole:
            inside = width >= _TEXT_BAR
            at = left + 4 if inside else left + width + 2
            name = "bar-text" if inside else "sign"
            parts.append(element("text", text, class_=name, x=at, y=top + _BAR - 3))
        return element("g", *parts, class_=f"bar {state}{' whole' if row.whole else ''}")

    def _decisions(self) -> Iterator[Element]:
        began = self._chronicle.began
        for number, decision in enumerate(self._chronicle.decisions, 1):
            if began is None or decision.at < began:
                continue
            x = self._x(self._scale.place(decision.at))
            caption = f"{number}. {words.decided(decision)}, by {decision.by} at {decision.at:%H:%M:%S} UTC"
            mark = element("path", d=f"M {x:.1f} {_TOP - 2} l -4 -7 h 8 z")
            yield element("g", element("title", caption), mark, class_="decision")
