"""One run as text for people (Markdown) or machines (JSON), from its plan and its journal alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loomtui.restore.events import Event, EventKind, Json, Outcome, StepName
from loomtui.restore.runs import Run, summarize
from loomtui.text import clean_line

_ENTITIES = str.maketrans({"|": "&#124;", "`": "'", "<": "&lt;", "[": "&#91;"})


@dataclass(frozen=True)
class StepTiming:
    name: StepName
    seconds: float | None  # None: it did not end
    outcome: str  # done, failed, started


@dataclass(frozen=True)
class Timings:
    downtime_seconds: float | None  # from the first stop until the chain moved; None: not both happened
    data_loss_seconds: (
        float | None
    )  # from the data's time to the newest block that a node had, else to the run's start
    steps: tuple[StepTiming, ...]


def timings(run: Run) -> Timings:
    """How long each step took, how long the cluster was down, how much of the chain's time is lost."""
    events = run.events()
    steps = tuple(
        _step_timing(name, events) for name in StepName if any(event.step is name for event in events)
    )
    stop = _first(events, EventKind.TASK_STARTED, StepName.STOP) or _first(
        events, EventKind.STEP_STARTED, StepName.STOP
    )
    moved = _last(events, EventKind.STEP_DONE, StepName.VERIFY)
    downtime = (moved.at - stop.at).total_seconds() if stop and moved else None
    return Timings(downtime, _data_loss(run, events), steps)


def _first(events: tuple[Event, ...], kind: EventKind, step: StepName) -> Event | None:
    return next((event for event in events if event.kind is kind and event.step is step), None)


def _last(events: tuple[Event, ...], kind: EventKind, step: StepName) -> Event | None:
    return _first(events[::-1], kind, step)


def _step_timing(name: StepName, events: tuple[Event, ...]) -> StepTiming:
    started = _first(events, EventKind.STEP_STARTED, name)
    done = _last(events, EventKind.STEP_DONE, name)
    if started and done:
        return StepTiming(name, (done.at - started.at).total_seconds(), "done")
    failed = any(event.step is name and event.kind is EventKind.TASK_FAILED for event in events)
    return StepTiming(name, None, "failed" if failed else "started")


def _data_loss(run: Run, events: tuple[Event, ...]) -> float | None:
    taken = [node.data.taken_at for node in run.plan.nodes if node.data is not None]
    if not taken or not events:
        return None
    restored = run.plan.prediction.height or 0
    lost = [
        datetime.fromisoformat(str(event.data["block_time"]))
        for event in events
        if event.data.get("block_time") and int(str(event.data.get("height") or 0)) > restored
    ]
    until = max(lost, default=events[0].at)
    return max(0.0, (until - min(taken)).total_seconds())


def render(run: Run, form: Literal["md", "json"]) -> str:
    """The report. Contains nothing secret: neither plan nor journal does."""
    return _json(run) if form == "json" else _markdown(run)


def _json(run: Run) -> str:
    summary, times = summarize(run), timings(run)
    document: dict[str, Json] = {
        "run": run.id,
        "cluster": run.plan.cluster,
        "outcome": summary.outcome.value if summary.outcome else None,
        "operator": summary.operator,
        "started_at": summary.started_at.isoformat() if summary.started_at else None,
        "ended_at": summary.ended_at.isoformat() if summary.ended_at else None,
        "downtime_seconds": times.downtime_seconds,
        "data_loss_seconds": times.data_loss_seconds,
        "steps": [
            {"name": step.name.value, "seconds": step.seconds, "outcome": step.outcome}
            for step in times.steps
        ],
        "nodes": [
            {
                "name": node.name,
                "data": node.data.key if node.data else None,
                "config": node.config.key if node.config else None,
                "node_id": node.node_id,
                "signing": node.signing.action.value,
            }
            for node in run.plan.nodes
        ],
        "prediction": run.plan.prediction.sentence,
        "events": [
            {
                "at": event.at.isoformat(),
                "kind": event.kind.value,
                "step": event.step.value if event.step else None,
                "node": event.node,
                "message": event.message,
                "data": dict(event.data),
            }
            for event in run.events()
        ],
    }
    return json.dumps(document, indent=2)


def _markdown(run: Run) -> str:
    summary, times = summarize(run), timings(run)
    outcome = {
        Outcome.RESTORED: "restored: the chain moves",
        Outcome.ROLLED_BACK: "rolled back",
        Outcome.STOPPED: "stopped; it can be resumed or rolled back",
        None: "interrupted, or still going on",
    }[summary.outcome]
    lines = [
        f"# Restore of {run.plan.cluster}: {outcome}",
        "",
        f"- Run `{run.id}` by {_cell(summary.operator)}",
        f"- Started {_time(summary.started_at)}, ended {_time(summary.ended_at)}",
        f"- Downtime: {_seconds(times.downtime_seconds)}; data loss: {_seconds(times.data_loss_seconds)}",
        f"- {_cell(run.plan.prediction.sentence)}",
        "",
        "| step | seconds | outcome |",
        "| --- | --- | --- |",
        *(f"| {step.name.value} | {_seconds(step.seconds)} | {step.outcome} |" for step in times.steps),
        "",
        "| node | data | config | identity | signing state |",
        "| --- | --- | --- | --- | --- |",
    ]
    for node in run.plan.nodes:
        data = f"`{_cell(node.data.key)}`" if node.data else "kept"
        config = f"`{_cell(node.config.key)}`" if node.config else "kept"
        identity = _cell(node.node_id or "none")
        lines.append(f"| {node.name} | {data} | {config} | {identity} | {node.signing.action.value} |")
    lines += ["", "| time (UTC) | node | what |", "| --- | --- | --- |"]
    lines += [
        f"| {event.at:%H:%M:%S} | {_cell(event.node or '')} | {_cell(event.message)} |"
        for event in run.events()
        if event.kind is not EventKind.TASK_STARTED
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that stays text: no cell, code, tag, link or image begins or ends in it."""
    return clean_line(text).translate(_ENTITIES)


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "not yet"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} s"
