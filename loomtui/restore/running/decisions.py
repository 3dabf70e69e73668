"""What the operator decides in a run, and what follows from it at once. Every decision is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loomtui.errors import (
    ArchiveRejected,
    LoomtuiError,
    ObjectChanged,
    PlanRefused,
    RunTakenOver,
    StillRunning,
)
from loomtui.restore.events import Json, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.record.marks import LEFT_OUT
from loomtui.restore.record.recorder import WAITED, Recorder
from loomtui.restore.running.completion import refusal_of
from loomtui.restore.running.operator import FailureQuestion, Go, OnFailure, OnPlan, Preview, answered
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.safe_now import safe_now, say_safe
from loomtui.restore.running.signing_now import moves_without
from loomtui.restore.running.steps.base import Step
from loomtui.restore.running.steps.stop import keep_down, kill
from loomtui.restore.running.task_failures import combined, on_all, sentences

_NEXT = "Mend that and try again, or roll back."


class RollBackChosen(Exception):  # a decision, not an error
    """The operator chose to roll back in the middle of a restore."""


class StopChosen(Exception):  # a decision, not an error
    """The operator chose to stop, or nobody was there to choose."""

    def __init__(self, error: LoomtuiError | None = None) -> None:
        super().__init__()
        self.error = error


class Decisions:
    def __init__(self, context: RunContext, recorder: Recorder) -> None:
        self._context = context
        self._recorder = recorder

    async def before_step(self, step: Step, previews: Mapping[str, Preview]) -> None:
        """Returns if the step may be carried out; otherwise raises StopChosen or RollBackChosen."""
        answer, waited = await answered(self._context.operator.before_step(step.name, previews))
        self._record(step, "before step", answer.value, waited)
        if answer is Go.STOP:
            raise StopChosen
        if answer is Go.ROLL_BACK:
            raise RollBackChosen

    async def on_plan(self, step: Step, first: Plan, completed: Plan) -> OnPlan:
        """CONTINUE or CONSENT. Raises StopChosen, with the reason where the plan must not be run."""
        answer, waited = await answered(self._context.operator.review_plan(first, completed))
        self._record(step, "completed plan", answer.value, waited)
        if answer is OnPlan.STOP or (answer is OnPlan.CONTINUE and completed.refusals):
            raise StopChosen(refusal_of(completed) if completed.refusals else None)
        return answer

    def _record(self, step: Step, asked: str, answer: str, waited: float, node: str | None = None) -> None:
        message = f"{step.title}: {answer}" + (f" ({node})" if node else "")
        operator = self._context.operator.name
        data: dict[str, Json] = {"asked": asked, "answer": answer, "by": operator, WAITED: waited}
        if answer == OnFailure.LEAVE_OUT:
            data[LEFT_OUT] = True
        self._recorder.decided(step.name, node, message, data)

    def complete(self, error: LoomtuiError) -> None:
        """Completes a failure's text: what is safe by now, and a way on, which there always is."""
        if self._recorder.has_begun(StepName.STOP):
            say_safe(error, safe_now(self._recorder.has_begun, self._context.plan.gives_up))
        error.advice = error.advice or _NEXT

    async def on_failure(self, step: Step, failures: Mapping[str, LoomtuiError]) -> None:
        """Returns if the step is to be tried again; otherwise raises."""
        for error in failures.values():
            self.complete(error)
        stuck = {name: error for name, error in failures.items() if isinstance(error, StillRunning)}
        kills = any(one.processes for one in stuck.values())
        (choice, node), waited = await answered(self._choice(step, failures, kill=kills))
        self._record(step, "on failure", choice.value, waited, node)
        self._context.fleet.ask_again()  # for a code that nobody gave before
        if choice is OnFailure.ROLL_BACK:
            raise RollBackChosen
        if choice is OnFailure.LEAVE_OUT:
            self._context.left_out.add(str(node))
            await self._keep_down(step, str(node))
        elif choice is OnFailure.KILL:
            await self._kill(step, stuck)
        elif choice is not OnFailure.RETRY:
            raise StopChosen(combined(failures, self.way_on(failures.values(), "Then"), step.title))

    def way_on(self, errors: Iterable[LoomtuiError], how: str) -> str:
        for error in errors:
            if isinstance(error, PlanRefused | RunTakenOver):
                return error.advice
            if isinstance(error, ObjectChanged | ArchiveRejected):
                return f"This plan cannot be done. {self._context.new_plan()}"
        return f"{how}: loomtui resume {self._context.run}"

    async def _choice(
        self, step: Step, failures: Mapping[str, LoomtuiError], *, kill: bool
    ) -> tuple[OnFailure, str | None]:
        """One of the choices that make sense here. Any other answer means to stop."""
        may_leave = self._may_leave(step, failures)
        choices = [OnFailure.RETRY, OnFailure.STOP, OnFailure.ROLL_BACK]
        if may_leave:
            choices.insert(1, OnFailure.LEAVE_OUT)
        if kill:
            choices.insert(1, OnFailure.KILL)
        question = FailureQuestion(step.name, failures, tuple(choices), may_leave)
        choice, node = await self._context.operator.on_failure(question)
        if choice not in choices or (choice is OnFailure.LEAVE_OUT and node not in may_leave):
            return OnFailure.STOP, None
        return choice, node

    def _may_leave(self, step: Step, failures: Mapping[str, LoomtuiError]) -> tuple[str, ...]:
        """The nodes that failed and without which the chain can move.

        Some node must be left to go on with.
        """
        names = [node.name for node in self._context.nodes]
        if not step.may_leave_out or len(names) == 1:
            return ()
        return tuple(name for name in names if name in failures and moves_without(self._context, name))

    async def _keep_down(self, step: Step, node: str) -> None:
        """A node that is left out must not run half-restored. The step that failed may have let it start."""
        try:
            await keep_down(self._context.node_run(node))
        except LoomtuiError as error:
            message = f"it is left out, but could not be held and stopped: {error.what}"
            self._recorder.note(step.name, node, message, {"severity": "warning"})

    async def _kill(self, step: Step, stuck: Mapping[str, StillRunning]) -> None:
        """Kills processes. The next attempt of the step tells what this did not achieve."""
        names = [name for name, error in stuck.items() if error.processes]
        _, failures = await on_all(names, lambda name: kill(self._context.node_run(name), stuck[name]))
        for text in sentences(failures):
            self._recorder.note(step.name, None, f"could not kill: {text}", {"severity": "warning"})
