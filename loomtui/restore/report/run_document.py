"""A run for programs. Field names are a contract (docs/operator.md): add to them, never change them."""

from __future__ import annotations

import json

from loomtui.restore.events import Json
from loomtui.restore.report.aftermath import Todo, still_to_do
from loomtui.restore.report.chronicle import Chronicle, Span
from loomtui.restore.report.objectives import Objective, downtime_objective
from loomtui.restore.report.words import loss_objective
from loomtui.wording.quantities import iso

#: Counts up when a reader of an earlier one would misunderstand it. `replay/report_file.py` reads it.
REPORT_VERSION = 1


def document(chronicle: Chronicle) -> str:
    summary, times, plan = chronicle.summary, chronicle.timings, chronicle.plan
    fields: dict[str, Json] = {
        "report_version": REPORT_VERSION,
        "run": chronicle.run,
        "cluster": plan.cluster,
        "production": plan.production,
        "outcome": summary.outcome.value if summary.outcome else None,
        "operator": summary.operator,
        "started_at": iso(summary.started_at),
        "ended_at": iso(summary.ended_at),
        "downtime_seconds": times.downtime_seconds,
        "down_from": iso(times.down_from),
        "down_until": iso(times.down_until),
        "outages": [{"from": iso(outage.since), "until": iso(outage.until)} for outage in times.outages],
        "data_loss_seconds": times.data_loss_seconds,
        "data_loss_blocks": times.lost_blocks,
        "still_to_do": [todo_document(todo) for todo in still_to_do(chronicle)],
        "objectives": objectives_document(chronicle),
        "given_up": {node: iso(at) for node, at in chronicle.given_up.items()},
        "steps": [
            {"name": step.name.value, "seconds": step.seconds, "outcome": step.outcome}
            for step in times.steps
        ],
        "timeline": [_span(span) for span in (*chronicle.steps, *chronicle.tasks)],
        "decisions": _decisions(chronicle),
        "checks": _checks(chronicle),
        "throughput": [
            {
                "node": throughput.node,
                "unpacked_bytes": throughput.unpacked_bytes,
                "stored_bytes": throughput.stored_bytes,
                "seconds": throughput.seconds,
                "bytes_per_second": round(throughput.bytes_per_second),
            }
            for throughput in chronicle.throughput
        ],
        "nodes": _nodes(chronicle),
        "prediction": plan.prediction.sentence,
        "events": _events(chronicle),
    }
    return json.dumps(fields, indent=2)


def todo_document(todo: Todo) -> Json:
    return {
        "kind": todo.kind.value,
        "sentence": todo.sentence,
        "command": todo.command,
        "frees_bytes": todo.frees_bytes,
    }


def objectives_document(chronicle: Chronicle) -> Json:
    """Each is null where nothing was agreed."""
    return {
        "downtime": _objective(downtime_objective(chronicle)),
        "data_loss": _objective(loss_objective(chronicle)),
    }


def _objective(objective: Objective | None) -> Json:
    return {"seconds": objective.seconds, "standing": objective.standing.value} if objective else None


def _span(span: Span) -> Json:
    return {
        "step": span.step.value,
        "node": span.node,
        "began": iso(span.began),
        "ended": iso(span.ended),
        "seconds": span.seconds,
        "state": span.state.value,
    }


def _decisions(chronicle: Chronicle) -> list[Json]:
    return [
        {
            "at": iso(decision.at),
            "step": decision.step.value if decision.step else None,
            "node": decision.node,
            "asked": decision.asked,
            "answer": decision.answer,
            "by": decision.by,
            "waited_seconds": decision.waited_seconds,
            "digest": decision.digest,
            "diff": decision.diff,
        }
        for decision in chronicle.decisions
    ]


def _checks(chronicle: Chronicle) -> list[Json]:
    return [
        {
            "at": iso(check.at),
            "step": check.step.value,
            "node": check.node,
            "holds": check.holds,
            "sentence": check.sentence,
            "evidence": dict(check.evidence),
        }
        for check in chronicle.checks
    ]


def _nodes(chronicle: Chronicle) -> list[Json]:
    return [
        {
            "name": node.name,
            "data": node.data.key if node.data else None,
            "config": node.config.key if node.config else None,
            "node_id": node.node_id,
            "signing": node.signing.action.value,
        }
        for node in chronicle.plan.nodes
    ]


def _events(chronicle: Chronicle) -> list[Json]:
    return [
        {
            "at": iso(event.at),
            "kind": event.kind.value,
            "step": event.step.value if event.step else None,
            "node": event.node,
            "message": event.message,
            "data": dict(event.data),
        }
        for event in chronicle.events
    ]
