"""A run told in facts: what was done when and where, who decided what, what was seen, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from loomtui.restore.events import Event, EventKind, Json, StepName
from loomtui.restore.plan import NodePlan, Plan
from loomtui.restore.record.given_up import given_up_in
from loomtui.restore.record.recorder import WAITED
from loomtui.restore.record.run_store import Run, RunSummary, summarize
from loomtui.restore.report.timing import Timings, timings
from loomtui.wording.quantities import joined

#: Events that are told because of what they say.
_NOTES = frozenset({EventKind.NOTE, EventKind.PLAN_COMPLETED})
#: Who is meant where something concerns the cluster as a whole.
ALL_NODES = "all nodes"


class SpanState(StrEnum):
    DONE = "done"
    ALREADY = "already so"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    OPEN = "no end recorded"
    UNDONE = "undone"


@dataclass(frozen=True)
class Span:
    """One stretch of work: a task, or if `node` is None a whole step."""

    step: StepName
    node: str | None
    began: datetime
    ended: datetime
    state: SpanState
    message: str = ""

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()


@dataclass(frozen=True)
class Decision:
    at: datetime
    step: StepName | None
    node: str | None
    asked: str
    answer: str
    by: str
    waited_seconds: float  # for the answer; since the event before it where nobody was asked
    digest: str = ""  # SHA-256 of the text that was approved
    diff: str = ""  # what the operator's own text changed, unified


@dataclass(frozen=True)
class Check:
    """What was checked, whether it held, and the evidence as name and value."""

    at: datetime
    step: StepName
    node: str | None
    holds: bool
    sentence: str
    evidence: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Throughput:
    """How fast a node got its data: it was fetched, unpacked, checked and put in place."""

    node: str
    unpacked_bytes: int
    stored_bytes: int
    seconds: float

    @property
    def bytes_per_second(self) -> float:
        """The rate in bytes of unpacked data."""
        return self.unpacked_bytes / self.seconds


@dataclass(frozen=True)
class Chronicle:
    run: str
    plan: Plan
    summary: RunSummary
    timings: Timings
    events: tuple[Event, ...]
    steps: tuple[Span, ...]
    tasks: tuple[Span, ...]
    decisions: tuple[Decision, ...]
    checks: tuple[Check, ...]
    notes: tuple[Event, ...]  # findings that are neither a decision nor a check
    throughput: tuple[Throughput, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.plan.nodes)

    @property
    def given_up(self) -> Mapping[str, datetime]:
        """The nodes whose old databases were deleted to make room, and since when."""
        return given_up_in(self.events)

    @property
    def began(self) -> datetime | None:
        return self.events[0].at if self.events else None

    @property
    def ended(self) -> datetime | None:
        """When the last thing was recorded."""
        return self.events[-1].at if self.events else None


def chronicle_of(run: Run) -> Chronicle:
    """Made from the plan and the journal alone."""
    events = run.events()
    tasks = _Spans().fold(event for event in events if event.step is None or event.node is not None)
    steps = _with_failures(_Spans().fold(event for event in events if event.node is None), tasks)
    return Chronicle(
        run.id,
        run.plan,
        summarize(run),
        timings(run),
        events,
        steps,
        tasks,
        (*_of_the_plan(run.plan), *_decisions(events)),
        tuple(check for event in events if (check := _check(event)) is not None),
        tuple(event for event in events if event.kind in _NOTES and "answer" not in event.data),
        tuple(rate for node in run.plan.nodes if (rate := _throughput(run.plan, node, tasks)) is not None),
    )


_BEGINNINGS = frozenset({EventKind.TASK_STARTED, EventKind.STEP_STARTED})
_BREAKS = frozenset({EventKind.RUN_STARTED, EventKind.RUN_RESUMED, EventKind.RUN_FINISHED})
_ENDS = {
    EventKind.TASK_DONE: SpanState.DONE,
    EventKind.STEP_DONE: SpanState.DONE,
    EventKind.TASK_FAILED: SpanState.FAILED,
    EventKind.TASK_UNDONE: SpanState.UNDONE,
}


class _Spans:
    """Folds events in their order into stretches of work, of nodes or of steps, never of both at once."""

    def __init__(self) -> None:
        self._open: dict[tuple[StepName, str | None], Event] = {}
        self._spans: list[Span] = []
        self._last: Event | None = None
        self._undoing: dict[str | None, datetime] = {}  # since when, by node
        self._rollback: datetime | None = None

    def fold(self, events: Iterable[Event]) -> tuple[Span, ...]:
        for event in events:
            self._take(event)
            self._last = event
        self._close_all(SpanState.OPEN, None)
        return tuple(sorted(self._spans, key=lambda span: (span.began, span.ended)))

    def _take(self, event: Event) -> None:
        if event.kind in _BREAKS:
            self._close_all(SpanState.INTERRUPTED, event if event.kind is EventKind.RUN_FINISHED else None)
        elif event.kind is EventKind.ROLLBACK_STARTED:
            self._close_all(SpanState.INTERRUPTED, None)
            self._rollback = event.at
        elif event.step is not None and event.kind in _BEGINNINGS:
            self._open[event.step, event.node] = event
        elif event.step is not None and event.kind in _ENDS:
            self._end(event, event.step)

    def _end(self, event: Event, step: StepName) -> None:
        state = _ENDS[event.kind]
        begun = self._open.pop((step, event.node), None)
        if self._rollback is not None:
            began = self._undoing.get(event.node, self._rollback)
            self._undoing[event.node] = event.at
        elif begun is None:
            began = event.at
        else:
            began = begun.at
        if state is SpanState.DONE and event.data.get("skipped"):
            state = SpanState.ALREADY
        self._spans.append(Span(step, event.node, began, event.at, state, event.message))

    def _close_all(self, state: SpanState, at: Event | None) -> None:
        """A process that was killed wrote no end, so the last known event ends what it did."""
        until = at or self._last
        for (step, node), begun in self._open.items():
            ended = until.at if until is not None else begun.at
            self._spans.append(Span(step, node, begun.at, ended, state, begun.message))
        self._open.clear()


def _with_failures(steps: tuple[Span, ...], tasks: tuple[Span, ...]) -> tuple[Span, ...]:
    """A step that ended with a failed task was not merely interrupted."""
    return tuple(
        replace(step, state=SpanState.FAILED)
        if step.state is SpanState.INTERRUPTED and _last_state(step, tasks) is SpanState.FAILED
        else step
        for step in steps
    )


def _last_state(step: Span, tasks: tuple[Span, ...]) -> SpanState | None:
    mine = (task for task in tasks if task.step is step.step and step.began <= task.ended <= step.ended)
    return max(mine, key=lambda task: (task.ended, task.state is SpanState.FAILED), default=step).state


def _of_the_plan(plan: Plan) -> tuple[Decision, ...]:
    asked = f"the plan {plan.id}: {len(plan.nodes)} nodes, scope {plan.scope.value}"
    plan_made = Decision(plan.made_at, None, None, asked, "made", plan.made_by, 0.0)
    consents = []
    if plan.reset_confirmed:
        consents.append("reset the signing states of all restored validators")
    if plan.gives_up:
        consents.append(f"give up the old databases of {joined(plan.gives_up)}")
    confirmed = (Decision(plan.made_at, None, None, one, "confirmed", plan.made_by, 0.0) for one in consents)
    return (plan_made, *confirmed)


def _decisions(events: tuple[Event, ...]) -> Iterable[Decision]:
    for before, event in zip(events[:1] + events, events, strict=False):
        waited = _waited(event, before)
        if "answer" in event.data:
            asked, answer, by = (_value_text(event.data.get(name)) for name in ("asked", "answer", "by"))
            digest, diff = (str(event.data.get(name, "")) for name in ("digest", "diff"))
            yield Decision(event.at, event.step, event.node, asked, answer, by, waited, digest, diff)
        elif event.kind in {EventKind.RUN_RESUMED, EventKind.ROLLBACK_STARTED}:
            asked = "an unfinished run" if event.kind is EventKind.RUN_RESUMED else "the run so far"
            answer = "resume" if event.kind is EventKind.RUN_RESUMED else "roll back"
            yield Decision(
                event.at, None, None, asked, answer, _value_text(event.data.get("operator")), waited
            )


def _waited(event: Event, before: Event) -> float:
    """Seconds. An older journal does not say it; there the previews before the question count, too."""
    said = event.data.get(WAITED)
    if isinstance(said, int | float):
        return float(said)
    return (event.at - before.at).total_seconds()


def _check(event: Event) -> Check | None:
    if event.step is None:
        return None
    if event.kind is EventKind.TASK_DONE:
        evidence = tuple(
            (name, _value_text(value)) for name, value in event.data.items() if name != "skipped"
        )
        return Check(event.at, event.step, event.node, True, event.message, evidence)
    if event.kind is EventKind.TASK_FAILED:
        evidence = tuple((name, _value_text(value)) for name, value in event.data.items() if value)
        return Check(event.at, event.step, event.node, False, event.message, evidence)
    if event.kind in {EventKind.GATE_OPENED, EventKind.GATE_REFUSED}:
        opened = event.kind is EventKind.GATE_OPENED
        return Check(event.at, event.step, event.node, opened, event.message)
    return None


def _value_text(value: Json) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(_value_text(item) for item in value) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _throughput(plan: Plan, node: NodePlan, tasks: tuple[Span, ...]) -> Throughput | None:
    """The rate over all tries, because the next try finds what an earlier one has fetched."""
    step = StepName.PREFLIGHT if plan.stage_first else StepName.DATA
    tries = [task for task in tasks if task.node == node.name and task.step is step]
    worked = [task for task in tries if task.state not in {SpanState.ALREADY, SpanState.UNDONE}]
    seconds = sum(task.seconds for task in worked)
    if node.data is None or seconds <= 0 or not any(task.state is SpanState.DONE for task in worked):
        return None
    return Throughput(node.name, node.data.unpacked_bytes, node.data.size_bytes, seconds)
