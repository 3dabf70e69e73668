"""Works through a plan: step by step, gate by gate, every event on the disk before the next act.

What was done is read from the nodes; the journal says what was decided and how far the run came. So a killed
process loses nothing: `restore` on the same run goes on, `rollback` puts back what was there.
"""

from __future__ import annotations

import asyncio
import getpass
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

from loomtui.backups.catalogue import Catalogue
from loomtui.errors import GateNotMet, LoomtuiError, Refused
from loomtui.fleet.facts import read_facts
from loomtui.fleet.fleet import WritableFleet
from loomtui.inventory.model import Inventory
from loomtui.restore.context import RunContext
from loomtui.restore.events import Event, EventKind, Json, Outcome, StepName
from loomtui.restore.hand import CLEAN, UNLOCK
from loomtui.restore.journal import Journal
from loomtui.restore.operator import Go, OnFailure, Operator
from loomtui.restore.runs import Run, summarize
from loomtui.restore.steps import STEPS
from loomtui.restore.steps.base import Step, on_all, sentences
from loomtui.restore.steps.preflight import take_lock

_SAFE = "Every node keeps its old files; what was stopped is held."


class RolledBack(Exception):
    """The operator chose to roll back in the middle of a restore."""


class Stopped(Exception):
    """The operator chose to stop, or nobody was there to choose."""

    def __init__(self, error: LoomtuiError | None = None) -> None:
        super().__init__(str(error) if error else "stopped")
        self.error = error


