"""Which of the records that the nodes hold of a run counts. Pure.

They are foreign data: each is validated as a whole, nothing of it is run, and where to connect is told by the
operator's own inventory alone. A record never outweighs what the nodes themselves show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loomtui.errors import LoomtuiError
from loomtui.inventory.model import Inventory
from loomtui.restore.events import Event, EventKind, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.planning.planfile import parse_plan
from loomtui.restore.record.run_journal import whole_events
from loomtui.restore.running.node_run import RunState
from loomtui.restore.takeover.seen import NodeRuns
from loomtui.wording.quantities import joined


@dataclass(frozen=True)
class Record:
    """A valid record, as one node holds it."""

    node: str
    plan: Plan
    events: tuple[Event, ...]
    parts: Mapping[str, bytes]


def read_records(
    run: str, nodes: Mapping[str, NodeRuns], inventory: Inventory
) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """The records that may count, the longest first, and what is wrong with the others, a sentence each."""
    records, faults = [], []
    for name, node in nodes.items():
        told = node.runs.get(run)
        if told is None:
            continue
        if told.odd is not None:
            faults.append(f"the record on {name} is passed over: {told.odd} was made by somebody else")
        elif told.parts:
            try:
                records.append(_record(run, name, told.parts, nodes, inventory))
            except LoomtuiError as error:
                faults.append(f"the record on {name} is passed over: {error.what}")
    longest = sorted(records, key=lambda record: (-len(record.events), record.node))
    return tuple(longest), tuple(faults)


def _record(
    run: str, name: str, parts: Mapping[str, bytes], nodes: Mapping[str, NodeRuns], inventory: Inventory
) -> Record:
    if not {"plan.yml", "journal.jsonl"} <= set(parts):
        raise LoomtuiError("a part of it is missing")
    plan = parse_plan(parts["plan.yml"], "its plan")
    if "first-plan.yml" in parts:
        parse_plan(parts["first-plan.yml"], "its first plan")
    _see_that_it_is_of(plan, nodes, inventory)
    return Record(name, plan, whole_events(run, parts["journal.jsonl"]), parts)


def _see_that_it_is_of(plan: Plan, nodes: Mapping[str, NodeRuns], inventory: Inventory) -> None:
    """Raises LoomtuiError: the plan is not for this inventory's cluster, its hosts, or where Loom lies."""
    if plan.cluster != inventory.cluster:
        raise LoomtuiError(f"its plan is for the cluster {plan.cluster}")
    for node in plan.nodes:
        if node.name not in inventory.names:
            raise LoomtuiError(f"its plan names {node.name}, which the inventory does not have")
        if node.address != inventory.node(node.name).peer_address:
            raise LoomtuiError(f"its plan has another address for {node.name} than the inventory")
        seen = nodes.get(node.name)
        if seen is not None and seen.directory != node.working_directory:
            raise LoomtuiError(f"its plan has another working directory for {node.name} than its unit")


def differences(records: Sequence[Record]) -> tuple[str, ...]:
    """Where the records of several nodes are not one history, a sentence each."""
    if not records:
        return ()
    longest = records[0]
    return tuple(
        f"the record on {other.node} tells something else than the one on {longest.node}, which is longer"
        for other in records[1:]
        if other.events != longest.events[: len(other.events)]
    )


def disagreement(plan: Plan, events: Iterable[Event], states: Mapping[str, RunState]) -> str | None:
    """What the nodes show that the record does not know of, or the other way round. None: they agree.

    A record may end before its run did. What a step did is looked at by that step again; but a run must not
    go on by a record that does not know that nodes were started, or that they were rolled back.
    """
    done = {event.step for event in events if event.kind is EventKind.STEP_DONE}
    begun = {event.step for event in events if event.kind is EventKind.STEP_STARTED}
    if StepName.DATA in done:
        without = [
            node.name
            for node in plan.nodes
            if node.data is not None
            and (state := states.get(node.name)) is not None
            and "data.swapped" not in state.marks
        ]
        if without:
            return f"by the record the data is in its place, and {joined(tuple(without))} shows otherwise"
    if StepName.STOP in done and StepName.START not in begun:
        lifted = [name for name, state in states.items() if state.was_active is not None and not state.held]
        if lifted:
            return f"the hold of {joined(tuple(lifted))} was lifted, and the record knows nothing of that"
    return None
