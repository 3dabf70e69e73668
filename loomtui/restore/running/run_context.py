"""What every step of a run works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from loomtui.backups.catalogue import Catalogue
from loomtui.fleet.fleet import WritableFleet
from loomtui.inventory.model import Inventory
from loomtui.restore.events import Amount, Event, Json, StepName
from loomtui.restore.plan import NodePlan, Plan, Scope
from loomtui.restore.planning.command_line import plan_command
from loomtui.restore.planning.identities import Compared
from loomtui.restore.running.chain_watch import ChainWatch
from loomtui.restore.running.lock import is_held_by, take_lock
from loomtui.restore.running.node_run import NodeRun
from loomtui.restore.running.operator import Operator
from loomtui.restore.running.record_keeper import RecordKeeper
from loomtui.restore.running.task_failures import on_all

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
    generation: str = ""  # of the run in this machine's hands: see NodeRun
    left_out: set[str] = field(default_factory=set)
    compared: Compared | None = None  # identities, as the step before saw them
    watch: ChainWatch = field(init=False)
    keeper: RecordKeeper | None = None
    _node_runs: dict[str, NodeRun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.watch = ChainWatch(self.inventory, self.fleet, lambda: self.watched)

    @property
    def nodes(self) -> tuple[NodePlan, ...]:
        """The nodes that the run goes on with."""
        return tuple(node for node in self.plan.nodes if node.name not in self.left_out)

    @property
    def witness(self) -> NodePlan:
        """The node whose unpacked data is judged for all: one that has it before the stop, if any."""
        return next((node for node in self.nodes if node.gives_up is None), self.nodes[0])

    def new_plan(self) -> str:
        """What to do if this plan cannot be carried out any more.

        The choices that it was made with are kept.
        """
        return f"Roll back (loomtui rollback {self.run}), then make a new plan: {plan_command(self.plan)}"

    def node_run(self, name: str) -> NodeRun:
        plan, known = self.plan.node(name), self._node_runs.get(name)
        if known is None or known.plan is not plan:
            known = self._node_runs[name] = NodeRun(self.fleet.session(name), plan, self.run, self.generation)
        return known

    def all_node_runs(self) -> tuple[NodeRun, ...]:
        """Also of the nodes that are left out: they stay held."""
        return tuple(self.node_run(node.name) for node in self.plan.nodes)

    async def take(self, node_run: NodeRun) -> None:
        """Takes the node for the run, with the record in the same round trip. Raises as `take_lock`."""
        await (take_lock(node_run) if self.keeper is None else self.keeper.take(node_run))

    async def take_what_is_left(self) -> None:
        """Of a run that was taken over: what could not be reached then is still held as by the first loomtui.

        A node that cannot be had now either is met by the steps.
        """

        async def one(name: str) -> None:
            node_run = self.node_run(name)
            state = await node_run.state()
            owner = state.lock_owner
            if owner is not None and owner.run == self.run and not is_held_by(node_run, state):
                await self.take(node_run)

        await on_all([node.name for node in self.plan.nodes], one)

    def look_anew(self) -> None:
        """What was seen of the nodes no longer counts: something failed since."""
        self.compared = None
        for node_run in self._node_runs.values():
            node_run.forget()

    @property
    def watched(self) -> tuple[str, ...]:
        """In a restore of some nodes the others are watched too, because they are the chain."""
        if self.plan.scope is Scope.NODES:
            return tuple(name for name in self.inventory.names if name not in self.left_out)
        return tuple(node.name for node in self.nodes)
