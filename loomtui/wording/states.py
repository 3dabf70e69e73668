"""States and choices in words: of services, nodes, clusters, runs and plans."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from loomtui.backups.prepared.reference import ManifestRef, PreparedState
from loomtui.fleet.probes.node_status import Active, NodeStatus, ServiceState
from loomtui.loom.health import ClusterState
from loomtui.restore.choices import BackupPolicy
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.plan import FileAction, Scope
from loomtui.wording.quantities import time_of


class Grade(Enum):
    """What a state means for the reader. Screens and command line colour by it."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    BUSY = "busy"  # something is done just now
    OPEN = "open"  # nothing can be told yet


@dataclass(frozen=True)
class StateWord:
    """A sign and a word, because no state is told by colour alone."""

    symbol: str
    word: str
    grade: Grade

    def __str__(self) -> str:
        return f"{self.symbol} {self.word}"


_SERVICES = {
    Active.ACTIVE: StateWord("●", "running", Grade.GOOD),
    Active.INACTIVE: StateWord("■", "stopped", Grade.WARN),
    Active.FAILED: StateWord("✗", "failed", Grade.BAD),
    Active.ACTIVATING: StateWord("◌", "starting", Grade.WARN),
    Active.DEACTIVATING: StateWord("◌", "stopping", Grade.WARN),
    Active.RELOADING: StateWord("◌", "reloading", Grade.WARN),
    Active.FLAPPING: StateWord("↻", "restarting", Grade.BAD),
    Active.UNKNOWN: StateWord("?", "unknown", Grade.WARN),
}

_CLUSTERS = {
    ClusterState.HEALTHY: StateWord("●", "HEALTHY", Grade.GOOD),
    ClusterState.DEGRADED: StateWord("▲", "DEGRADED", Grade.WARN),
    ClusterState.HALTED: StateWord("✗", "HALTED", Grade.BAD),
    ClusterState.CRASHING: StateWord("↻", "CRASHING", Grade.BAD),
    ClusterState.STOPPED: StateWord("■", "STOPPED", Grade.WARN),
    ClusterState.UNREACHABLE: StateWord("✗", "UNREACHABLE", Grade.BAD),
    ClusterState.UNKNOWN: StateWord("?", "NOT KNOWN YET", Grade.OPEN),
}

_OUTCOMES = {
    Outcome.RESTORED: StateWord("✓", "restored", Grade.GOOD),
    Outcome.STOPPED: StateWord("■", "stopped", Grade.WARN),
    Outcome.ROLLED_BACK: StateWord("↶", "rolled back", Grade.WARN),
    None: StateWord("▲", "unfinished", Grade.BAD),
}

_OUTCOME_SENTENCES = {
    Outcome.RESTORED: "restored: the chain moves",
    Outcome.STOPPED: "stopped; it can be resumed or rolled back",
    Outcome.ROLLED_BACK: "rolled back",
    None: "interrupted, or still going on",
}

AT_WORK = StateWord("▶", "at work", Grade.BUSY)

STEP_TITLES = {
    StepName.PREFLIGHT: "Preflight",
    StepName.STOP: "Stop all",
    StepName.DATA: "Restore data",
    StepName.CONFIG: "Restore config",
    StepName.NODE_KEYS: "Compare node keys",
    StepName.SERVICES: "Fix services",
    StepName.START: "Start all",
    StepName.VERIFY: "Verify",
}

#: What becomes of backup.sh on the nodes; short enough for one line of a low terminal.
POLICIES = {
    BackupPolicy.WAIT: "suspended meanwhile; one that runs is waited for",
    BackupPolicy.STOP: "suspended meanwhile; one that runs is ended, its backup is lost",
    BackupPolicy.LEAVE: "left alone: it cannot start a node, may upload what is half done",
}

#: What becomes of a file of a node.
FILE_ACTIONS = {
    FileAction.RESTORE: "from the backup",
    FileAction.KEEP: "the node's own stays",
    FileAction.SET_ASIDE: "set aside, nothing takes its place",
    FileAction.RESET: "reset",
    FileAction.RAISE: "raised",
}

#: Of a plan.
SCOPES = {
    Scope.CLUSTER: "the whole cluster goes back together",
    Scope.NODES: "some nodes of a chain that lives on",
}

#: What lies beside a backup in S3.
PREPARED_STATES = {
    PreparedState.NONE: "not prepared",
    PreparedState.MANIFEST: "prepared, without a twin",
    PreparedState.TWIN: "prepared, with a twin",
}


def prepared_words(manifest: ManifestRef, *, has_twin: bool) -> str:
    """prepared, with a twin, on 2026-11-29 03:00:00 UTC by root@depot."""
    words = PREPARED_STATES[PreparedState.TWIN if has_twin else PreparedState.MANIFEST]
    when = f" on {time_of(manifest.made_at)}" if manifest.made_at is not None else ""
    return f"{words},{when} by {manifest.made_by}" if manifest.made_by else f"{words}{when}"


#: In a drill, where the production mark stands otherwise.
PRACTICE_MARK = "◆ PRACTICE"


def production_mark(production: bool) -> str:
    return "▲ PRODUCTION" if production else "○ not production"


def service_state(service: ServiceState | None) -> StateWord:
    if service is None:
        return _SERVICES[Active.UNKNOWN]
    if service.load_state == "not-found":
        return StateWord("✗", "no unit", Grade.BAD)
    if service.load_state == "masked":
        return StateWord("⊘", "masked", Grade.BAD)
    if service.held_by and service.active in (Active.INACTIVE, Active.FAILED):
        return StateWord("⊘", "held", Grade.WARN)
    return _SERVICES[service.active]


def node_state(status: NodeStatus | None) -> StateWord:
    """The state of the node's service, if nothing more can be said of the node."""
    if status is None:
        return StateWord("◌", "connecting", Grade.OPEN)
    if not status.reachable:
        return StateWord("✗", "refused" if status.refused else "unreachable", Grade.BAD)
    state = service_state(status.service)
    if state.word != "running":
        return state
    if status.chain is None:
        return StateWord("◐", "no answer", Grade.WARN)
    return StateWord("↻", "catching up", Grade.WARN) if status.chain.catching_up else state


def cluster_state(state: ClusterState) -> StateWord:
    return _CLUSTERS[state]


def outcome_state(outcome: Outcome | None) -> StateWord:
    """None means that the run has not ended."""
    return _OUTCOMES[outcome]


def outcome_words(outcome: Outcome | None) -> str:
    """The outcome of a run, in a few more words."""
    return _OUTCOME_SENTENCES[outcome]
