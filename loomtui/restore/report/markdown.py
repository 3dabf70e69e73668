"""A run for an incident channel.

The outcome and its cost come first, there is no table, and foreign text is only code.

Chat programs know bold, lists, code and fences; few know tables. Within code nothing is a link, a mention or
a tag, in CommonMark as in Slack's and Mattermost's dialects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loomtui.restore.events import EventKind
from loomtui.restore.plan import NodePlan
from loomtui.restore.report import words
from loomtui.restore.report.aftermath import still_to_do
from loomtui.restore.report.chronicle import Check, Chronicle
from loomtui.restore.report.gantt import LEGEND, gantt
from loomtui.text import clean_line
from loomtui.wording.quantities import NOTHING, length
from loomtui.wording.states import outcome_state, outcome_words, production_mark

_FENCE = "```"
_WIDTH = 100
_LONGEST = 300


def markdown(chronicle: Chronicle) -> str:
    parts = (
        _head(chronicle),
        _still_to_do(chronicle),
        _timeline(chronicle),
        _steps(chronicle),
        _decisions(chronicle),
        _checks(chronicle),
        _nodes(chronicle),
        _journal(chronicle),
    )
    return "\n".join("\n".join(part) + "\n" for part in map(list, parts) if part)


def code(text: str) -> str:
    """Text that stays text wherever it is pasted."""
    return f"`{_plain(text) or NOTHING}`"


def _plain(text: str) -> str:
    return clean_line(text, limit=_LONGEST).replace("`", "'")


def _head(chronicle: Chronicle) -> Iterator[str]:
    summary, plan = chronicle.summary, chronicle.plan
    mark = production_mark(plan.production)
    outcome = outcome_words(summary.outcome)
    yield f"**{outcome_state(summary.outcome).symbol} Restore of {code(plan.cluster)} ({mark}): {outcome}**"
    yield ""
    yield f"- Downtime: {words.downtime(chronicle)}"
    yield f"- Data loss: {words.data_loss(chronicle)}"
    if gone := words.given_up(chronicle):
        yield f"- Given up: {gone}"
    yield f"- Throughput: {code(words.throughput(chronicle))}"
    began, ended = words.when(summary.started_at), words.when(summary.ended_at)
    yield f"- Started {began}, ended {ended}, by {code(summary.operator)}"
    yield f"- Foreseen: {code(plan.prediction.sentence)}"
    run = chronicle.run
    yield f"- Run {code(run)}; the whole record: {code(f'loomtui report {run} --format html')}"


def _still_to_do(chronicle: Chronicle) -> Iterator[str]:
    if todos := still_to_do(chronicle):
        yield "**Still to do**"
        yield from (f"- {code(todo.sentence)}: {code(todo.command)}" for todo in todos)


def _timeline(chronicle: Chronicle) -> Iterator[str]:
    chart = gantt(chronicle, _WIDTH)
    if chart is None:
        return
    yield from _fenced("Timeline (UTC)", [*chart.text.split("\n"), LEGEND])


def _cut(line: str) -> str:
    """Cuts a long line; the record as a page has a line of many peers whole."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _fenced(heading: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"**{heading}**"
    yield _FENCE
    yield from (line.replace("`", "'") for line in lines)
    yield _FENCE


def _steps(chronicle: Chronicle) -> Iterator[str]:
    if chronicle.timings.steps:
        rows = (
            f"{step.name.value:<10} {length(step.seconds):>12}  {step.outcome}"
            for step in chronicle.timings.steps
        )
        yield from _fenced("Steps", rows)


def _decisions(chronicle: Chronicle) -> Iterator[str]:
    yield "**Decisions**"
    for decision in chronicle.decisions:
        waited = f", after {length(decision.waited_seconds)}" if decision.waited_seconds >= 1 else ""
        yield f"- {decision.at:%H:%M:%S} {code(words.decided(decision))} by {code(decision.by)}{waited}"
    for decision in chronicle.decisions:
        if decision.diff:
            title = f"What was approved on {_plain(words.where(decision.node))}, SHA-256 {decision.digest}"
            yield from _fenced(title, map(_cut, decision.diff.split("\n")))


def _checks(chronicle: Chronicle) -> Iterator[str]:
    """What failed, in full; what held, counted; and the evidence of the last step."""
    failed = [check for check in chronicle.checks if not check.holds]
    if not chronicle.checks:
        return
    yield f"**Checks: {len(chronicle.checks) - len(failed)} held, {len(failed)} did not**"
    last = chronicle.checks[-1].step
    for check in (*failed, *(check for check in chronicle.checks if check.holds and check.step is last)):
        yield f"- {_check(check)}"


def _check(check: Check) -> str:
    sign = "✓" if check.holds else "✗"
    evidence = words.evidence(check)
    tail = f": {code(evidence)}" if evidence else ""
    place = f"{check.step.value} {code(words.where(check.node))}"
    return f"{sign} {check.at:%H:%M:%S} {place} {code(check.sentence)}{tail}"


def _nodes(chronicle: Chronicle) -> Iterator[str]:
    yield "**Nodes**"
    yield from (f"- {_node(node)}" for node in chronicle.plan.nodes)
    if chronicle.plan.left_out:
        yield f"- not in the plan: {code(', '.join(chronicle.plan.left_out))}"


def _node(node: NodePlan) -> str:
    data = f"data {code(node.data.key)}" if node.data else "its own data"
    config = f"config {code(node.config.key)}" if node.config else "its own config"
    identity = f"node ID {code(node.node_id or 'none')}"
    return f"{code(node.name)}: {data}, {config}, {identity}, signing state {node.signing.action.value}"


def _journal(chronicle: Chronicle) -> Iterator[str]:
    """Findings and failures. Every other act has its line in the timeline above."""
    worth_telling = [
        event
        for event in chronicle.events
        if event.kind
        in {EventKind.NOTE, EventKind.PLAN_COMPLETED, EventKind.TASK_FAILED, EventKind.GATE_REFUSED}
    ]
    if worth_telling:
        rows = (
            f"{event.at:%H:%M:%S} {_plain(words.where(event.node)):<12} {_plain(event.message)}"
            for event in worth_telling
        )
        yield from _fenced("Findings", rows)
