"""Made-up clusters in several states: what the fake engine answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from loomtui.backups.model import Backup, Contents, Item, Member, MemberType
from loomtui.engine.api import WatchedRun
from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.probes.holder import Holder
from loomtui.fleet.probes.log_tail import LogLine
from loomtui.fleet.probes.node_status import Active, NodeStatus
from loomtui.inventory.model import Inventory
from loomtui.loom.health import ClusterState, Verdict, judge_cluster
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.references import KeyReport, Mismatch, MismatchKind, compare
from loomtui.loom.units import EffectiveUnit, UnitFile, read_unit
from loomtui.restore.events import StepName
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import (
    Plan,
)
from loomtui.restore.planning.identities import ServiceFix
from loomtui.restore.record.run_store import RunSummary
from loomtui.restore.report import Chronicle
from loomtui.restore.takeover.known_runs import RunsOnNodes, SeenRun
from tests.screens import records
from tests.screens.basics import (
    CLUSTER,
    NAMES,
    NOW,
    UNIT_PATH,
    backups,
    contents,
    facts,
    fixes,
    inventory,
    logs,
    node_id,
    report,
    runs,
    status,
    stopped,
    unreachable,
)
from tests.screens.plans import plan


@dataclass(frozen=True)
class Scene:
    """Everything that an engine may be asked for."""

    inventory: Inventory
    statuses: Mapping[str, NodeStatus]
    verdict: Verdict
    backups: tuple[Backup, ...] = ()
    contents: Contents | LoomtuiError | None = None
    report: KeyReport = field(default_factory=lambda: KeyReport(True, (), ()))
    fixes: tuple[ServiceFix, ...] = ()
    unreachable: Mapping[str, LoomtuiError] = field(default_factory=dict)
    logs: tuple[LogLine, ...] = ()
    runs: tuple[RunSummary, ...] = ()
    plan: Plan | None = None
    watched: WatchedRun | None = None
    on_nodes: RunsOnNodes = field(default_factory=RunsOnNodes)
    chronicle: Chronicle | None = None  # of every run


def healthy(*, production: bool = True) -> Scene:
    listed = backups()
    return Scene(
        inventory(production=production),
        {name: status(name) for name in NAMES},
        Verdict(
            ClusterState.HEALTHY,
            "All 4 validators grow, with equal app hashes and all peers there.",
            (),
            True,
        ),
        listed,
        contents(listed[0]),
        report(),
        fixes(),
        logs=logs(),
        runs=runs(),
        plan=plan(),
        chronicle=records.whole_restore(),
    )


def degraded() -> Scene:
    statuses = {name: status(name) for name in NAMES}
    statuses["db2"] = stopped("db2")
    statuses["db3"] = unreachable("db3")
    reasons = ("db2 is stopped.", "db3 cannot be reached: no answer on port 22 within 15 s.")
    error = NodeUnreachable("no answer on port 22 within 15 s", node="db3")
    return replace(
        healthy(),
        statuses=statuses,
        verdict=Verdict(
            ClusterState.HALTED, "The chain stands still at 1,204,551: 2 of 4 can sign.", reasons
        ),
        report=report(wrong=True),
        fixes=fixes(wrong=True),
        unreachable={"db3": error},
        plan=plan(moves=False),
    )


def crashing() -> Scene:
    """Loom cannot start on any node."""
    statuses = {
        name: with_service(stopped(name), active=Active.FLAPPING, sub="auto-restart") for name in NAMES
    }
    return replace(healthy(), statuses=statuses, verdict=judged(statuses))


def held() -> Scene:
    """A run was interrupted between the stop and the start."""
    run = "20261122-020500-77aa"
    statuses = {name: with_service(stopped(name), held_by=run) for name in NAMES}
    return replace(healthy(), statuses=statuses, verdict=judged(statuses))


COLLEAGUES_RUN = "20261122-030000-ab12"


def seen_run(*, alive_seconds: int | None, generation: str = "") -> SeenRun:
    """Ann's run from another machine, as its nodes tell it."""
    holder = Holder(COLLEAGUES_RUN, generation, "ann", "desk-2", "2026-11-22T03:00:00+00:00")
    nodes = ("db1", "db2")
    return SeenRun(
        id=holder.run,
        holder=holder,
        held=nodes,
        nodes=nodes,
        started_at=datetime(2026, 11, 22, 3, 0, tzinfo=UTC),
        operator="ann@desk-2",
        last=None,
        step=StepName.DATA,
        outcome=None,
        alive_seconds=alive_seconds,
        has_record=True,
        claimed=holder.number,
        stopped=("db1",),
        changed=(),
    )


