"""What was seen of each node, and what that says of the cluster.

This is a plain class that screens only read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from loomtui.fleet.probes.findings import Findings, explained, worth_asking
from loomtui.fleet.probes.node_status import ClusterStatus, NodeStatus
from loomtui.inventory.model import Inventory
from loomtui.loom.connected import Connections, Roster
from loomtui.loom.diagnosis import Diagnosis
from loomtui.loom.health import ClusterState, Verdict
from loomtui.restore.takeover.known_runs import RunsOnNodes
from screens.health.trend import Trend

#: Looks of the whole cluster that a verdict is made from: half a minute at one look in two seconds.
_KEPT_LOOKS = 15
_APART = timedelta(seconds=1.5)


class Watch:
    """Each node is polled by itself, so that one that hangs never holds up the others' rows."""

    def __init__(self, inventory: Inventory, judge: Callable[[Sequence[ClusterStatus]], Verdict]) -> None:
        self._inventory = inventory
        self._judge = judge
        self._looks: deque[ClusterStatus] = deque(maxlen=_KEPT_LOOKS)
        self._findings = Findings()
        self._roster: Roster | None = None  # of the latest statuses, made when it is asked for
        self.latest: dict[str, NodeStatus] = {}
        self.trends: dict[str, Trend] = {name: Trend() for name in inventory.names}
        self.verdict = Verdict(ClusterState.UNKNOWN, "Connecting to the nodes.")
        self.causes: tuple[Diagnosis, ...] = ()
        self.elsewhere = RunsOnNodes()  # of other machines, as far as they hold nodes

    @property
    def highest(self) -> int | None:
        """The height of the node that is ahead."""
        return max((status.chain.height for status in self.latest.values() if status.chain), default=None)

    def connections(self, name: str) -> Connections | None:
        """Whom a node is connected to, or None if it did not tell."""
        if name not in self.latest:
            return None
        if self._roster is None:
            self._roster = Roster(status.view for status in self.latest.values())
        return self._roster.connections(self.latest[name].view)

    def record(self, status: NodeStatus, now: datetime) -> None:
        self.latest[status.name] = status
        self._roster = None
        self.trends[status.name].add(status.at, status.chain.height if status.chain else None)
        missing = [name for name in self._inventory.names if name not in self.latest]
        if missing:
            progress = f"{len(self.latest)} of {len(self._inventory.names)} nodes looked at so far."
            self.verdict = Verdict(ClusterState.UNKNOWN, progress)
        elif not self._looks or now - self._looks[-1].at >= _APART:
            statuses = tuple(self.latest[name] for name in self._inventory.names)
            self._looks.append(ClusterStatus(now, statuses))
            self.verdict = self._judge(tuple(self._looks))
            self._explain()

    def take_findings(self, findings: Findings) -> None:
        self._findings = findings
        self._explain()

    def _explain(self) -> None:
        if not worth_asking(self.verdict):
            self._findings = Findings()
        self.causes = explained(self._inventory, self.latest, self.verdict, self._findings)