class Runner:
    """One run in the hands of this process. Use it once: `restore`, `rollback` or `clean`."""

    def __init__(
        self, run: Run, inventory: Inventory, fleet: WritableFleet, catalogue: Catalogue, operator: Operator
    ) -> None:
        self._run = run
        self._operator = operator
        self._journal: Journal | None = None
        self._watchers: list[asyncio.Queue[Event | None]] = []
        self._over = False
        self._context = RunContext(
            run.id, run.plan, inventory, fleet, catalogue, operator, self._progress, self._note
        )

    # -- events ---------------------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[Event]:
        """The run's events so far, then each new one; ends when `restore` or `rollback` has ended."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._watchers.append(queue)
        if self._over:
            queue.put_nowait(None)
        last = 0
        for event in self._run.events():
            last = event.seq
            yield event
        while (new := await queue.get()) is not None:
            if new.kind is EventKind.TASK_PROGRESS or new.data.get("live") or new.seq > last:
                yield new

    def _emit(
        self,
        kind: EventKind,
        message: str,
        step: StepName | None = None,
        node: str | None = None,
        **data: Json,
    ) -> None:
        assert self._journal is not None  # noqa: S101 - only called while the journal is open
        event = self._journal.write(kind, message, step=step, node=node, data=data)
        for queue in self._watchers:
            queue.put_nowait(event)

    def _progress(self, step: StepName, node: str, done: int, total: int) -> None:
        self._emit(EventKind.TASK_PROGRESS, f"{done:,} of {total:,} bytes", step, node, done=done, total=total)

    def _note(self, step: StepName, node: str | None, message: str, data: dict[str, Json]) -> None:
        self._emit(EventKind.NOTE, message, step, node, **data)

    def _end(self, outcome: Outcome, message: str, **data: Json) -> Outcome:
        self._emit(EventKind.RUN_FINISHED, message, outcome=outcome.value, **data)
        return outcome

    # -- restore --------------------------------------------------------------------------------------------

    async def restore(self) -> Outcome:
        """Starts the run, or goes on with it.

        Returns RESTORED when the chain moves, ROLLED_BACK when the operator chose that. Raises the LoomtuiError
        that stopped it (the run can then be resumed), Refused when the plan must not be run.
        """
        with self._run.hold(), self._recording():
            self._refuse_what_must_not_run()
            events = self._run.events()
            kind = EventKind.RUN_RESUMED if events else EventKind.RUN_STARTED
            who = f"{self._operator.name or getpass.getuser()}"
            verb = "resumed" if events else "started"
            self._emit(
                kind, f"run {verb} by {who}", plan=self._run.plan.id, operator=who, host=socket.gethostname()
            )
            self._context.left_out.update(_left_out(events))
            try:
                for step in self._remaining(events):
                    await self._step(step)
            except RolledBack:
                return await self._roll_back()
            except Stopped as stop:
                await self._stopped(stop)
                if stop.error is not None:
                    raise stop.error from None
                return Outcome.STOPPED
            except asyncio.CancelledError:
                self._end(Outcome.STOPPED, f"interrupted; go on with: loomtui resume {self._run.id}")
                raise
            await self._release()
            return self._end(Outcome.RESTORED, "the chain moves on every node")

    def _refuse_what_must_not_run(self) -> None:
        plan = self._run.plan
        if plan.refusals:
            raise Refused("the plan must not be run: " + "; ".join(plan.refusals), advice="Make another plan.")
        if plan.cluster != self._context.inventory.cluster:
            raise Refused(f"the plan is for {plan.cluster}, the inventory for {self._context.inventory.cluster}")
        unknown = {node.name for node in plan.nodes} - set(self._context.inventory.names)
        if unknown:
            raise Refused(f"the plan names nodes that the inventory does not have: {', '.join(sorted(unknown))}")
        summary = summarize(self._run)
        if summary.outcome in {Outcome.RESTORED, Outcome.ROLLED_BACK}:
            raise Refused(f"run {self._run.id} is {summary.outcome.value}: there is nothing to resume")
        if any(event.kind is EventKind.ROLLBACK_STARTED for event in self._run.events()):
            raise Refused(
                f"run {self._run.id} is being rolled back", advice=f"Finish that: loomtui rollback {self._run.id}"
            )

    def _remaining(self, events: tuple[Event, ...]) -> list[Step]:
        done = {event.step for event in events if event.kind is EventKind.STEP_DONE}
        return [step(self._context) for step in STEPS if step.name not in done]

    async def _step(self, step: Step) -> None:
        nodes = [node.name for node in self._context.nodes]
        await self._ask_before(step, nodes)
        self._emit(EventKind.STEP_STARTED, step.sentence, step.name)
        while True:
            failures = await self._tasks(step, [node.name for node in self._context.nodes])
            if not failures:
                failures = await self._gate(step)
            if not failures:
                break
            await self._decide(step, failures)
        self._emit(EventKind.STEP_DONE, f"{step.title}: done on {len(self._context.nodes)} nodes", step.name)

    async def _ask_before(self, step: Step, nodes: list[str]) -> None:
        while True:
            try:
                await step.prepare()
                previews, failures = await on_all(nodes, step.preview)
            except LoomtuiError as error:
                previews, failures = {}, {error.node or "cluster": error}
            if not failures:
                break
            await self._decide(step, failures)
        answer = await self._operator.before_step(step.name, previews)
        self._emit(
            EventKind.DECISION,
            f"{step.title}: {answer.value}",
            step.name,
            asked="before step",
            answer=answer.value,
            by=self._operator.name,
        )
        if answer is Go.STOP:
            raise Stopped
        if answer is Go.ROLL_BACK:
            raise RolledBack

    async def _tasks(self, step: Step, nodes: list[str]) -> dict[str, LoomtuiError]:
        try:
            await step.prepare()
        except LoomtuiError as error:
            return {error.node or "cluster": error}
        _, failures = await on_all(nodes, lambda node: self._task(step, node))
        return failures

    async def _task(self, step: Step, node: str) -> None:
        try:
            if await step.check(node):
                evidence = await step.verify(node)
                self._emit(EventKind.TASK_DONE, f"{step.title}: it is so already", step.name, node, skipped=True)
                return
            self._emit(EventKind.TASK_STARTED, f"{step.title}: started", step.name, node)
            await step.apply(node)
            evidence = await step.verify(node)
        except LoomtuiError as error:
            self._emit(
                EventKind.TASK_FAILED, error.what, step.name, node, safe=error.safe, advice=error.advice
            )
            raise
        self._emit(EventKind.TASK_DONE, f"{step.title}: done", step.name, node, **evidence)

    async def _gate(self, step: Step) -> dict[str, LoomtuiError]:
        try:
            reasons = await step.gate()
        except LoomtuiError as error:
            reasons = (f"{error.node or 'cluster'}: {error.what}",)
        if not reasons:
            self._emit(EventKind.GATE_OPENED, f"{step.title}: holds on every node", step.name)
            return {}
        self._emit(EventKind.GATE_REFUSED, "; ".join(reasons), step.name, reasons=list(reasons))
        error = GateNotMet(
            f"after {step.title.lower()} the next step may not begin: {'; '.join(reasons)}", safe=_SAFE
        )
        return {"cluster": error}

    async def _decide(self, step: Step, failures: dict[str, LoomtuiError]) -> None:
        """Returns when the step is to be tried again; otherwise raises."""
        choices = [OnFailure.RETRY, OnFailure.STOP, OnFailure.ROLL_BACK]
        can_leave = [name for name in failures if step.may_leave_out and name in {node.name for node in self._run.plan.nodes}]
        if can_leave and len(self._context.nodes) > 1:
            choices.insert(1, OnFailure.LEAVE_OUT)
        choice, node = await self._operator.on_failure(step.name, failures, tuple(choices))
        self._emit(
            EventKind.DECISION,
            f"{step.title} failed: {choice.value}" + (f" ({node})" if node else ""),
            step.name,
            node,
            asked="on failure",
            answer=choice.value,
            by=self._operator.name,
        )
        if choice is OnFailure.ROLL_BACK:
            raise RolledBack
        if choice is OnFailure.LEAVE_OUT and node in can_leave:
            self._context.left_out.add(str(node))
        elif choice is not OnFailure.RETRY:
            raise Stopped(_combined(failures, self._run.id))

    async def _stopped(self, stop: Stopped) -> None:
        """Before anything was stopped the nodes are given back, so that another run may take them."""
        started = {event.step for event in self._run.events() if event.kind is EventKind.STEP_STARTED}
        if StepName.STOP not in started:
            await self._release()
        message = stop.error.what if stop.error else "stopped by the operator"
        self._end(Outcome.STOPPED, f"{message}. Go on with: loomtui resume {self._run.id}")

    async def _release(self) -> None:
        """A node that cannot be reached keeps its lock; the run can be finished from there later."""
        nodes = [node.name for node in self._run.plan.nodes]
        _, failures = await on_all(nodes, lambda name: self._context.hand(name).change(UNLOCK))
        for text in sentences(failures):
            self._emit(EventKind.NOTE, f"the lock stays: {text}", severity="warning")

    # -- rollback -------------------------------------------------------------------------------------------

    async def rollback(self) -> Outcome:
        """Puts back what was there before the run, on every node that it touched; can be called again.

        Raises LoomtuiError for the first node on which that did not work; the others are done all the same.
        """
        with self._run.hold(), self._recording():
            if summarize(self._run).outcome is Outcome.ROLLED_BACK:
                raise Refused(f"run {self._run.id} is rolled back already")
            return await self._roll_back()

    async def _roll_back(self) -> Outcome:
        self._emit(EventKind.ROLLBACK_STARTED, f"rolled back by {self._operator.name}", operator=self._operator.name)
        started = {event.step for event in self._run.events() if event.kind is EventKind.STEP_STARTED}
        nodes = [node.name for node in self._run.plan.nodes]
        touched, failed = await on_all(nodes, self._regain)
        working = [name for name, is_touched in touched.items() if is_touched]
        for step_class in reversed(STEPS):
            if step_class.name not in started:
                continue
            step = step_class(self._context)
            _, bad = await on_all(working, lambda name, step=step: self._undo(step, name))
            failed |= bad
            working = [name for name in working if name not in bad]
        if failed:
            error = _combined(failed, self._run.id, verb="rollback")
            self._end(Outcome.STOPPED, f"rolled back on {len(working)} nodes, not on {', '.join(failed)}")
            raise error
        return self._end(Outcome.ROLLED_BACK, "every node is as it was before the run")

    async def _regain(self, name: str) -> bool:
        """Takes the node for the rollback; False where the run left no trace on it."""
        hand = self._context.hand(name)
        state = await hand.state()
        mine = f'"run": "{self._run.id}"' in state.lock_owner
        traces = state.was_active is not None or bool(state.marks) or bool(state.slots)
        if not mine and traces:
            await take_lock(hand)
        return mine or traces

    async def _undo(self, step: Step, node: str) -> None:
        try:
            await step.undo(node)
        except LoomtuiError as error:
            self._emit(EventKind.TASK_FAILED, f"undo: {error.what}", step.name, node, safe=error.safe)
            raise
        self._emit(EventKind.TASK_UNDONE, f"{step.title}: undone", step.name, node)

    # -- clean ----------------------------------------------------------------------------------------------

    async def clean(self) -> int:
        """Deletes what a finished run kept on its nodes; returns the bytes that were freed.

        Raises Refused while the run is unfinished, LoomtuiError for the first node where it did not work.
        """
        with self._run.hold():
            if summarize(self._run).outcome not in {Outcome.RESTORED, Outcome.ROLLED_BACK}:
                never_stopped = not any(event.step is StepName.STOP for event in self._run.events())
                if not never_stopped:
                    raise Refused(
                        f"run {self._run.id} is not finished; what it kept may still be needed",
                        advice=f"First: loomtui resume {self._run.id}, or loomtui rollback {self._run.id}",
                    )
            nodes = [node.name for node in self._run.plan.nodes]
            outputs, failures = await on_all(nodes, lambda name: self._context.hand(name).change(CLEAN, timeout=3600))
            if failures:
                raise _combined(failures, self._run.id, verb="clean")
            return sum(read_facts(output.stdout).number("freed") or 0 for output in outputs.values())

    # -- the journal ----------------------------------------------------------------------------------------

    def _recording(self) -> _Recording:
        return _Recording(self)


class _Recording:
    """Keeps the journal open while the runner works, and ends every watcher's stream afterwards."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def __enter__(self) -> None:
        self._runner._journal = self._runner._run.journal()

    def __exit__(self, *_exc: object) -> None:
        journal, self._runner._journal = self._runner._journal, None
        self._runner._over = True
        for queue in self._runner._watchers:
            queue.put_nowait(None)
        if journal is not None:
            with suppress(OSError):
                journal.close()


def _left_out(events: tuple[Event, ...]) -> set[str]:
    return {
        event.node
        for event in events
        if event.kind is EventKind.DECISION and event.data.get("answer") == OnFailure.LEAVE_OUT.value and event.node
    }


def _combined(failures: dict[str, LoomtuiError], run: str, verb: str = "resume") -> LoomtuiError:
    """One error that names every node: of the kind of the first."""
    name, first = next(iter(failures.items()))
    others = "; ".join(sentences({key: value for key, value in failures.items() if key != name}))
    node = None if name == "cluster" else name
    kind = type(first)
    advice = " ".join(part for part in (first.advice, f"Then: loomtui {verb} {run}") if part)
    return kind(f"{first.what}" + (f"; {others}" if others else ""), node=node, safe=first.safe, advice=advice)
