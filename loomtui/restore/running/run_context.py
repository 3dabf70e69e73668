"""What every step of a run works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from loomtui.backups.catalogue import Catalogue
from loomtui.fleet.fleet import WritableFleet
from loomtui.inventory.model import Inventory
from loomtui.restore.events import Amount, Event, Json, StepName
from loomtui.restore.plan import NodePlan, Plan
from loomtui.restore.planning.command_line import plan_command
from loomtui.restore.running.node_run import NodeRun
from loomtui.restore.running.operator import Operator

Tell = Callable[[StepName, str | None, str, dict[str, Json]], None]


@dataclass
class RunContext:
    """One run while a process works on it. `left_out` grows when the operator leaves a failed node out."""

    run: str
    plan: Plan
    inventory: Inventory
    fleet: WritableFleet
    catalogue: Catalogue
    operator: Operator
    progress: Callable[[StepName, str, Amount], None]
    note: Tell
    decided: Tell  # data: what was asked, what was answered, by whom
    events: Callable[[], tuple[Event, ...]]  # of the run so far
    left_out: set[str] = field(default_factory=set)

    @property
    def nodes(self) -> tuple[NodePlan, ...]:
        """The nodes that the run goes on with."""
        return tuple(node for node in self.plan.nodes if node.name not in self.left_out)

    def new_plan(self) -> str:
        """What to do if this plan cannot be carried out any more.

        The choices that it was made with are kept.
        """
        return f"Roll back (loomtui rollback {self.run}), then make a new plan: {plan_command(self.plan)}"

    def node_run(self, name: str) -> NodeRun:
        return NodeRun(self.fleet.session(name), self.plan.node(name), self.run)
