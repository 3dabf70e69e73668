"""Makes diagnoses from looks.

What the screens, `status` and a restore's last step tell is made here, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loomtui.fleet.probes.log_line import LogLine
from loomtui.fleet.probes.node_status import Active, NodeStatus
from loomtui.inventory.model import Inventory
from loomtui.loom.diagnosis import Cluster, Diagnosis, NodeEvidence, beyond, diagnose
from loomtui.loom.health import ClusterState, Verdict
from loomtui.loom.references import KeyReport


@dataclass(frozen=True)
class Findings:
    """What is asked once if something is wrong: whose references are wrong, and the last log lines."""

    keys: KeyReport | None = None
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


#: How many log lines a node are read for a cause. Older ones tell of other troubles.
LINES = 60
_OF_NOW = timedelta(minutes=15)


def recent_lines(log_lines: Iterable[LogLine], now: datetime) -> Mapping[str, tuple[str, ...]]:
    """The lines of each node that are new enough to tell what is wrong now."""
    lines: dict[str, tuple[str, ...]] = {}
    for line in log_lines:
        if not line.notice and now - line.at < _OF_NOW:
            lines[line.node] = (*lines.get(line.node, ()), line.text)
    return lines


def worth_asking(verdict: Verdict) -> bool:
    """Whether the verdict needs a cause. A first look at nodes that are just starting does not."""
    return verdict.state is not ClusterState.HEALTHY and (
        verdict.state is not ClusterState.UNKNOWN or verdict.waited
    )


def explained(
    inventory: Inventory,
    statuses: Mapping[str, NodeStatus],
    verdict: Verdict,
    findings: Findings,
) -> tuple[Diagnosis, ...]:
    """Why the cluster is as the verdict says, without what the verdict says itself."""
    if not worth_asking(verdict):
        return ()
    return beyond(verdict, diagnose(cluster_of(inventory, statuses, verdict, findings)))


def cluster_of(
    inventory: Inventory,
    statuses: Mapping[str, NodeStatus],
    verdict: Verdict | None,
    findings: Findings,
) -> Cluster:
    """Every node of the inventory, even those that were not looked at: nothing is known of them."""
    nodes = (_evidence(name, statuses.get(name), findings.lines.get(name, ())) for name in inventory.names)
    return Cluster(tuple(nodes), findings.keys, verdict)


def _evidence(name: str, status: NodeStatus | None, lines: tuple[str, ...]) -> NodeEvidence:
    if status is None:
        return NodeEvidence(name, lines=lines)
    flapping = status.service is not None and status.service.active is Active.FLAPPING
    return NodeEvidence(name, status.view, flapping, status.validator, lines)
