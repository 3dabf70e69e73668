"""Works through a plan: step by step, gate by gate, every event on the disk before the next act.

What was done is read from the nodes; the journal says what was decided and how far the run came. So a killed
process loses nothing: `restore` on the same run goes on, `rollback` puts back what was there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Mapping

from loomtui.backups.catalogue import Catalogue
from loomtui.errors import NOTHING_CHANGED, GateNotMet, LoomtuiError, ObjectChanged, Refused, StillRunning
from loomtui.fleet.fleet import WritableFleet
from loomtui.inventory.model import Inventory
from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.findings import texts_of
from loomtui.restore.planning.command_line import plan_command
from loomtui.restore.record.recorder import Recorder
from loomtui.restore.record.run_store import Run, summarize
from loomtui.restore.running import rollback as undoing
from loomtui.restore.running.node_run import UNLOCK
from loomtui.restore.running.operator import Go, OnFailure, Operator
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.signing_now import moves_without
from loomtui.restore.running.steps import STEPS
from loomtui.restore.running.steps.base import Step
from loomtui.restore.running.steps.stop import keep_down, kill
from loomtui.restore.running.task_failures import CLUSTER, combined, on_all, sentences

_SAFE = "Every node keeps its old files; what was stopped is held."
_NEXT = "Mend that and try again, or roll back."


class _RollBackChosen(Exception):  # a decision, not an error
    """The operator chose to roll back in the middle of a restore."""


class _StopChosen(Exception):  # a decision, not an error
    """The operator chose to stop, or nobody was there to choose."""

    def __init__(self, error: LoomtuiError | None = None) -> None:
        super().__init__()
        self.error = error


class Runner:
    """One run in the hands of this process. Use it once: `restore`, `rollback` or `clean`."""

    def __init__(
        self, run: Run, inventory: Inventory, fleet: WritableFleet, catalogue: Catalogue, operator: Operator
    ) -> None:
        self._run = run
        self._operator = operator
        self._recorder = Recorder(run)
        self._context = RunContext(
            run.id,
            run.plan,
            inventory,
            fleet,
            catalogue,
            operator,
            self._recorder.progress,
            self._recorder.note,
            self._recorder.decided,
            run.events,
        )

    def events(self) -> AsyncIterator[Event]:
        """The run's events so far, then each new one; ends when `restore` or `rollback` has ended."""
        return self._recorder.events()

    async def restore(self) -> Outcome:
        """Starts the run, or goes on with it.

        Returns RESTORED when the chain moves, STOPPED or ROLLED_BACK when the operator chose that. Raises the
        LoomtuiError that stopped it (the run can then be resumed), Refused when the plan must not be run.
        """
        with self._recorder.recording():
            self._refuse_what_must_not_run()
            events = self._run.events()
            self._begin(resumed=bool(events))
            self._context.left_out.update(_left_out(events))
            try:
                for step in self._remaining(events):
                    await self._step(step)
            except _RollBackChosen:
                return await self._roll_back()
            except _StopChosen as stop:
                return await self._stopped(stop.error)
            except asyncio.CancelledError:
                self._end(Outcome.STOPPED, f"interrupted; go on with: loomtui resume {self._run.id}")
                raise
            await self._release()
            return self._end(Outcome.RESTORED, "the chain moves on every node")

    async def rollback(self) -> Outcome:
        """Puts back what was there before the run; see `undoing.roll_back`."""
        with self._recorder.recording():
            if summarize(self._run).outcome is Outcome.ROLLED_BACK:
                raise Refused(f"run {self._run.id} is rolled back already")
            return await self._roll_back()

    async def clean(self) -> int:
        """Deletes what a finished run kept on its nodes; see `undoing.clean`."""
        with self._recorder.recording():
            return await undoing.clean(self._context, self._recorder, self._run)

    def _begin(self, *, resumed: bool) -> None:
        kind = EventKind.RUN_RESUMED if resumed else EventKind.RUN_STARTED
        who = self._operator.name
        self._recorder.emit(
            kind,
            f"run {'resumed' if resumed else 'started'} by {who}",
            data={"plan": self._run.plan.id, "operator": who, "host": socket.gethostname()},
        )

    def _end(self, outcome: Outcome, message: str) -> Outcome:
        self._recorder.emit(EventKind.RUN_FINISHED, message, data={"outcome": outcome.value})
        return outcome

    def _refuse_what_must_not_run(self) -> None:
        plan, inventory = self._run.plan, self._context.inventory
        if plan.refusals:
            raise Refused(
                "the plan must not be run: " + "; ".join(texts_of(plan.refusals)),
                advice=f"Make another plan: {plan_command(plan)}",
            )
        if plan.cluster != inventory.cluster:
            raise Refused(
                f"the plan is for {plan.cluster}, the inventory for {inventory.cluster}",
                advice="Name the right inventory with -i.",
            )
        unknown = {node.name for node in plan.nodes} - set(inventory.names)
        if unknown:
            raise Refused(
                f"the plan names nodes that the inventory does not have: {', '.join(sorted(unknown))}"
            )
        outcome = summarize(self._run).outcome
        if outcome in {Outcome.RESTORED, Outcome.ROLLED_BACK}:
            raise Refused(f"run {self._run.id} is {outcome.value}: there is nothing to resume")
        if any(event.kind is EventKind.ROLLBACK_STARTED for event in self._run.events()):
            advice = f"Finish that: loomtui rollback {self._run.id}"
            raise Refused(f"run {self._run.id} is being rolled back", advice=advice)

    def _remaining(self, events: Iterable[Event]) -> list[Step]:
        """Preflight again, unless something was stopped: a run that ends before that gives its nodes back."""
        done = {event.step for event in events if event.kind is EventKind.STEP_DONE}
        if not self._recorder.has_begun(StepName.STOP):
            done.discard(StepName.PREFLIGHT)
        return [step(self._context) for step in STEPS if step.name not in done]

    async def _step(self, step: Step) -> None:
        await self._ask_before(step)
        self._recorder.emit(EventKind.STEP_STARTED, step.sentence, step.name)
        while failures := await self._attempt(step):
            await self._decide(step, failures)
            await self._prepare(step)
        count = len(self._context.nodes)
        self._recorder.emit(EventKind.STEP_DONE, f"{step.title}: done on {count} nodes", step.name)

    async def _ask_before(self, step: Step) -> None:
        while True:
            await self._prepare(step)
            names = [node.name for node in self._context.nodes]
            previews, failures = await on_all(names, step.preview)
            if not failures:
                break
            await self._decide(step, failures)
        answer = await self._operator.before_step(step.name, previews)
        self._record_decision(step, "before step", answer.value)
        if answer is Go.STOP:
            raise _StopChosen
        if answer is Go.ROLL_BACK:
            raise _RollBackChosen

    async def _prepare(self, step: Step) -> None:
        while True:
            try:
                return await step.prepare()
            except LoomtuiError as error:
                await self._decide(step, {error.node or CLUSTER: error})

    def _record_decision(self, step: Step, asked: str, answer: str, node: str | None = None) -> None:
        message = f"{step.title}: {answer}" + (f" ({node})" if node else "")
        data = {"asked": asked, "answer": answer, "by": self._operator.name}
        self._recorder.decided(step.name, node, message, dict(data))

    async def _attempt(self, step: Step) -> dict[str, LoomtuiError]:
        """All tasks of the step, then its gate; the failures, empty when all is well."""
        names = [node.name for node in self._context.nodes]
        _, failures = await on_all(names, lambda node: self._task(step, node))
        try:
            return failures or await self._gate(step)
        except LoomtuiError as error:
            return {error.node or CLUSTER: error}

    async def _task(self, step: Step, node: str) -> None:
        try:
            already = await step.check(node)
            if not already:
                self._recorder.emit(EventKind.TASK_STARTED, f"{step.title}: started", step.name, node)
                await step.apply(node)
            evidence = await step.verify(node)
        except LoomtuiError as error:
            self._complete(error)
            data = {"safe": error.safe, "advice": error.advice}
            self._recorder.emit(EventKind.TASK_FAILED, error.what, step.name, node, dict(data))
            raise
        message = f"{step.title}: {'it is so already' if already else 'done'}"
        self._recorder.emit(EventKind.TASK_DONE, message, step.name, node, {"skipped": already, **evidence})

    def _complete(self, error: LoomtuiError) -> None:
        """That nothing was changed is true of what failed, no more of the run. There is always a way on."""
        if error.safe in ("", NOTHING_CHANGED) and self._recorder.has_begun(StepName.STOP):
            error.safe = _SAFE
        error.advice = error.advice or _NEXT

    async def _gate(self, step: Step) -> dict[str, LoomtuiError]:
        reasons = await step.gate()
        if not reasons:
            self._recorder.emit(EventKind.GATE_OPENED, f"{step.title}: holds on every node", step.name)
            return {}
        told = "; ".join(reasons)
        self._recorder.emit(EventKind.GATE_REFUSED, told, step.name, data={"reasons": list(reasons)})
        return {CLUSTER: GateNotMet(f"after '{step.title}' the next step may not begin: {told}", safe=_SAFE)}

    async def _decide(self, step: Step, failures: Mapping[str, LoomtuiError]) -> None:
        """Returns when the step is to be tried again; otherwise raises."""
        for error in failures.values():
            self._complete(error)
        stuck = {name: error for name, error in failures.items() if isinstance(error, StillRunning)}
        choice, node = await self._choice(step, failures, kill=any(one.processes for one in stuck.values()))
        self._record_decision(step, "on failure", choice.value, node)
        if choice is OnFailure.ROLL_BACK:
            raise _RollBackChosen
        if choice is OnFailure.LEAVE_OUT:
            self._context.left_out.add(str(node))
            await self._keep_down(step, str(node))
        elif choice is OnFailure.KILL:
            await self._kill(step, stuck)
        elif choice is not OnFailure.RETRY:
            raise _StopChosen(combined(failures, self._way_on(failures.values(), "Then"), step.title))

    def _way_on(self, errors: Iterable[LoomtuiError], how: str) -> str:
        if any(isinstance(error, ObjectChanged) for error in errors):
            return f"This plan cannot be done. {self._context.new_plan()}"
        return f"{how}: loomtui resume {self._run.id}"

    async def _choice(
        self, step: Step, failures: Mapping[str, LoomtuiError], *, kill: bool
    ) -> tuple[OnFailure, str | None]:
        """One of those that make sense here; any other answer is to stop."""
        may_leave = self._may_leave(step, failures)
        choices = [OnFailure.RETRY, OnFailure.STOP, OnFailure.ROLL_BACK]
        if may_leave:
            choices.insert(1, OnFailure.LEAVE_OUT)
        if kill:
            choices.insert(1, OnFailure.KILL)
        choice, node = await self._operator.on_failure(step.name, failures, tuple(choices), may_leave)
        if choice not in choices or (choice is OnFailure.LEAVE_OUT and node not in may_leave):
            return OnFailure.STOP, None
        return choice, node

    def _may_leave(self, step: Step, failures: Mapping[str, LoomtuiError]) -> tuple[str, ...]:
        """Those that failed and without whom the chain can move; somebody must be left to go on with."""
        names = [node.name for node in self._context.nodes]
        if not step.may_leave_out or len(names) == 1:
            return ()
        return tuple(name for name in names if name in failures and moves_without(self._context, name))

    async def _keep_down(self, step: Step, node: str) -> None:
        """Who is left out runs nothing half-restored: the step that failed may have let it start."""
        try:
            await keep_down(self._context.node_run(node))
        except LoomtuiError as error:
            message = f"it is left out, but could not be held and stopped: {error.what}"
            self._recorder.note(step.name, node, message, {"severity": "warning"})

    async def _kill(self, step: Step, stuck: Mapping[str, StillRunning]) -> None:
        """What it did not achieve, the next attempt of the step tells."""
        names = [name for name, error in stuck.items() if error.processes]
        _, failures = await on_all(names, lambda name: kill(self._context.node_run(name), stuck[name]))
        for text in sentences(failures):
            self._recorder.note(step.name, None, f"could not kill: {text}", {"severity": "warning"})

    async def _stopped(self, error: LoomtuiError | None) -> Outcome:
        """Before anything was stopped the nodes are given back, so that another run may take them."""
        begun = self._recorder.has_begun
        if begun(StepName.PREFLIGHT) and not begun(StepName.STOP):
            await self._release()
        what = error.what.rstrip(".") if error else "stopped by the operator"
        self._end(Outcome.STOPPED, f"{what}. {self._way_on((error,) if error else (), 'Go on with')}")
        if error is not None:
            raise error
        return Outcome.STOPPED

    async def _release(self) -> None:
        """A node that cannot be reached, or is left out, keeps its lock: the run is not over there."""
        names = [node.name for node in self._context.nodes]
        _, failures = await on_all(names, lambda name: self._context.node_run(name).change(UNLOCK))
        for text in sentences(failures):
            self._recorder.note(None, None, f"the lock stays: {text}", {"severity": "warning"})

    async def _roll_back(self) -> Outcome:
        try:
            await undoing.roll_back(self._context, self._recorder, self._run)
        except Refused:
            raise
        except LoomtuiError as error:
            self._end(Outcome.STOPPED, f"the rollback is not complete: {error.what}")
            raise
        return self._end(Outcome.ROLLED_BACK, "every node is as it was before the run")


def _left_out(events: Iterable[Event]) -> set[str]:
    left = OnFailure.LEAVE_OUT.value
    return {event.node for event in events if event.node and event.data.get("answer") == left}
