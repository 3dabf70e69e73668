"""A run as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from loomtui.restore.events import EventKind
from loomtui.restore.findings import texts_of
from loomtui.restore.report import words
from loomtui.restore.report.aftermath import Todo, still_to_do
from loomtui.restore.report.chronicle import Check, Chronicle, Decision
from loomtui.restore.report.markup import Child, element
from loomtui.restore.report.page_parts import document, figure, section, table
from loomtui.restore.report.svg import timeline
from loomtui.wording.quantities import NOTHING, count, length, rate, size
from loomtui.wording.states import outcome_state, outcome_words, production_mark

_STATES = ("done", "already so", "failed", "interrupted", "undone")


def page(chronicle: Chronicle) -> str:
    title = f"Restore of {chronicle.plan.cluster}, run {chronicle.run}"
    return document(title, *_header(chronicle), *_sections(chronicle))


def _header(chronicle: Chronicle) -> Iterator[Element]:
    summary, plan = chronicle.summary, chronicle.plan
    state = summary.outcome.value if summary.outcome else "unfinished"
    outcome = f"{outcome_state(summary.outcome).symbol} {outcome_words(summary.outcome)}"
    mark = production_mark(plan.production)
    yield element(
        "header",
        element("h1", f"Restore of {plan.cluster}"),
        element("span", outcome, class_=f"badge {state}"),
        element("span", mark, class_="badge production" if plan.production else "badge"),
    )
    when = f"from {words.when(summary.started_at)} to {words.when(summary.ended_at)}"
    yield element(
        "p", "Run ", element("code", chronicle.run), f" by {summary.operator}, {when}", class_="run"
    )
    yield element(
        "section",
        figure("Downtime", length(chronicle.timings.downtime_seconds), words.downtime_period(chronicle)),
        figure("Data loss", words.data_loss_length(chronicle), words.data_loss_period(chronicle)),
        *_given_up(chronicle),
        figure("Throughput", _slowest_rate(chronicle), words.throughput(chronicle)),
        figure("Foreseen", "moves" if plan.prediction.moves else "stands", plan.prediction.sentence),
        class_="figures",
    )


def _given_up(chronicle: Chronicle) -> Iterator[Element]:
    if gone := words.given_up(chronicle):
        yield figure("Given up", count(len(chronicle.given_up), "node"), gone)


def _slowest_rate(chronicle: Chronicle) -> str:
    slowest = min(chronicle.throughput, key=lambda throughput: throughput.bytes_per_second, default=None)
    return rate(slowest.bytes_per_second) if slowest else NOTHING


def _sections(chronicle: Chronicle) -> Iterator[Element]:
    if todos := still_to_do(chronicle):
        yield section("Still to do", element("ul", *map(_todo, todos)))
    drawing = timeline(chronicle)
    if drawing is not None:
        yield section("Timeline (UTC)", _legend(), element("div", drawing, class_="scroll"))
    yield section("Decisions", _decisions(chronicle))
    yield section("Checks and their evidence", *_checks(chronicle))
    yield section("Steps", _steps(chronicle))
    yield section("Nodes", _nodes(chronicle))
    if chronicle.throughput:
        yield section("Throughput", _throughput(chronicle))
    findings = [
        *texts_of(chronicle.plan.warnings),
        *(f"{words.where(note.node)}: {note.message}" for note in chronicle.notes),
    ]
    if findings:
        yield section("Findings", element("ul", *(element("li", finding) for finding in findings)))
    yield section("Journal", _journal(chronicle))


def _todo(todo: Todo) -> Element:
    return element("li", f"{todo.sentence} ", element("code", todo.command))


def _legend() -> Element:
    states = [element("span", state, class_=f"key {state.replace(' ', '-')}") for state in _STATES]
    others = [
        element("span", "▼ a decision"),
        element("span", "≈ a wait, drawn shorter"),
        element("span", "down", class_="key down"),
    ]
    return element("p", *states, *others, class_="legend")


def _decisions(chronicle: Chronicle) -> Element:
    return table(
        ("", "When (UTC)", "What", "Who", "After waiting"),
        [
            (
                str(number),
                words.when(decision.at),
                _decision_cell(decision),
                decision.by,
                length(decision.waited_seconds),
            )
            for number, decision in enumerate(chronicle.decisions, 1)
        ],
    )


def _decision_cell(decision: Decision) -> Child:
    """A decision, with the approved text by its digest, and what the operator changed in it."""
    sentence = words.decided(decision)
    if not decision.digest:
        return sentence
    digest = element("div", f"SHA-256 {decision.digest}")
    return element("div", sentence, digest, *([element("pre", decision.diff)] if decision.diff else []))


def _checks(chronicle: Chronicle) -> Iterator[Element]:
    held = sum(1 for check in chronicle.checks if check.holds)
    yield element("p", f"{held} held, {len(chronicle.checks) - held} did not.")
    yield table(
        ("", "When", "Step", "Node", "What was seen", "Evidence"),
        [_check(check) for check in chronicle.checks],
        ["held" if check.holds else "not-held" for check in chronicle.checks],
    )


def _check(check: Check) -> tuple[Child, ...]:
    pairs: list[Child] = []
    for name, value in check.evidence:
        pairs += [
            element("span", f"{name} ", class_="name"),
            element("code", value or NOTHING),
            " ",
        ]
    sign = "✓" if check.holds else "✗"
    when = f"{check.at:%H:%M:%S}"
    return sign, when, check.step.value, words.where(check.node), check.sentence, element("div", *pairs)


def _steps(chronicle: Chronicle) -> Element:
    rows = []
    for step in chronicle.timings.steps:
        tasks = [task for task in chronicle.tasks if task.step is step.name]
        slowest = max(tasks, key=lambda task: task.seconds, default=None)
        where = f"{slowest.node}, {length(slowest.seconds)}" if slowest and slowest.seconds else NOTHING
        rows.append((step.name.value, length(step.seconds), step.outcome, where))
    return table(("Step", "Took", "Outcome", "Longest on"), rows)


def _nodes(chronicle: Chronicle) -> Element:
    rows: list[tuple[Child, ...]] = []
    for node in chronicle.plan.nodes:
        data = element("code", node.data.key) if node.data else "its own"
        config = element("code", node.config.key) if node.config else "its own"
        identity = element("code", node.node_id or "none")
        rows.append(
            (node.name, data, config, identity, f"{node.signing.action.value}: {node.signing.reason}")
        )
    rows += [(name, "not in the plan", "", "", "") for name in chronicle.plan.left_out]
    return table(("Node", "Data", "Config", "Node ID", "Signing state"), rows)


def _throughput(chronicle: Chronicle) -> Element:
    return table(
        ("Node", "Unpacked", "Stored", "Took", "Rate (unpacked)"),
        [
            (
                throughput.node,
                size(throughput.unpacked_bytes),
                size(throughput.stored_bytes),
                length(throughput.seconds),
                rate(throughput.bytes_per_second),
            )
            for throughput in chronicle.throughput
        ],
    )


def _journal(chronicle: Chronicle) -> Element:
    rows = [
        (
            f"{event.at:%H:%M:%S}",
            event.kind.value,
            event.step.value if event.step else "",
            event.node or "",
            event.message,
        )
        for event in chronicle.events
        if event.kind is not EventKind.TASK_PROGRESS
    ]
    summary = element("summary", f"All {len(rows)} events")
    return element("details", summary, table(("When", "Event", "Step", "Node", "What"), rows))
