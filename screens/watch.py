"""What was last seen of each node, and what that says of the cluster. A plain class: screens only read it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from loomtui.fleet.status import ClusterStatus, NodeStatus
from loomtui.inventory.model import Inventory
from loomtui.loom.health import ClusterState, Verdict

#: Looks of the whole cluster that a verdict is made from: half a minute at one look in two seconds.
_KEPT_LOOKS = 15
_APART = timedelta(seconds=1.5)


class Watch:
    """Each node is polled by itself, so that one that hangs never holds up the others' rows."""

    def __init__(self, inventory: Inventory, judge: Callable[[Sequence[ClusterStatus]], Verdict]) -> None:
        self._inventory = inventory
        self._judge = judge
        self._looks: deque[ClusterStatus] = deque(maxlen=_KEPT_LOOKS)
        self.latest: dict[str, NodeStatus] = {}
        self.verdict = Verdict(ClusterState.UNKNOWN, "Connecting to the nodes.")

    def saw(self, status: NodeStatus, now: datetime) -> None:
        self.latest[status.name] = status
        missing = [name for name in self._inventory.names if name not in self.latest]
        if missing:
            answered = f"{len(self.latest)} of {len(self._inventory.names)} nodes looked at so far."
            self.verdict = Verdict(ClusterState.UNKNOWN, answered)
        elif not self._looks or now - self._looks[-1].at >= _APART:
            nodes = tuple(self.latest[name] for name in self._inventory.names)
            self._looks.append(ClusterStatus(now, nodes))
            self.verdict = self._judge(tuple(self._looks))
