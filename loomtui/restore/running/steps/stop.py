"""Stops every node and holds it, so that nothing starts it while its files move."""

from __future__ import annotations

from dataclasses import dataclass

from loomtui.errors import StepFailed, StillRunning
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.fleet.probes.probe import identity_look, read_identity
from loomtui.restore.events import StepName
from loomtui.restore.running.node_run import (
    HOLD,
    KILL,
    START,
    STOP,
    UNHOLD,
    NodeRun,
    Process,
    Seen,
    Standing,
    read_processes,
)
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.signing_now import depends_on_own_state, standstill
from loomtui.restore.running.steps.base import Evidence, Step
from loomtui.restore.running.task_failures import on_all, sentences

_STOP_SECONDS = 60  # Loom was seen to take 0.25 s at most


class StopAll(Step):
    name = StepName.STOP
    title = "Stop all"
    sentence = (
        "Stops the service on every node and holds it: neither systemd, cron nor a reboot starts it again."
    )
    undo_sentence = "Lifts the hold and starts the services that ran before."
    may_leave_out = False

    async def check(self, node: str) -> bool:
        return _why_not_stopped(await self.context.node_run(node).recent_look()) is None

    async def preview(self, node: str) -> Preview:
        node_run = self.context.node_run(node)
        seen, _ = await node_run.look()
        state, already = seen.state, _why_not_stopped(seen) is None
        now = "stopped" if state.stopped else f"{state.active}, {state.sub}"
        text = f"hold {node_run.unit_name} with {node_run.hold_file}, then stop it (now {now})"
        return Preview(node, text, already=already)

    async def apply(self, node: str) -> None:
        await keep_down(self.context.node_run(node))

    async def verify(self, node: str) -> Evidence:
        node_run = self.context.node_run(node)
        seen = await node_run.recent_look()
        if await _waited_for_latecomers(node_run, seen):
            seen = await node_run.recent_look()
        if why := _why_not_stopped(seen):
            raise StepFailed(f"it is {why}", node=node, safe="This step touches none of its files.")
        return {"active": "stopped", "was_active": seen.state.was_active}

    async def undo(self, node: str) -> None:
        node_run = self.context.node_run(node)
        state = await node_run.state()
        if state.was_active is None:
            return
        unhold = node_run.part(UNHOLD, node_run.unit_name, node_run.hold_file)
        start = [node_run.part(START, node_run.unit_name)] if state.was_active else []
        await node_run.change_and_look(unhold, *start, timeout=120)

    async def gate(self) -> tuple[str, ...]:
        """Looks once more when all are stopped, also at the signing states, which are final now."""
        names = [node.name for node in self.context.nodes]
        looked, failures = await on_all(names, lambda name: _look_stopped(self.context, name))
        not_stopped = [f"{name} is {one.why_not}" for name, one in looked.items() if one.why_not]
        statuses = {name: one.status for name, one in looked.items() if one.status is not None}
        return (*sentences(failures), *not_stopped) or await standstill(self.context, statuses)


@dataclass(frozen=True)
class _Stopped:
    why_not: str | None  # None: it is
    status: NodeStatus | None  # None: nobody needs it


async def _look_stopped(context: RunContext, name: str) -> _Stopped:
    node_run = context.node_run(name)
    looks = [identity_look(node_run.session)] if depends_on_own_state(context, name) else []
    seen, outputs = await node_run.look(looks=looks)
    if await _waited_for_latecomers(node_run, seen):
        seen, outputs = await node_run.look(looks=looks)
    status = await read_identity(node_run.session, outputs[0]) if outputs else None
    return _Stopped(_why_not_stopped(seen), status)


async def _waited_for_latecomers(node_run: NodeRun, seen: Seen) -> bool:
    """Whether somebody opened a database after the stop, and had to be waited for, as the stop itself waits.

    A backup job wakes up when the chain stands, and reads what is there. Raises StillRunning if it goes on.
    """
    if not (seen.left and seen.state.stopped and seen.state.held):
        return False
    await keep_down(node_run)
    return True


def _why_not_stopped(seen: Seen) -> str | None:
    """What is not as it should be after a stop. None means that the node is held and nothing of it runs."""
    state, left = seen.state, seen.left or ()
    if not state.stopped:
        return f"{state.active} again" + ("" if state.held else " and not held")
    if not state.held:
        return "not held"
    return f"stopped, but it is not over: {'; '.join(map(_why_it_counts, left))}" if left else None


async def keep_down(node_run: NodeRun) -> None:
    """Holds and stops the service, whatever it does now. Raises StillRunning if its processes do not end."""
    outputs = await node_run.change_and_look(
        node_run.part(HOLD, node_run.unit_name, node_run.hold_file),
        node_run.part(STOP, node_run.unit_name, str(_STOP_SECONDS), accept=(0, 75)),
        left=True,
        timeout=_STOP_SECONDS * 3 + 60,
    )
    if outputs[-1].status != 75:
        return
    facts = read_facts(outputs[-1].stdout)
    raise _still_running(node_run, read_processes(facts.all("left")), facts.line("state"))


def _still_running(node_run: NodeRun, left: tuple[Process, ...], state: str) -> StillRunning:
    """Names processes that were told to end and did not.

    It also names those that were told nothing and keep the databases open.
    """
    node, unit = node_run.plan.name, node_run.unit_name
    after = f"{_STOP_SECONDS} s after it was told to end"
    told_to_end = [process for process in left if process.standing is Standing.TOLD]
    others = [process for process in left if process.standing is not Standing.TOLD]
    parts = [f"still running {after}: process {process}{_open_file(process)}" for process in told_to_end]
    parts += [f"{unit} is not stopped {after} ({state})"] if not left else []
    parts += [_why_it_counts(process) for process in others]
    advice = [f"Find out on {node} what keeps {unit}."] if told_to_end or not left else []
    if others:
        ids = " ".join(str(process.id) for process in others)
        advice.append(f"Look on {node} at what was told nothing (ps -fp {ids}), end it there, and try again.")
    if left:
        advice.append("Or have killed what is named here: --kill, or the choice on the screen.")
    return StillRunning(
        "; ".join(parts),
        node=node,
        safe=f"{unit} is held; nothing is killed, and none of its files was touched since.",
        advice=" ".join(advice),
        processes=tuple(process.mark for process in left),
    )


def _why_it_counts(process: Process) -> str:
    opened = _open_file(process)
    match process.standing:
        case Standing.TOLD:
            return f"process {process} of the service still runs{opened}"
        case Standing.UNTOLD:
            return f"process {process} of the service is spared a stop by KillMode=, and runs{opened}"
        case Standing.OTHER:
            return f"process {process} is not of the service and was not told to end{opened}"


def _open_file(process: Process) -> str:
    return f", and has {process.file} open" if process.file else ""


async def kill(node_run: NodeRun, failure: StillRunning) -> None:
    """Sends SIGKILL only to those processes that the operator was told of."""
    await node_run.change(KILL, node_run.unit_name, node_run.hold_file, *failure.processes)
