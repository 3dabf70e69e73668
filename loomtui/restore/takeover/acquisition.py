"""Takes a run over to this machine: from then on it is carried on, and taken back, from here alone."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from loomtui.errors import CallError, LockHeld, LoomtuiError, NodeUnreachable, Refused
from loomtui.fleet.fleet import WritableFleet
from loomtui.inventory.model import Inventory
from loomtui.restore.events import EventKind
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.running.node_run import NodeRun, RunState
from loomtui.restore.running.record_keeper import RecordKeeper
from loomtui.restore.running.task_failures import on_all
from loomtui.restore.takeover.known_runs import SeenRun, ways_without_record
from loomtui.restore.takeover.records import Record, differences, disagreement, read_records
from loomtui.restore.takeover.seen import NodeRuns, look_at_runs, seen_runs
from loomtui.wording.quantities import joined


@dataclass(frozen=True)
class FoundRun:
    """A run as its nodes tell it, before it is taken over."""

    seen: SeenRun
    record: Record | None  # the one that counts; None: no node has a valid one
    remarks: tuple[str, ...]  # what is not known, or not as it should be, a sentence each
    disagreement: str | None  # why it must not go on by its record; it can be rolled back all the same


@dataclass(frozen=True)
class TakenRun:
    run: Run
    nodes: tuple[str, ...]  # that this machine holds now
    missing: Mapping[str, LoomtuiError]  # that could not be taken


async def find_run(fleet: WritableFleet, inventory: Inventory, run: str | None) -> FoundRun:
    """The run of this name, or the only one that holds nodes. Only looks. Raises CallError, LoomtuiError."""
    wanted = run if run is not None else await _only_one(fleet)
    nodes, failures = await look_at_runs(fleet, wanted)
    seen = next((one for one in seen_runs(nodes) if one.id == wanted), None)
    if seen is None:
        raise _not_found(wanted, nodes, failures)
    records, faults = read_records(wanted, nodes, inventory)
    remarks = [f"{name} cannot be asked: {error.what}" for name, error in failures.items()]
    remarks += [f"{name} tells nothing without root rights" for name, node in nodes.items() if node.closed]
    remarks += [*faults, *differences(records)]
    record, why = None, None
    for candidate in records:
        states = await _states(fleet, seen, candidate)
        why = disagreement(candidate.plan, candidate.events, states)
        record = candidate
        if why is None:
            break
    else:
        record = records[0] if records else None
    return FoundRun(seen, record, tuple(remarks), why)


async def _only_one(fleet: WritableFleet) -> str:
    nodes, failures = await look_at_runs(fleet)
    holding = [one.id for one in seen_runs(nodes) if one.held]
    if len(holding) == 1:
        return holding[0]
    if not holding:
        raise _not_found(None, nodes, failures)
    raise CallError(
        f"several runs hold nodes: {joined(tuple(holding))}",
        advice="Name one: loomtui take-over RUN",
    )


def _not_found(
    run: str | None, nodes: Mapping[str, NodeRuns], failures: Mapping[str, LoomtuiError]
) -> LoomtuiError:
    if not nodes:
        return NodeUnreachable(f"no node can be asked: {next(iter(failures.values())).what}")
    what = f"no node knows the run {run}" if run is not None else "no run holds a node"
    return CallError(
        f"{what}{f' ({joined(tuple(failures))} cannot be asked)' if failures else ''}",
        advice="All that the nodes know: loomtui runs --on-nodes",
    )


async def _states(fleet: WritableFleet, seen: SeenRun, record: Record) -> Mapping[str, RunState]:
    """How the nodes stand that the run holds, as far as they can be asked."""
    names = [node.name for node in record.plan.nodes if node.name in seen.held]
    states, _ = await on_all(
        names, lambda name: NodeRun(fleet.session(name), record.plan.node(name), seen.id).state()
    )
    return states


def see_that_it_may_be(found: FoundRun, *, although_at_work: bool) -> Record:
    """The record to go by. Raises Refused: somebody works on the run, or there is no record of it."""
    seen, person = found.seen, found.seen.person
    if seen.is_alive and not although_at_work:
        raise Refused(
            f"{person} works on run {seen.id}: its last sign of life is {seen.alive_seconds} s old",
            advice=f"Call {person}. If nobody can be at work there any more, wait a minute, or give the "
            "cluster's name: --although-at-work CLUSTER",
        )
    if found.record is None:
        raise Refused(
            f"no node has a record of run {seen.id} that can be used; {person} holds {joined(seen.held)}",
            safe=seen.done,
            advice=ways_without_record(seen.id),
        )
    return found.record


async def take_run(
    fleet: WritableFleet, inventory: bytes, found: FoundRun, record: Record, operator: str
) -> TakenRun:
    """Makes the run this machine's own, and takes its nodes, the first one alone: of two who try, one wins.

    `inventory`: the text by which this machine reaches the nodes, kept with the run.
    Raises LockHeld where somebody was quicker, and NodeUnreachable where no node could be taken: then nothing
    is left of it here.
    """
    store, seen = RunStore(), found.seen
    generation = f"{seen.claimed + 1}-{secrets.token_hex(4)}"
    _see_that_it_is_not_ours(store, seen)
    run = store.adopt(seen.id, record.parts, inventory, generation)
    try:
        _note(run, found, operator)
        names = [node.name for node in record.plan.nodes if node.name in seen.held]
        taken, missing = await _take_nodes(fleet, run, names, generation)
    except BaseException:
        store.give_up(run)
        raise
    return TakenRun(run, taken, missing)


def _see_that_it_is_not_ours(store: RunStore, seen: SeenRun) -> None:
    if seen.holder is None or not store.has(seen.id):
        return
    here = store.open(seen.id)
    if here.is_worked_on():
        raise LockHeld(f"run {seen.id} is being worked on by another loomtui on this machine")
    if here.generation == seen.holder.generation:
        raise CallError(
            f"run {seen.id} is in this machine's hands already",
            advice=f"Go on with: loomtui resume {seen.id}, or loomtui rollback {seen.id}",
        )


def _note(run: Run, found: FoundRun, operator: str) -> None:
    before = found.seen.holder.person if found.seen.holder is not None else "nobody"
    journal = run.journal()
    try:
        journal.write(
            EventKind.RUN_TAKEN_OVER,
            f"run taken over by {operator}; {before} held it",
            data={
                "operator": operator,
                "host": socket.gethostname(),
                "before": before,
                "remarks": list(found.remarks),
            },
        )
    finally:
        journal.close()


async def _take_nodes(
    fleet: WritableFleet, run: Run, names: list[str], generation: str
) -> tuple[tuple[str, ...], Mapping[str, LoomtuiError]]:
    node_runs = {
        name: NodeRun(fleet.session(name), run.plan.node(name), run.id, generation) for name in names
    }
    keeper = RecordKeeper(run, node_runs.values, lambda _node, _text: None)
    missing: dict[str, LoomtuiError] = {}
    left = list(names)
    while left:
        first = left.pop(0)
        try:
            await keeper.take(node_runs[first])
            break
        except NodeUnreachable as error:
            missing[first] = error
    else:
        if missing:
            raise next(iter(missing.values()))
        return (), {}
    _, failures = await on_all(left, lambda name: keeper.take(node_runs[name]))
    missing |= failures
    return tuple(name for name in names if name not in missing), missing
