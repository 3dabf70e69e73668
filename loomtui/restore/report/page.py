"""A run as one HTML file. It has no script and nothing from elsewhere, and its policy forbids both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element

from loomtui.restore.events import EventKind
from loomtui.restore.findings import texts_of
from loomtui.restore.report import words
from loomtui.restore.report.chronicle import Check, Chronicle, Decision
from loomtui.restore.report.markup import Child, element, html
from loomtui.restore.report.svg import timeline
from loomtui.wording.quantities import NOTHING, length, rate, size
from loomtui.wording.states import outcome_state, outcome_told, production_mark

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STATES = ("done", "already so", "failed", "interrupted", "undone")


def page(told: Chronicle) -> str:
    style = files(__package__).joinpath("page.css").read_text("utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"Restore of {told.plan.cluster}, run {told.run}"),
        element("style", style),
    )
    body = element("body", element("main", *_header(told), *_sections(told)))
    return html(element("html", head, body, lang="en"))


def _header(told: Chronicle) -> Iterator[Element]:
    summary, plan = told.summary, told.plan
    state = summary.outcome.value if summary.outcome else "unfinished"
    outcome = f"{outcome_state(summary.outcome).symbol} {outcome_told(summary.outcome)}"
    mark = production_mark(plan.production)
    yield element(
        "header",
        element("h1", f"Restore of {plan.cluster}"),
        element("span", outcome, class_=f"badge {state}"),
        element("span", mark, class_="badge production" if plan.production else "badge"),
    )
    when = f"from {words.when(summary.started_at)} to {words.when(summary.ended_at)}"
    yield element("p", "Run ", element("code", told.run), f" by {summary.operator}, {when}", class_="run")
    yield element(
        "section",
        _figure("Downtime", length(told.timings.downtime_seconds), words.downtime_told(told)),
        _figure("Data loss", _lost(told), words.data_loss_told(told)),
        _figure("Throughput", _rate(told), words.throughput(told)),
        _figure("Foreseen", "moves" if plan.prediction.moves else "stands", plan.prediction.sentence),
        class_="figures",
    )


def _figure(name: str, value: str, told: str) -> Element:
    return element("div", element("h2", name), element("strong", value), element("p", told))


def _lost(told: Chronicle) -> str:
    return length(told.timings.data_loss_seconds) if words.is_data_lost(told) else "none"


def _rate(told: Chronicle) -> str:
    slowest = min(told.throughput, key=lambda found: found.bytes_per_second, default=None)
    return rate(slowest.bytes_per_second) if slowest else NOTHING


def _sections(told: Chronicle) -> Iterator[Element]:
    drawn = timeline(told)
    if drawn is not None:
        yield _section("Timeline (UTC)", _legend(), element("div", drawn, class_="scroll"))
    yield _section("Decisions", _decisions(told))
    yield _section("Checks and their evidence", *_checks(told))
    yield _section("Steps", _steps(told))
    yield _section("Nodes", _nodes(told))
    if told.throughput:
        yield _section("Throughput", _throughput(told))
    findings = [
        *texts_of(told.plan.warnings),
        *(f"{words.where(note.node)}: {note.message}" for note in told.notes),
    ]
    if findings:
        yield _section("Findings", element("ul", *(element("li", finding) for finding in findings)))
    yield _section("Journal", _journal(told))


def _section(title: str, *children: Child) -> Element:
    return element("section", element("h2", title), *children)


def _legend() -> Element:
    states = [element("span", state, class_=f"key {state.replace(' ', '-')}") for state in _STATES]
    others = [
        element("span", "▼ a decision"),
        element("span", "≈ a wait, drawn shorter"),
        element("span", "down", class_="key down"),
    ]
    return element("p", *states, *others, class_="legend")


def _table(
    head: Sequence[str], rows: Iterable[Sequence[Child]], classes: Iterable[str] | None = None
) -> Element:
    marks = iter(classes) if classes is not None else None
    body = [
        element("tr", *(element("td", cell) for cell in row), class_=next(marks) if marks else None)
        for row in rows
    ]
    heads = element("thead", element("tr", *(element("th", title) for title in head)))
    return element("div", element("table", heads, element("tbody", *body)), class_="scroll")


def _decisions(told: Chronicle) -> Element:
    return _table(
        ("", "When (UTC)", "What", "Who", "After waiting"),
        [
            (
                str(number),
                words.when(found.at),
                _decided(found),
                found.by,
                length(found.waited_seconds),
            )
            for number, found in enumerate(told.decisions, 1)
        ],
    )


def _decided(found: Decision) -> Child:
    """A decision, with the approved text found by its digest, and what the operator changed in it."""
    told = words.decided(found)
    if not found.digest:
        return told
    digest = element("div", f"SHA-256 {found.digest}")
    return element("div", told, digest, *([element("pre", found.diff)] if found.diff else []))


def _checks(told: Chronicle) -> Iterator[Element]:
    held = sum(1 for check in told.checks if check.holds)
    yield element("p", f"{held} held, {len(told.checks) - held} did not.")
    yield _table(
        ("", "When", "Step", "Node", "What was seen", "Evidence"),
        [_check(check) for check in told.checks],
        ["held" if check.holds else "not-held" for check in told.checks],
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


def _steps(told: Chronicle) -> Element:
    rows = []
    for step in told.timings.steps:
        tasks = [task for task in told.tasks if task.step is step.name]
        slowest = max(tasks, key=lambda task: task.seconds, default=None)
        where = f"{slowest.node}, {length(slowest.seconds)}" if slowest and slowest.seconds else NOTHING
        rows.append((step.name.value, length(step.seconds), step.outcome, where))
    return _table(("Step", "Took", "Outcome", "Longest on"), rows)


def _nodes(told: Chronicle) -> Element:
    rows: list[tuple[Child, ...]] = []
    for node in told.plan.nodes:
        data = element("code", node.data.key) if node.data else "its own"
        config = element("code", node.config.key) if node.config else "its own"
        identity = element("code", node.node_id or "none")
        rows.append(
            (node.name, data, config, identity, f"{node.signing.action.value}: {node.signing.reason}")
        )
    rows += [(name, "not in the plan", "", "", "") for name in told.plan.left_out]
    return _table(("Node", "Data", "Config", "Node ID", "Signing state"), rows)


def _throughput(told: Chronicle) -> Element:
    return _table(
        ("Node", "Unpacked", "Stored", "Took", "Rate (unpacked)"),
        [
            (
                found.node,
                size(found.unpacked_bytes),
                size(found.stored_bytes),
                length(found.seconds),
                rate(found.bytes_per_second),
            )
            for found in told.throughput
        ],
    )


def _journal(told: Chronicle) -> Element:
    rows = [
        (
            f"{event.at:%H:%M:%S}",
            event.kind.value,
            event.step.value if event.step else "",
            event.node or "",
            event.message,
        )
        for event in told.events
        if event.kind is not EventKind.TASK_PROGRESS
    ]
    summary = element("summary", f"All {len(rows)} events")
    return element("details", summary, _table(("When", "Event", "Step", "Node", "What"), rows))
