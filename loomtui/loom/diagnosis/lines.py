"""What the nodes' logs tell, without what the nodes themselves contradict by now."""

from __future__ import annotations

from collections.abc import Iterator

from loomtui.loom.databases import UNIT
from loomtui.loom.diagnosis.evidence import REFUSAL, Cluster, NodeEvidence
from loomtui.loom.diagnosis.model import Code, Diagnosis, Said
from loomtui.loom.logrules.rule import Denial
from loomtui.loom.logs import Explanation, Severity, explain
from loomtui.text import clean_line

UNIT_FILE = "the unit file"
_CODES = {
    Severity.CRITICAL: Code.LOG_DANGER,
    Severity.ERROR: Code.LOG_ERROR,
    Severity.WARNING: Code.LOG_WARNING,
}


def from_logs(cluster: Cluster, severity: Severity) -> Iterator[Diagnosis]:
    """One cause for each kind of message and node, with its last line."""
    for node in cluster.nodes:
        last: dict[str, tuple[Explanation, str]] = {}
        for line in node.lines:
            explanation = explain(line)
            if explanation is None or explanation.severity is not severity or REFUSAL.search(line):
                continue
            if not _denied(explanation.denied_by, node, cluster):
                last[explanation.title] = (explanation, clean_line(line, limit=300))
        for explanation, line in last.values():
            meaning = f"{explanation.title} on {node.name}: {explanation.meaning}"
            file = UNIT_FILE if explanation.file == UNIT else explanation.file
            evidence = (Said(node.name, line),)
            yield Diagnosis(_CODES[severity], (node.name,), meaning, explanation.advice, evidence, file)


def _denied(by: Denial, node: NodeEvidence, cluster: Cluster) -> bool:
    """Whether the node, as it is now, contradicts a line of its log, which may be older."""
    connections = cluster.connections.get(node.name)
    match by:
        case Denial.NOTHING:
            return False
        case Denial.ANSWERS:
            return node.active and not node.flapping and node.height is not None
        case Denial.GROWS:
            return cluster.grows(node.name)
        case Denial.ANY_PEER:
            return bool(node.view and node.view.peers)
        case Denial.ALL_PEERS:
            return connections is not None and connections.complete and connections.expected > 0
