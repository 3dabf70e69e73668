"""A past run in words and rows, as the run's screen shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from textual.content import Content

from loomtui.restore.report import Chronicle
from loomtui.restore.report import words as report_words
from loomtui.restore.report.chronicle import Check, SpanState
from loomtui.restore.report.gantt import LEGEND, Cell, Gantt, gantt
from loomtui.wording.quantities import length, time_of
from screens.text import content
from screens.text.words import OUTCOME_MARKS, UNFINISHED, Tone, cut

STATE_TONES = {
    SpanState.DONE: Tone.GOOD,
    SpanState.ALREADY: Tone.DIM,
    SpanState.FAILED: Tone.BAD,
    SpanState.INTERRUPTED: Tone.WARN,
    SpanState.OPEN: Tone.ACCENT,
    SpanState.UNDONE: Tone.WARN,
}
_SIGN_TONES = {"?": Tone.ACCENT, "█": Tone.BAD, "≈": Tone.WARN}
_FACT = 11


def chronicle_text(chronicle: Chronicle, width: int) -> Content:
    """Drawn lines have at most `width` cells; words wrap."""
    parts: list[Content | str] = [*_head_lines(chronicle), ""]
    for title, by_step in (("By node", False), ("By step", True)):
        chart = gantt(chronicle, width, by_step=by_step)
        if chart is not None:
            parts += [content.line(f"{title} (UTC)", Tone.ACCENT), gantt_text(chart), ""]
    if chronicle.began is not None:
        parts += [content.line(LEGEND, Tone.DIM), ""]
    parts += [
        *_step_lines(chronicle),
        "",
        *_decision_lines(chronicle),
        "",
        *_check_lines(chronicle),
        "",
        *_node_lines(chronicle),
    ]
    return content.lines(parts)


def gantt_text(chart: Gantt) -> Content:
    """The drawing in colour. The signs say all that the colour says."""
    rows = [content.line(chart.axis, Tone.DIM)]
    for lane in chart.lanes:
        pieces = [
            Content.styled("".join(cell.symbol for cell in cells), tone.value)
            for tone, cells in groupby(lane.cells, key=_tone)
        ]
        rows.append(Content.assemble(content.line(f"{lane.label} "), *pieces))
    return content.lines(rows)


def _tone(cell: Cell) -> Tone:
    if cell.state is not None:
        return STATE_TONES[cell.state]
    return _SIGN_TONES.get(cell.symbol, Tone.DIM)


def _head_lines(chronicle: Chronicle) -> Iterator[Content]:
    summary = chronicle.summary
    mark = OUTCOME_MARKS[summary.outcome] if summary.outcome else UNFINISHED
    ended = time_of(summary.ended_at) if summary.ended_at else "not ended"
    yield content.row(content.mark(mark), content.line(f"   {time_of(summary.started_at)} to {ended}, by "),
                      content.line(summary.operator, Tone.STRONG))  # fmt: skip
    yield content.fact("Downtime", report_words.downtime(chronicle), _FACT)
    yield content.fact("Data loss", report_words.data_loss(chronicle), _FACT)
    yield content.fact("Throughput", report_words.throughput(chronicle), _FACT)
    yield content.fact("Foreseen", chronicle.plan.prediction.sentence, _FACT)


def _section_lines(title: str, lines: Iterable[Content]) -> Iterator[Content]:
    yield content.line(title, Tone.ACCENT)
    yield from lines


def _step_lines(chronicle: Chronicle) -> Iterator[Content]:
    tones = {"done": Tone.GOOD, "failed": Tone.BAD}
    return _section_lines(
        "Steps",
        (
            content.row(
                f"  {number} {step.name.value:<10}",
                content.line(f" {length(step.seconds):>13}  "),
                content.line(step.outcome, tones.get(step.outcome, Tone.WARN)),
            )
            for number, step in enumerate(chronicle.timings.steps, 1)
        ),
    )


def _decision_lines(chronicle: Chronicle) -> Iterator[Content]:
    rows = []
    for decision in chronicle.decisions:
        waited_text = f", after {length(decision.waited_seconds)}" if decision.waited_seconds >= 1 else ""
        decided_by = content.line(f"  by {decision.by}{waited_text}", Tone.DIM)
        rows.append(content.row(f"  {decision.at:%H:%M:%S}  ", report_words.decided(decision), decided_by))
        if decision.digest:
            rows.append(content.line(f"            SHA-256 {decision.digest}", Tone.DIM))
        if decision.diff:
            rows.append(content.diff(decision.diff))
    return _section_lines("Decisions", rows)


def _check_lines(chronicle: Chronicle) -> Iterator[Content]:
    """Checks that did not hold come first."""
    checks = sorted(chronicle.checks, key=lambda check: check.holds)
    failed_count = sum(1 for check in checks if not check.holds)
    title = f"Checks: {len(checks) - failed_count} held, {failed_count} did not"
    return _section_lines(title, (_check_line(check) for check in checks))


def _check_line(check: Check) -> Content:
    sign = content.line("  ✓ " if check.holds else "  ✗ ", Tone.GOOD if check.holds else Tone.BAD)
    time_and_node = content.line(f"{check.at:%H:%M:%S}  {cut(report_words.where(check.node), 12):<12} ")
    evidence = report_words.evidence(check)
    return content.row(
        sign, time_and_node, check.sentence, content.line(f"  {evidence}" if evidence else "", Tone.DIM)
    )


def _node_lines(chronicle: Chronicle) -> Iterator[Content]:
    rows = []
    for node in chronicle.plan.nodes:
        rows.append(content.line(f"  {node.name}", Tone.STRONG))
        rows.append(content.fact("    data", node.data.key if node.data else "its own", _FACT + 4))
        rows.append(content.fact("    config", node.config.key if node.config else "its own", _FACT + 4))
        rows.append(content.fact("    node ID", node.node_id or "none", _FACT + 4))
        rows.append(
            content.fact("    signing", f"{node.signing.action.value}: {node.signing.reason}", _FACT + 4)
        )
    return _section_lines("Nodes", rows)
