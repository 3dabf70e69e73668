"""A past run in words and rows, as the run's screen shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from textual.content import Content

from loomtui.restore.events import Event
from loomtui.restore.report import Chronicle, Todo, still_to_do
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
    """Laid out for `width` cells: what wraps stays beside its label."""
    parts: list[Content | str] = [*_head_lines(chronicle, width), ""]
    parts += [*_with_gap(_todo_lines(chronicle, width))]
    for title, by_step in (("By node", False), ("By step", True)):
        chart = gantt(chronicle, width, by_step=by_step)
        if chart is not None:
            parts += [content.line(f"{title} (UTC)", Tone.ACCENT), gantt_text(chart), ""]
    if chronicle.began is not None:
        parts += [content.beside(Content(""), content.line(LEGEND, Tone.DIM), width), ""]
    parts += _with_gap(_step_lines(chronicle))
    for section in (_decision_lines, _check_lines, _finding_lines, _node_lines):
        parts += _with_gap(section(chronicle, width))
    return content.lines(parts[:-1])


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


def _with_gap(lines: Iterable[Content]) -> list[Content | str]:
    listed: list[Content | str] = list(lines)
    return [*listed, ""] if listed else []


def _head_lines(chronicle: Chronicle, width: int) -> Iterator[Content]:
    summary = chronicle.summary
    mark = OUTCOME_MARKS[summary.outcome] if summary.outcome else UNFINISHED
    ended = time_of(summary.ended_at) if summary.ended_at else "not ended"
    when = content.row(content.line(f"{time_of(summary.started_at)} to {ended}, by "),
                       content.line(summary.operator, Tone.STRONG))  # fmt: skip
    yield content.beside(content.row(content.mark(mark), "   "), when, width)
    facts = [
        ("Downtime", report_words.downtime(chronicle)),
        ("Data loss", report_words.data_loss(chronicle)),
        ("Given up", report_words.given_up(chronicle)),
        ("Throughput", report_words.throughput(chronicle)),
        ("Foreseen", chronicle.plan.prediction.sentence),
    ]
    yield from (content.fact_beside(name, value, width, _FACT) for name, value in facts if value)


def _section_lines(title: str, lines: Iterable[Content]) -> Iterator[Content]:
    yield content.line(title, Tone.ACCENT)
    yield from lines


def _todo_lines(chronicle: Chronicle, width: int) -> Iterator[Content]:
    if todos := still_to_do(chronicle):
        yield from _section_lines("Still to do", (_todo_line(todo, width) for todo in todos))


def _todo_line(todo: Todo, width: int) -> Content:
    command = content.line(f"  {todo.command}", Tone.DIM)
    return content.beside(Content("  · "), content.row(todo.sentence, command), width)


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


def _decision_lines(chronicle: Chronicle, width: int) -> Iterator[Content]:
    rows = []
    for decision in chronicle.decisions:
        waited_text = f", after {length(decision.waited_seconds)}" if decision.waited_seconds >= 1 else ""
        decided_by = content.line(f"  by {decision.by}{waited_text}", Tone.DIM)
        decided = content.row(report_words.decided(decision), decided_by)
        rows.append(content.beside(Content(f"  {decision.at:%H:%M:%S}  "), decided, width))
        if decision.digest:
            digest = content.line(decision.digest, Tone.DIM)
            rows.append(content.beside(content.line("            SHA-256 ", Tone.DIM), digest, width))
        if decision.diff:
            rows.append(content.diff(decision.diff))
    return _section_lines("Decisions", rows)


def _check_lines(chronicle: Chronicle, width: int) -> Iterator[Content]:
    """Checks that did not hold come first."""
    checks = sorted(chronicle.checks, key=lambda check: check.holds)
    failed_count = sum(1 for check in checks if not check.holds)
    title = f"Checks: {len(checks) - failed_count} held, {failed_count} did not"
    return _section_lines(title, (_check_line(check, width) for check in checks))


def _check_line(check: Check, width: int) -> Content:
    sign = content.line("  ✓ " if check.holds else "  ✗ ", Tone.GOOD if check.holds else Tone.BAD)
    time_and_node = content.line(f"{check.at:%H:%M:%S}  {cut(report_words.where(check.node), 12):<12} ")
    evidence = report_words.evidence(check)
    seen = content.row(check.sentence, content.line(f"  {evidence}" if evidence else "", Tone.DIM))
    return content.beside(content.row(sign, time_and_node), seen, width)


def _finding_lines(chronicle: Chronicle, width: int) -> Iterator[Content]:
    if chronicle.notes:
        yield from _section_lines("Findings", (_finding_line(note, width) for note in chronicle.notes))


def _finding_line(note: Event, width: int) -> Content:
    where = cut(report_words.where(note.node), 12)
    return content.beside(content.line(f"    {note.at:%H:%M:%S}  {where:<12} "), note.message, width)


def _node_lines(chronicle: Chronicle, width: int) -> Iterator[Content]:
    rows = []
    for node in chronicle.plan.nodes:
        rows.append(content.line(f"  {node.name}", Tone.STRONG))
        facts = {
            "    data": node.data.key if node.data else "its own",
            "    config": node.config.key if node.config else "its own",
            "    node ID": node.node_id or "none",
            "    signing": f"{node.signing.action.value}: {node.signing.reason}",
        }
        rows += [content.fact_beside(name, value, width, _FACT + 4) for name, value in facts.items()]
    return _section_lines("Nodes", rows)
