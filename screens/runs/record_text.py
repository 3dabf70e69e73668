"""A past run in words and rows, as the run's screen shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from textual.content import Content

from loomtui.restore.report import Chronicle
from loomtui.restore.report import words as report_words
from loomtui.restore.report.chronicle import Check, SpanState
from loomtui.restore.report.gantt import LEGEND, Cell, Gantt, gantt
from loomtui.wording.quantities import length
from screens.text import content
from screens.text.words import OUTCOME_MARKS, UNFINISHED, Tone, cut, time_of

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


def run_told(told: Chronicle, width: int) -> Content:
    """Drawn lines have at most `width` cells; words wrap."""
    parts: list[Content | str] = [*_head(told), ""]
    for title, by_step in (("By node", False), ("By step", True)):
        drawn = gantt(told, width, by_step=by_step)
        if drawn is not None:
            parts += [content.line(f"{title} (UTC)", Tone.ACCENT), drawing(drawn), ""]
    if told.began is not None:
        parts += [content.line(LEGEND, Tone.DIM), ""]
    parts += [*_steps(told), "", *_decisions(told), "", *_checks(told), "", *_nodes(told)]
    return content.lines(parts)


def drawing(drawn: Gantt) -> Content:
    """The drawing in colour. The signs say all that the colour says."""
    rows = [content.line(drawn.axis, Tone.DIM)]
    for lane in drawn.lanes:
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


def _head(told: Chronicle) -> Iterator[Content]:
    summary = told.summary
    mark = OUTCOME_MARKS[summary.outcome] if summary.outcome else UNFINISHED
    ended = time_of(summary.ended_at) if summary.ended_at else "not ended"
    yield content.row(content.mark(mark), content.line(f"   {time_of(summary.started_at)} to {ended}, by "),
                      content.line(summary.operator, Tone.STRONG))  # fmt: skip
    yield content.fact("Downtime", report_words.downtime(told), _FACT)
    yield content.fact("Data loss", report_words.data_loss(told), _FACT)
    yield content.fact("Throughput", report_words.throughput(told), _FACT)
    yield content.fact("Foreseen", told.plan.prediction.sentence, _FACT)


def _section(title: str, lines: Iterable[Content]) -> Iterator[Content]:
    yield content.line(title, Tone.ACCENT)
    yield from lines


def _steps(told: Chronicle) -> Iterator[Content]:
    tones = {"done": Tone.GOOD, "failed": Tone.BAD}
    return _section(
        "Steps",
        (
            content.row(
                f"  {number} {step.name.value:<10}",
                content.line(f" {length(step.seconds):>13}  "),
                content.line(step.outcome, tones.get(step.outcome, Tone.WARN)),
            )
            for number, step in enumerate(told.timings.steps, 1)
        ),
    )


def _decisions(told: Chronicle) -> Iterator[Content]:
    rows = []
    for found in told.decisions:
        waited = f", after {length(found.waited_seconds)}" if found.waited_seconds >= 1 else ""
        who = content.line(f"  by {found.by}{waited}", Tone.DIM)
        rows.append(content.row(f"  {found.at:%H:%M:%S}  ", report_words.decided(found), who))
        if found.digest:
            rows.append(content.line(f"            SHA-256 {found.digest}", Tone.DIM))
        if found.diff:
            rows.append(content.diff(found.diff))
    return _section("Decisions", rows)


def _checks(told: Chronicle) -> Iterator[Content]:
    """Checks that did not hold come first."""
    ordered = sorted(told.checks, key=lambda check: check.holds)
    failed = sum(1 for check in ordered if not check.holds)
    title = f"Checks: {len(ordered) - failed} held, {failed} did not"
    return _section(title, (_check(check) for check in ordered))


def _check(check: Check) -> Content:
    sign = content.line("  ✓ " if check.holds else "  ✗ ", Tone.GOOD if check.holds else Tone.BAD)
    place = content.line(f"{check.at:%H:%M:%S}  {cut(report_words.where(check.node), 12):<12} ")
    evidence = report_words.evidence(check)
    return content.row(
        sign, place, check.sentence, content.line(f"  {evidence}" if evidence else "", Tone.DIM)
    )


def _nodes(told: Chronicle) -> Iterator[Content]:
    rows = []
    for node in told.plan.nodes:
        rows.append(content.line(f"  {node.name}", Tone.STRONG))
        rows.append(content.fact("    data", node.data.key if node.data else "its own", _FACT + 4))
        rows.append(content.fact("    config", node.config.key if node.config else "its own", _FACT + 4))
        rows.append(content.fact("    node ID", node.node_id or "none", _FACT + 4))
        rows.append(
            content.fact("    signing", f"{node.signing.action.value}: {node.signing.reason}", _FACT + 4)
        )
    return _section("Nodes", rows)
