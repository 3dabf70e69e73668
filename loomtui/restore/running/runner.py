"""Works through a plan: step by step, gate by gate, with every event on the disk before the next act.

The nodes tell what was done; the journal tells what was decided and how far the run came. So a killed process
loses nothing: `restore` on the same run goes on, and `rollback` puts back what was there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial

from loomtui.backups.catalogue import Catalogue
from loomtui.errors import GateNotMet, LoomtuiError, Refused
from loomtui.fleet.fleet import WritableFleet
from loomtui.inventory.model import Inventory
from loomtui.restore.events import Event, EventKind, Json, Outcome, StepName
from loomtui.restore.plan import Plan, consented
from loomtui.restore.record.left_out import but_for, left_out_in
from loomtui.restore.record.marks import KEPT
from loomtui.restore.record.recorder import Recorder
from loomtui.restore.record.run_store import Run, summarize
from loomtui.restore.running import rollback as undoing
from loomtui.restore.running.admission import admitted
from loomtui.restore.running.completion import Completion
from loomtui.restore.running.decisions import Decisions, RollBackChosen, StopChosen
from loomtui.restore.running.ending import kept_bytes, release
from loomtui.restore.running.notices import About
from loomtui.restore.running.notifier import Notifier, at_work
from loomtui.restore.running.operator import OnPlan, Operator
from loomtui.restore.running.record_keeper import RecordKeeper
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.safe_now import safe_now
from loomtui.restore.running.second import Seen
from loomtui.restore.running.steps import STEPS
from loomtui.restore.running.steps.base import Step
from loomtui.restore.running.steps.preflight import Preflight
from loomtui.restore.running.task_failures import CLUSTER, combined, on_all

#: What the nodes' copies of the record have to tell before it begins: whoever took the run over and knew less
#: would stop nodes that run again, or put files back that a node that signs has changed since.
_KNOWN_BEFORE = frozenset({StepName.STOP, StepName.START})


class Runner:
    """One run in the hands of this process. Use it once: for `restore`, `rollback` or `clean`."""

    def __init__(
        self,
        run: Run,
        inventory: Inventory,
        fleet: WritableFleet,
        catalogue: Catalogue,
        operator: Operator,
        *,
        break_glass: bool = False,
    ) -> None:
        """`break_glass`: the operator typed the cluster's name to go on without a second pair of eyes."""
        self._run = run
        self._operator = operator
        self._break_glass = break_glass
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
            run.generation,
        )
        self._keeper = RecordKeeper(run, self._context.all_node_runs, self._recorder.warn)
        self._context.keeper = self._keeper
        self._recorder.listener = self._keeper.saw
        self._decisions = Decisions(self._context, self._recorder)
        about = About(inventory.cluster, inventory.production, run.id, operator.name, socket.gethostname())
        self.notifier = Notifier(inventory.notify, about, partial(self._recorder.warn, None))

    @property
    def plan(self) -> Plan:
        """The plan that it goes by now: the data may have completed the one that it began with."""
        return self._context.plan

    def events(self) -> AsyncIterator[Event]:
        """The run's events so far, then each new one; ends when `restore` or `rollback` has ended."""
        return self._recorder.events()

    async def restore(self) -> Outcome:
        """Starts the run, or goes on with it.

        Returns RESTORED when the chain moves, STOPPED or ROLLED_BACK if the operator chose that. Raises the
        LoomtuiError that stopped it (the run can then be resumed), and Refused if the plan must not be run.
        """
        async with at_work(self._recorder, self.notifier, self._run):
            inventory, has_begun = self._context.inventory, self._recorder.has_begun
            second = await admitted(self._run, inventory, has_begun, break_glass=self._break_glass)
            async with self._keeper.keeping():
                return await self._restore(self._run.events(), second)

    async def _restore(self, events: tuple[Event, ...], second: Seen | None) -> Outcome:
        self._context.fleet.dial()  # that a node outside the plan is off has to be known before the stop
        self._begin(resumed=bool(events))
        if second is not None:
            self._recorder.decided(None, None, second.message, second.data | {"by": self._operator.name})
        self._context.left_out.update(left_out_in(events))
        if events:
            self._keeper.expect(node.name for node in self.plan.nodes)
        if self._run.generation:
            await self._context.take_what_is_left()
        try:
            if not self.plan.is_complete:
                await self._complete()
            await self._work_through(_remaining(self._context, self._recorder, events))
        except RollBackChosen:
            return await self._roll_back()
        except StopChosen as stop:
            return await self._end_stopped(stop.error)
        except asyncio.CancelledError:
            self._end(Outcome.STOPPED, f"interrupted; go on with: loomtui resume {self._run.id}")
            raise
        finally:
            await self._context.watch.end()
        await release(self._context, self._recorder)
        left_out = but_for(sorted(self._context.left_out))
        return await self._finish(Outcome.RESTORED, f"the chain moves on every node{left_out}")

    async def rollback(self) -> Outcome:
        """Puts back what was there before the run; see `undoing.roll_back`."""
        async with at_work(self._recorder, self.notifier, self._run):
            if summarize(self._run).outcome is Outcome.ROLLED_BACK:
                raise Refused(f"run {self._run.id} is rolled back already")
            async with self._keeper.keeping():
                return await self._roll_back()

    async def give_back(self) -> Outcome:
        """Puts back the nodes that a restore left out; see `undoing.give_back`. The outcome stays.

        Raises DataGivenUp where all is put back but old data that is gone.
        """
        with self._recorder.recording():
            async with self._keeper.keeping():
                gone = await undoing.give_back(self._context, self._recorder, self._keeper, self._run)
        if gone:
            raise combined(gone, "")
        return Outcome.RESTORED

    async def clean(self) -> int:
        """Deletes what a finished run kept on its nodes; see `undoing.clean`."""
        with self._recorder.recording():
            return await undoing.clean(self._context, self._recorder, self._keeper, self._run)

    def _begin(self, *, resumed: bool) -> None:
        kind = EventKind.RUN_RESUMED if resumed else EventKind.RUN_STARTED
        who = self._operator.name
        self._recorder.emit(
            kind,
            f"run {'resumed' if resumed else 'started'} by {who}",
            data={"plan": self._run.plan.id, "operator": who, "host": socket.gethostname()},
        )

    async def _finish(self, outcome: Outcome, message: str) -> Outcome:
        """The run is over, also where nobody waits for what it keeps to be counted."""
        kept: Mapping[str, Json] = {}
        try:
            kept = {**await kept_bytes(self._context)}
        finally:
            self._end(outcome, message, {KEPT: {**kept}})
        return outcome

    def _end(self, outcome: Outcome, message: str, data: Mapping[str, Json] | None = None) -> Outcome:
        self._recorder.emit(EventKind.RUN_FINISHED, message, data={"outcome": outcome.value, **(data or {})})
        return outcome

    async def _work_through(self, steps: list[Step]) -> None:
        for at, step in enumerate(steps):
            if step.name is StepName.STOP and not self._recorder.has_begun(StepName.STOP):
                for later in steps[at:]:
                    await self._make_ready(step, later)
            await self._step(step)

    async def _make_ready(self, stop: Step, later: Step) -> None:
        """What the outage needs is made ready before it. So a failure is one of before the stop."""
        while failures := await later.make_ready():
            self._context.look_anew()
            await self._decisions.on_failure(stop, failures)

    async def _complete(self) -> None:
        """Has the nodes unpack the data, completes the plan by it, and asks about what it says now."""
        step = Preflight(self._context)
        await self._step(step)
        first, choices = self.plan, self.plan.choices
        completion = Completion(self._context)
        while True:
            try:
                completed = await completion.plan(choices)
            except LoomtuiError as error:
                await self._decisions.on_failure(step, {error.node or CLUSTER: error})
                continue
            if await self._decisions.on_plan(step, first, completed) is OnPlan.CONTINUE:
                break
            choices = consented(choices, completed.offer)
        self._run = self._keeper.run = self._run.with_plan(completed)
        self._context.plan = completed
        unknowns = [unknown.sentence for unknown in first.unknowns]
        message = f"the plan is complete, by what the nodes have unpacked. {completed.prediction.sentence}"
        self._recorder.emit(EventKind.PLAN_COMPLETED, message, step.name, data={"unknowns": list(unknowns)})

    async def _step(self, step: Step) -> None:
        await self._ask_before(step)
        self._recorder.emit(EventKind.STEP_STARTED, step.sentence, step.name)
        if step.name in _KNOWN_BEFORE:
            await self._keeper.keep()
        while failures := await self._attempt(step):
            self._context.look_anew()
            await self._decisions.on_failure(step, failures)
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
            self._context.look_anew()
            await self._decisions.on_failure(step, failures)
        await self._decisions.before_step(step, previews)

    async def _prepare(self, step: Step) -> None:
        while True:
            try:
                return await step.prepare()
            except LoomtuiError as error:
                await self._decisions.on_failure(step, {error.node or CLUSTER: error})

    async def _attempt(self, step: Step) -> dict[str, LoomtuiError]:
        """Does all tasks of the step, then its gate. Returns the failures, which are empty if all is well."""
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
            self._decisions.complete(error)
            data = {"safe": error.safe, "advice": error.advice}
            self._recorder.emit(EventKind.TASK_FAILED, error.what, step.name, node, dict(data))
            raise
        message = f"{step.title}: {'it is so already' if already else 'done'}"
        self._recorder.emit(EventKind.TASK_DONE, message, step.name, node, {"skipped": already, **evidence})

    async def _gate(self, step: Step) -> dict[str, LoomtuiError]:
        reasons = await step.gate()
        if not reasons:
            self._recorder.emit(EventKind.GATE_OPENED, f"{step.title}: holds on every node", step.name)
            return {}
        reason = "; ".join(reasons)
        self._recorder.emit(EventKind.GATE_REFUSED, reason, step.name, data={"reasons": list(reasons)})
        what = f"after '{step.title}' the next step may not begin: {reason}"
        return {CLUSTER: GateNotMet(what, safe=safe_now(self._recorder.has_begun, self.plan.gives_up))}

    async def _end_stopped(self, error: LoomtuiError | None) -> Outcome:
        """If nothing was stopped yet, the nodes are given back, so that another run may take them."""
        begun = self._recorder.has_begun
        if begun(StepName.PREFLIGHT) and not begun(StepName.STOP):
            await release(self._context, self._recorder)
        what = error.what.rstrip(".") if error else "stopped by the operator"
        self._end(
            Outcome.STOPPED, f"{what}. {self._decisions.way_on((error,) if error else (), 'Go on with')}"
        )
        if error is not None:
            raise error
        return Outcome.STOPPED

    async def _roll_back(self) -> Outcome:
        """Raises DataGivenUp where all is put back but old data that is gone: then that is the end, too."""
        try:
            gone = await undoing.roll_back(self._context, self._recorder, self._keeper, self._run)
        except Refused:
            raise
        except LoomtuiError as error:
            self._end(Outcome.STOPPED, f"the rollback is not complete: {error.what}")
            raise
        if not gone:
            return await self._finish(Outcome.ROLLED_BACK, "every node is as it was before the run")
        answer = combined(gone, "")
        await self._finish(Outcome.ROLLED_BACK, f"every node is as it was before the run, but: {answer.what}")
        raise answer


def _remaining(context: RunContext, recorder: Recorder, events: Iterable[Event]) -> list[Step]:
    """The steps that remain.

    Preflight comes again, unless something was stopped: a run that ends before that gives its nodes back.
    """
    done = {event.step for event in events if event.kind is EventKind.STEP_DONE}
    if not recorder.has_begun(StepName.STOP):
        done.discard(StepName.PREFLIGHT)
    return [step(context) for step in STEPS if step.name not in done]
