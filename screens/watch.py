"""What was seen of each node, and what that says of the cluster. A plain class: screens only read it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loomtui.fleet.status import Active, ClusterStatus, NodeStatus
from loomtui.inventory.model import Inventory
from loomtui.loom.diagnosis import Diagnosis, NodeEvidence, diagnose
from loomtui.loom.health import ClusterState, Verdict
from loomtui.loom.references import KeyReport
from screens.trend import Trend

#: Looks of the whole cluster that a verdict is made from: half a minute at one look in two seconds.
_KEPT_LOOKS = 15
_APART = timedelta(seconds=1.5)
_TO_EXPLAIN = frozenset({ClusterState.HALTED, ClusterState.DEGRADED})


@dataclass(frozen=True)
class Findings:
    """What is asked once when something is wrong: whose references are wrong, and the last log lines."""

    keys: KeyReport | None = None
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Watch:
    """Each node is polled by itself, so that one that hangs never holds up the others' rows."""

    def __init__(self, inventory: Inventory, judge: Callable[[Sequence[ClusterStatus]], Verdict]) -> None:
        self._inventory = inventory
        self._judge = judge
        self._looks: deque[ClusterStatus] = deque(maxlen=_KEPT_LOOKS)
        self._findings = Findings()
        self.latest: dict[str, NodeStatus] = {}
        self.trends: dict[str, Trend] = {name: Trend() for name in inventory.names}
        self.verdict = Verdict(ClusterState.UNKNOWN, "Connecting to the nodes.")
        self.causes: tuple[Diagnosis, ...] = ()

    @property
    def highest(self) -> int | None:
        """The height of the node that is ahead."""
        return max((status.chain.height for status in self.latest.values() if status.chain), default=None)

    def saw(self, status: NodeStatus, now: datetime) -> None:
        self.latest[status.name] = status
        self.trends[status.name].take(status.at, status.chain.height if status.chain else None)
        missing = [name for name in self._inventory.names if name not in self.latest]
        if missing:
            answered = f"{len(self.latest)} of {len(self._inventory.names)} nodes looked at so far."
            self.verdict = Verdict(ClusterState.UNKNOWN, answered)
        elif not self._looks or now - self._looks[-1].at >= _APART:
            nodes = tuple(self.latest[name] for name in self._inventory.names)
            self._looks.append(ClusterStatus(now, nodes))
            self.verdict = self._judge(tuple(self._looks))
            self._explain()

    def learn(self, findings: Findings) -> None:
        self._findings = findings
        self._explain()

    def _explain(self) -> None:
        """A cause that the verdict names already is not told twice."""
        if self.verdict.state not in _TO_EXPLAIN:
            self.causes, self._findings = (), Findings()
            return
        evidence = [self._evidence(status) for status in self.latest.values()]
        found = diagnose(evidence, self._findings.keys)
        self.causes = tuple(cause for cause in found if cause.cause not in self.verdict.reasons)

    def _evidence(self, status: NodeStatus) -> NodeEvidence:
        return NodeEvidence(
            status.name,
            status.view,
            status.service is not None and status.service.active is Active.FLAPPING,
            status.validator,
            self._findings.lines.get(status.name, ()),
        )
