"""Rolls a run back or cleans up after it. Each can be called again after any interruption."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial

from loomtui.errors import DataGivenUp, LoomtuiError, Refused, StillRunning
from loomtui.fleet.facts import read_facts
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.record.left_out import LeftOut, left_out_in
from loomtui.restore.record.marks import CLEANED, GIVEN_BACK
from loomtui.restore.record.recorder import WAITED, Recorder
from loomtui.restore.record.run_store import Run, summarize
from loomtui.restore.running.lock import is_held_by
from loomtui.restore.running.node_run import CLEAN, RunState
from loomtui.restore.running.operator import FailureQuestion, OnFailure, answered
from loomtui.restore.running.record_keeper import RecordKeeper
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.safe_now import NOT_PUT_BACK, say_safe
from loomtui.restore.running.steps import STEPS
from loomtui.restore.running.steps.base import Step
from loomtui.restore.running.steps.stop import kill
from loomtui.restore.running.task_failures import combined, on_all


async def roll_back(
    context: RunContext, recorder: Recorder, keeper: RecordKeeper, run: Run
) -> Mapping[str, DataGivenUp]:
    """Puts back what was there before the run, on every node that the run touched.

    Gives the nodes whose old data was given up: config and units are put back there as well, and the node is
    given back, but it stays stopped and held. Raises Refused if what the run kept is deleted, and
    LoomtuiError for the nodes on which it failed; the other nodes are rolled back all the same.
    """
    if any(event.data.get(CLEANED) for event in run.events()):
        raise Refused(f"what run {run.id} kept was deleted by loomtui clean: there is nothing to put back")
    operator = context.operator.name
    recorder.emit(EventKind.ROLLBACK_STARTED, f"rolled back by {operator}", data={"operator": operator})
    touched, failed = await on_all(
        [node.name for node in run.plan.nodes], lambda name: _regain(context, name)
    )
    working = [name for name, state in touched.items() if state is not None]
    keeper.expect(working)
    await keeper.keep()  # a colleague must not go on with what is being undone
    stopped = _stopped_by_others(run, touched)

    def names(step: type[Step], gone: Container[str]) -> list[str]:
        begun = working if recorder.has_begun(step.name) else [name for name in working if name in stopped]
        # Its undo starts the service, which is not for a node that has other data than before, or none.
        return [name for name in begun if step.name is not StepName.STOP or name not in gone]

    gone, bad = await _undo_steps(context, recorder, names)
    if failed := failed | bad:
        for error in failed.values():
            say_safe(error, NOT_PUT_BACK)
        raise combined({**failed, **gone}, f"Then: loomtui rollback {run.id}")
    return gone


async def _undo_steps(
    context: RunContext, recorder: Recorder, names: Callable[[type[Step], Container[str]], Sequence[str]]
) -> tuple[dict[str, DataGivenUp], dict[str, LoomtuiError]]:
    """Undoes all steps, the last one first. A node on which one fails is left as it is then.

    `names`: on which nodes that step is undone; it is told whose old data was found to be given up. Gives
    these, and the failures.
    """
    gone: dict[str, DataGivenUp] = {}
    failed: dict[str, LoomtuiError] = {}
    for step_class in reversed(STEPS):
        working = [name for name in names(step_class, gone) if name not in failed]
        _, bad = await on_all(working, partial(_undo, step_class(context), recorder))
        gone |= {name: error for name, error in bad.items() if isinstance(error, DataGivenUp)}
        failed |= {name: error for name, error in bad.items() if name not in gone}
    return gone, failed


async def give_back(
    context: RunContext, recorder: Recorder, keeper: RecordKeeper, run: Run
) -> Mapping[str, DataGivenUp]:
    """Puts back what was there before on the nodes that a restore left out, and gives them back.

    Who was stopped stays stopped and held: its blocks are those that the others abandoned. Gives those whose
    old data was given up. Raises Refused where the run is not over, or holds no such node, and
    LoomtuiError for the nodes on which it failed.
    """
    left = [name for name, how in left_out_in(run.events()).items() if how is LeftOut.HELD]
    outcome = summarize(run).outcome
    if outcome in {None, Outcome.STOPPED}:
        raise Refused(
            f"run {run.id} is not over: it has no nodes to give back by themselves",
            advice=f"Go on with it: loomtui resume {run.id}. Or take all back: loomtui rollback {run.id}.",
        )
    if not left or outcome is Outcome.ROLLED_BACK:
        raise Refused(
            f"run {run.id} holds no node that was left out",
            advice="Who holds a node is told by: loomtui status",
        )
    touched, failed = await on_all(left, lambda name: _regain(context, name))
    working = [name for name, state in touched.items() if state is not None]
    keeper.expect(working)

    def names(step: type[Step], _gone: Container[str]) -> list[str]:
        is_undone = step.name is not StepName.STOP and recorder.has_begun(step.name)
        return working if is_undone else []

    gone, bad = await _undo_steps(context, recorder, names)
    failed |= bad
    for name in left:
        if name not in failed:
            recorder.note(None, name, "it is as it was before the run, and given back", {GIVEN_BACK: True})
    if failed:
        for error in failed.values():
            say_safe(error, NOT_PUT_BACK)
        raise combined({**failed, **gone}, f"Then: loomtui rollback {run.id} --left-out")
    return gone


def _stopped_by_others(run: Run, touched: Mapping[str, RunState | None]) -> frozenset[str]:
    """Nodes that were stopped by a run that was taken over: how far it came there, only they tell.

    Its record may end before its last step. The undo of a step that was not begun does nothing there.
    """
    if not any(event.kind is EventKind.RUN_TAKEN_OVER for event in run.events()):
        return frozenset()
    return frozenset(
        name for name, state in touched.items() if state is not None and state.was_active is not None
    )


async def _regain(context: RunContext, name: str) -> RunState | None:
    """Takes the node for the rollback. None: the run left no trace on it."""
    node_run = context.node_run(name)
    state = await node_run.state()
    owner = state.lock_owner
    mine = owner is not None and owner.run == context.run  # of whatever generation
    traces = state.was_active is not None or bool(state.marks) or bool(state.slots)
    if (mine or traces) and not is_held_by(node_run, state):
        await context.take(node_run)
    return state if mine or traces else None


async def _undo(step: Step, recorder: Recorder, node: str) -> None:
    try:
        while True:
            try:
                await step.undo(node)
                break
            except StillRunning as error:
                await _kill_or_give_up(step, recorder, node, error)
    except LoomtuiError as error:
        say_safe(error, NOT_PUT_BACK)
        recorder.emit(EventKind.TASK_FAILED, f"undo: {error.what}", step.name, node, {"safe": error.safe})
        raise
    recorder.emit(EventKind.TASK_UNDONE, f"{step.title}: undone", step.name, node)


async def _kill_or_give_up(step: Step, recorder: Recorder, node: str, error: StillRunning) -> None:
    """Returns if the undo is to be tried again. Raises the error if nothing is to be killed."""
    operator = step.context.operator
    choices = (OnFailure.KILL, OnFailure.RETRY, OnFailure.STOP)[0 if error.processes else 1 :]
    question = FailureQuestion(step.name, {node: error}, choices)
    (choice, _), waited = await answered(operator.on_failure(question))
    data = {"asked": "on failure", "answer": choice.value, "by": operator.name, WAITED: waited}
    recorder.decided(step.name, node, f"{step.title}: {choice.value}", data)
    if choice is OnFailure.KILL:
        await kill(step.context.node_run(node), error)
    elif choice is not OnFailure.RETRY:
        raise error


async def clean(context: RunContext, recorder: Recorder, keeper: RecordKeeper, run: Run) -> int:
    """Deletes what a finished run kept on its nodes, on all or on none; returns how many bytes were freed.

    Raises Refused while what the run kept may still be needed, and LoomtuiError if it failed.
    """
    finished = summarize(run).outcome in {Outcome.RESTORED, Outcome.ROLLED_BACK}
    stopped = any(
        event.kind is EventKind.STEP_STARTED and event.step is StepName.STOP for event in run.events()
    )
    if stopped and not finished:
        raise Refused(
            f"run {run.id} is not finished; what it kept may still be needed",
            advice=f"First: loomtui resume {run.id}, or loomtui rollback {run.id}",
        )
    names = [node.name for node in run.plan.nodes]
    states, failures = await on_all(names, lambda name: context.node_run(name).state())
    if failures:
        raise combined(failures, f"Then: loomtui clean {run.id}")
    held = [name for name, state in states.items() if state.lock_owner and state.lock_owner.run == run.id]
    if held:
        raise Refused(
            f"run {run.id} still holds {', '.join(held)}",
            advice=f"A node that was left out is given back by: loomtui rollback {run.id} --left-out",
        )
    recorder.note(None, None, "what it kept is deleted: no way back from here", {CLEANED: True})
    keeper.expect(names)
    await keeper.keep()  # a colleague must not try to put back what is being deleted
    outputs, failures = await on_all(names, lambda name: context.node_run(name).change(CLEAN, timeout=3600))
    if failures:
        raise combined(failures, f"Then: loomtui clean {run.id}")
    return sum(read_facts(output.stdout).number("freed") or 0 for output in outputs.values())