def of_a_colleague() -> Scene:
    """Somebody else restores two nodes from another machine, and is at work."""
    run, scene = seen_run(alive_seconds=5), held()
    assert run.holder is not None
    statuses = {
        name: replace(
            with_service(status, held_by=run.id) if name in run.held else healthy().statuses[name],
            lock=run.holder.words if name in run.held else None,
            holder=run.holder if name in run.held else None,
        )
        for name, status in scene.statuses.items()
    }
    return replace(scene, statuses=statuses, verdict=judged(statuses), on_nodes=RunsOnNodes((run,)))


def with_service(status: NodeStatus, **changes: Any) -> NodeStatus:
    assert status.service is not None
    return replace(status, service=replace(status.service, **changes))


def judged(statuses: Mapping[str, NodeStatus]) -> Verdict:
    """What the engine would say of one look."""
    return judge_cluster([[status.view for status in statuses.values()]], [NOW])


def scripted() -> Scene:
    """db2 is started by a program that cannot be read, so that whom it lists is not known."""
    scene = healthy()
    unit = read_unit(UNIT_PATH, "[Service]\nExecStart=/usr/local/bin/start-loom\n")
    nodes = [
        replace(node, unit=unit, connected=(node_id("db1"), node_id("db3"))) if node.name == "db2" else node
        for node in scene.report.nodes
    ]
    unknown = [one for one in compare(nodes).mismatches if one.kind is MismatchKind.PEERS_UNKNOWN]
    return replace(scene, report=KeyReport(True, tuple(nodes), tuple(unknown)))


def lost() -> Scene:
    """No node can be reached."""
    error = NodeUnreachable("no answer on port 22 within 15 s", node="db1")
    return replace(
        healthy(),
        statuses={name: unreachable(name) for name in NAMES},
        verdict=Verdict(ClusterState.UNREACHABLE, "No node can be reached."),
        report=KeyReport(True, (), ()),
        fixes=(),
        unreachable=dict.fromkeys(NAMES, error),
        logs=(),
    )


def empty() -> Scene:
    scene = healthy(production=False)
    return replace(
        scene,
        backups=(),
        contents=None,
        report=KeyReport(True, (), ()),
        fixes=(),
        logs=(),
        runs=(),
        plan=None,
    )


def hostile(text: str) -> Scene:
    """The text wherever it can come from elsewhere."""
    scene = degraded()
    statuses = {
        name: replace(original, error=text, version=text, lock=text, chain_error=text)
        for name, original in scene.statuses.items()
    }
    known = status("db1").chain
    assert known is not None
    chain = replace(known, moniker=text, network=text, version=text, app_hash=text)
    hostile_unit = EffectiveUnit((UnitFile(text, text),), problems=(text,))
    statuses["db1"] = replace(
        statuses["db1"], chain=chain, unit=hostile_unit, node_key=NodeKeyFacts(None, None, text)
    )
    hostile_mismatch = Mismatch(MismatchKind.BAD_ENTRY, "db1", "db2", text, text, text, text, True)
    hostile_backups = tuple(
        replace(original, key=f"{number}{text}", source=text) for number, original in enumerate(scene.backups)
    )
    hostile_contents = replace(
        contents(hostile_backups[0]),
        members=(Member(text, MemberType.SYMLINK, 1, text),),
        data_items=(Item(text, text),),
        config_items=(Item(text, text),),
        sha256=text,
        warnings=(text,),
    )
    facts1 = replace(facts("db1"), unit=hostile_unit, reported=None, reported_problem=text)
    return replace(
        scene,
        statuses=statuses,
        verdict=Verdict(ClusterState.DEGRADED, text, (text, text)),
        backups=hostile_backups,
        contents=hostile_contents,
        report=KeyReport(False, (facts1, facts("db2")), (hostile_mismatch,)),
        fixes=(ServiceFix("db1", text, "a", "b", text, text),),
        unreachable={"db3": NodeUnreachable(text, node="db3", safe=text, advice=text)},
        logs=tuple(LogLine(name, NOW, text, name) for name in NAMES),
        runs=(RunSummary("20261121-031415-ab12", CLUSTER, NOW, None, None, StepName.DATA, text),),
        plan=_hostile_plan(text),
        chronicle=records.hostile(text, _hostile_plan(text)),
    )


def _hostile_plan(text: str) -> Plan:
    usual = plan()
    node = usual.nodes[0]
    files = tuple(replace(choice, reason=text, diff=text, changes=True) for choice in node.files)
    signing = replace(node.signing, reason=text)
    hostile_node = replace(node, files=files, signing=signing, warnings=(text,), node_id=text, address=text)
    return replace(
        usual,
        nodes=(hostile_node, *usual.nodes[1:]),
        warnings=(Finding(FindingCode.NOT_TOLD, text, text, text),),
        prediction=replace(usual.prediction, sentence=text),
    )
