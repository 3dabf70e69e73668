"""What the engine found, as JSON. The field names are a contract with the programs that read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from loomtui.loom.diagnosis import headline
from loomtui.wording.quantities import iso

if TYPE_CHECKING:
    from loomtui.backups.model import Backup, Contents, Damaged, Member
    from loomtui.backups.prepared.preparing import PreparedBackup
    from loomtui.backups.prepared.pruning import Prunable
    from loomtui.errors import LoomtuiError
    from loomtui.fleet.probes.log_line import LogLine
    from loomtui.fleet.probes.node_status import ClusterStatus, NodeStatus, ServiceState
    from loomtui.inventory import Inventory
    from loomtui.loom.connected import Connections
    from loomtui.loom.diagnosis import Diagnosis
    from loomtui.loom.health import Verdict
    from loomtui.loom.references import KeyReport, Mismatch, NodeFacts
    from loomtui.restore.events import Event, Outcome
    from loomtui.restore.plan import Plan
    from loomtui.restore.planning.identities import ServiceFix
    from loomtui.restore.record.run_store import Run, RunSummary
    from loomtui.restore.report import StepTiming
    from loomtui.restore.takeover.known_runs import RunsOnNodes, SeenRun

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Document: TypeAlias = dict[str, Json]
Failed: TypeAlias = "Mapping[str, LoomtuiError]"  # why nodes could not be looked at, by name


def status_document(
    inventory: Inventory, status: ClusterStatus, verdict: Verdict, causes: Sequence[Diagnosis] = ()
) -> Document:
    head = headline(verdict, causes)
    return {
        "cluster": inventory.cluster,
        "production": inventory.production,
        "at": iso(status.at),
        "state": verdict.state.value,
        "sentence": verdict.sentence,
        "reasons": list(verdict.reasons),
        "headline": head.sentence,
        "do_next": [way.value for way in head.ways],
        "diagnoses": [_diagnosis(cause) for cause in causes],
        "nodes": [_node(node, status.connections(node.name)) for node in status.nodes],
    }


def _diagnosis(cause: Diagnosis) -> Document:
    return {
        "code": cause.code.value,
        "nodes": list(cause.nodes),
        "file": cause.file or None,
        "meaning": cause.meaning,
        "evidence": [str(fact) for fact in cause.evidence],
        "act": cause.advice.act.value,
        "advice": cause.advice.text,
    }


def _connections(connections: Connections | None) -> Json:
    """The peers by identity, or null if the node did not tell them."""
    if connections is None:
        return None
    return {
        "seen": list(connections.seen),
        "missing": list(connections.missing),
        "untold": list(connections.untold),
        "others": list(connections.others),
        "strangers": list(connections.strangers),
    }


def _node(node: NodeStatus, connections: Connections | None) -> Document:
    chain, key, validator = node.chain, node.node_key, node.validator
    return {
        "name": node.name,
        "role": node.role.value,
        "reachable": node.reachable,
        "error": node.error,
        "service": _service(node.service) if node.service else None,
        "node_id": key.node_id if key else None,
        "validator": validator.address if validator else None,
        "height": chain.height if chain else None,
        "app_hash": chain.app_hash if chain else None,
        "block_time": iso(chain.block_time) if chain else None,
        "catching_up": chain.catching_up if chain else None,
        "peers": chain.peers if chain else None,
        "connections": _connections(connections),
        "voting_power": chain.voting_power if chain else None,
        "moved": {led.key: led.path for led in node.led},
        "missing_databases": None if node.missing_databases is None else list(node.missing_databases),
        "chain_error": node.chain_error,
        "disk_free_bytes": node.disk_free_bytes,
        "disk_total_bytes": node.disk_total_bytes,
        "load_average": node.load_average,
        "version": node.version,
        "clock_offset_seconds": node.clock_offset_seconds,
        "lock": node.lock,
        "suspended": list(node.suspended),
    }


def _service(service: ServiceState) -> Document:
    return {
        "unit": service.unit,
        "active": service.active.value,
        "sub": service.sub,
        "since": iso(service.since),
        "main_pid": service.main_pid,
        "restarts": service.restarts,
        "need_reload": service.need_reload,
        "held_by": service.held_by,
        "held_since": iso(service.held_since),
        "hold": service.hold,
    }


def backup_document(backup: Backup) -> Document:
    return {
        "key": backup.key,
        "source": backup.source,
        "taken_at": iso(backup.taken_at),
        "taken_by": backup.taken_by.value,
        "utc_offset_minutes": None
        if backup.utc_offset is None
        else backup.utc_offset // timedelta(minutes=1),
        "last_modified": iso(backup.last_modified),
        "size_bytes": backup.size_bytes,
        "kind": backup.kind.value,
        "certain": backup.certain,
        "compression": backup.compression.value if backup.compression else None,
        "etag": backup.etag,
        "fault": {"kind": backup.fault.kind.value, "reason": backup.fault.reason} if backup.fault else None,
        "prepared": backup.prepared.value,
    }


def contents_document(contents: Contents, *, members: bool) -> Document:
    key, validator = contents.node_key, contents.validator
    signing = validator.signing if validator else None
    document: Document = {
        **backup_document(contents.backup),
        "sha256": contents.sha256,
        "file_count": contents.file_count,
        "unpacked_bytes": contents.unpacked_bytes,
        "data": [item.target for item in contents.data_items],
        "config": [item.target for item in contents.config_items],
        "app_height": contents.app_height,
        "state_height": contents.state_height,
        "store_height": contents.store_height,
        "node_id": key.node_id if key else None,
        "validator": validator.address if validator else None,
        "last_signed_height": signing.height if signing else None,
        "warnings": list(contents.warnings),
    }
    if members:
        document["members"] = _members(contents.members)
    return document


def damaged_document(damaged: Damaged, *, members: bool) -> Document:
    """What can still be told of an archive that must not be restored; `fault` says why."""
    document = backup_document(damaged.backup)
    if members:
        document["members"] = _members(damaged.members)
    return document


def _members(members: Iterable[Member]) -> list[Json]:
    return [{"path": member.path, "type": member.type.value, "size_bytes": member.size} for member in members]


def prepared_document(done: PreparedBackup) -> Document:
    """What came of preparing one backup."""
    return {
        "key": done.key,
        "outcome": done.preparation.value,
        "reason": done.reason or None,
        "prepared": done.state.value,
        "read_bytes": done.read_bytes,
        "uploaded_bytes": done.uploaded_bytes,
    }


def prunable_document(found: Prunable, *, removed: bool) -> Document:
    return {
        "removed": removed,
        "manifests": [one.key for one in found.manifests],
        "parts": [one.key for one in found.parts],
        "size_bytes": found.size_bytes,
        "young_parts": found.young_parts,
        "unread_manifests": list(found.unread),
    }


def keys_document(inventory: Inventory, report: KeyReport, failed: Failed) -> Document:
    facts = {node.name: node for node in report.nodes}
    return {
        "cluster": inventory.cluster,
        "ok": report.ok and not failed and not report.unknown,
        "nodes": [
            {
                "name": node.name,
                "role": node.role.value,
                **_identity(facts.get(node.name)),
                **_error_of(failed, node.name),
            }
            for node in inventory.nodes
        ],
        "mismatches": [_mismatch(mismatch) for mismatch in report.mismatches],
    }


def _identity(node: NodeFacts | None) -> Document:
    return {
        "address": node.address if node else None,
        "port": node.p2p_port if node else None,
        "node_id": node.node_id if node else None,
        "reported": node.reported if node else None,
        "reported_problem": node.reported_problem if node else None,
        "peers_known": node.peers_known if node else None,
        "connected": list(node.connected) if node and node.connected is not None else None,
    }


def _error_of(failed: Failed, name: str) -> Document:
    return {"error": str(failed[name]) if name in failed else None}


def _mismatch(mismatch: Mismatch) -> Document:
    return {
        "kind": mismatch.kind.value,
        "on": mismatch.on,
        "about": mismatch.about,
        "expected": mismatch.expected,
        "found": mismatch.found,
        "where": mismatch.where,
        "message": mismatch.message,
        "blocking": mismatch.blocking,
    }


def services_document(
    inventory: Inventory, report: KeyReport, fixes: Iterable[ServiceFix], failed: Failed
) -> Document:
    facts = {node.name: node for node in report.nodes}
    by_node = {fix.node: fix for fix in fixes}
    nodes = [
        {"name": name, **_service_fix(facts.get(name), by_node.get(name)), **_error_of(failed, name)}
        for name in inventory.names
    ]
    ok = set(by_node) == set(inventory.names) and not any(fix.needed for fix in by_node.values())
    return {"cluster": inventory.cluster, "ok": ok, "nodes": list(nodes)}


def _service_fix(node: NodeFacts | None, fix: ServiceFix | None) -> Document:
    unit = node.unit if node else None
    return {
        "unit": fix.path if fix else None,
        "files": [file.path for file in unit.files] if unit else [],
        "changes": fix.before != fix.after if fix else None,
        "problem": fix.problem if fix else None,
        "peers_unknown": (unit.peers_unknown or None) if unit else None,
        "diff": fix.diff if fix else "",
    }


def log_document(line: LogLine) -> Document:
    return {"node": line.node, "at": iso(line.at), "text": line.text, "notice": line.notice}


def run_document(run: RunSummary) -> Document:
    return {
        "id": run.id,
        "cluster": run.cluster,
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "outcome": run.outcome.value if run.outcome else None,
        "last_step": run.last_step.value if run.last_step else None,
        "operator": run.operator,
    }


def runs_on_nodes_document(told: RunsOnNodes) -> Document:
    return {
        "runs": [seen_run_document(run) for run in told.runs],
        "silent": dict(told.silent),
        "odd_locks": dict(told.odd_locks),
    }


def seen_run_document(run: SeenRun) -> Document:
    """A run as the nodes tell it."""
    holder = run.holder
    return {
        "id": run.id,
        "held_by": {"who": holder.who, "from": holder.place, "since": holder.since} if holder else None,
        "taken_over": run.claimed - 1,  # how often
        "started_at": iso(run.started_at),
        "operator": run.operator,
        "holds": list(run.held),
        "nodes": list(run.nodes),
        "last_step": run.step.value if run.step else None,
        "last_event": event_document(run.last) if run.last else None,
        "outcome": run.outcome.value if run.outcome else None,
        "alive_seconds": run.alive_seconds,
    }


def event_document(event: Event) -> Document:
    return {
        "seq": event.seq,
        "at": iso(event.at),
        "run": event.run,
        "kind": event.kind.value,
        "step": event.step.value if event.step else None,
        "node": event.node,
        "message": event.message,
        "data": dict(event.data),
    }


def plan_document(plan: Plan) -> Document:
    """The plan's own fields, with refusals and warnings for reading, and the same typed as `findings`."""
    from pydantic import TypeAdapter

    from loomtui.restore.findings import texts_of
    from loomtui.restore.plan import Plan

    document: Document = TypeAdapter(Plan).dump_python(plan, mode="json")
    sentences = {"refusals": texts_of(plan.refusals), "warnings": texts_of(plan.warnings)}
    return {
        **document,
        **{name: list(texts) for name, texts in sentences.items()},
        "offer": plan.offer.value,
        "findings": {name: document[name] for name in sentences},
    }


def outcome_document(run: Run, outcome: Outcome | None, error: str | None) -> Document:
    """The last line of a run without a screen."""
    from loomtui.restore.report import chronicle_of, still_to_do
    from loomtui.restore.report.run_document import objectives_document, todo_document

    chronicle = chronicle_of(run)
    times = chronicle.timings
    return {
        "run": run.id,
        "cluster": run.plan.cluster,
        "outcome": outcome.value if outcome else None,
        "downtime_seconds": times.downtime_seconds,
        "data_loss_seconds": times.data_loss_seconds,
        "data_loss_blocks": times.lost_blocks,
        "objectives": objectives_document(chronicle),
        "still_to_do": [todo_document(todo) for todo in still_to_do(chronicle)],
        "steps": steps_document(times.steps),
        "error": error,
    }


def steps_document(steps: Iterable[StepTiming]) -> list[Json]:
    return [{"name": step.name.value, "seconds": step.seconds, "outcome": step.outcome} for step in steps]
