"""The person at the screen, as the runner knows them. Each question waits until it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from loomtui.restore.deeds import Deed, deeds_of
from loomtui.restore.events import StepName
from loomtui.restore.plan import Plan
from loomtui.restore.running.operator import (
    Approval,
    FailureQuestion,
    Go,
    Judged,
    OnFailure,
    OnPlan,
    Preview,
    UnitDraft,
    is_to_decide,
    needs_review,
    nobody_to_approve,
)


@dataclass(frozen=True)
class StepQuestion:
    """Whether this step may be carried out."""

    step: StepName
    previews: Mapping[str, Preview]


@dataclass(frozen=True)
class UnitEdit:
    """The operator's own text for a unit; nothing speaks against it."""

    text: str
    judged: Judged


@dataclass(frozen=True)
class UnitQuestion:
    """Whether this node's unit may be changed so."""

    node: str
    proposal: Preview
    draft: UnitDraft
    edit: UnitEdit | None = None  # then it is asked about instead of the proposal

    @property
    def preview(self) -> Preview:
        if self.edit is None:
            return self.proposal
        warnings = (f"▲ {warning}" for warning in self.edit.judged.warnings)
        text = "\n".join(("change its unit as you edited it", *warnings))
        return Preview(self.node, text, self.edit.judged.diff)

    @property
    def yes(self) -> Approval:
        return Approval(True, self.edit.text if self.edit else None)


@dataclass(frozen=True)
class PlanQuestion:
    """Whether the run goes on with the plan that the data completed."""

    first: Plan
    completed: Plan


Question: TypeAlias = StepQuestion | PlanQuestion | UnitQuestion | FailureQuestion


class ScreenOperator:
    """Holds one question at a time. Whoever shows it is told by `changed`, and answers it.

    While it `carries_on`, it is asked only about what is not as the plan shows it. What the operator consents
    to by typing the cluster's name counts for one run, and for what was listed then.
    """

    def __init__(self, name: str, notify: Callable[[], None]) -> None:
        self.name = name
        self.pending: Question | None = None
        self._notify = notify
        self._answer: asyncio.Future[Any] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._previews_shown: Mapping[str, Preview] = {}
        self._approve_as_shown = False
        self._terminal_gone = False
        self.carries_on = False
        self._run = ""
        self._consented: frozenset[Deed] = frozenset()

    def take_up(self, run: str) -> None:
        """From now on it is about this run, step by step. What was consented to counts for its own run."""
        if run != self._run:
            self._run, self._consented = run, frozenset()
        self.carries_on = False

    def consent(self, plan: Plan) -> None:
        """The operator has typed what was asked for under the list of all that the plan does."""
        self._consented |= set(deeds_of(plan))

    def has_consented(self, plan: Plan) -> bool:
        return self._consented.issuperset(deeds_of(plan))

    def carry_on(self) -> None:
        """Goes on with all that is left. What is asked now is answered by that, where it may be."""
        self.carries_on = True
        question = self.pending
        if isinstance(question, StepQuestion):
            self.answer(question, Go.CARRY_ON)
        elif isinstance(question, PlanQuestion) and not needs_review(question.completed):
            self.answer(question, OnPlan.CONTINUE)
        self._notify()

    def go_step_by_step(self) -> None:
        """Asks again before the next step."""
        self.carries_on = False
        self._notify()

    def leave(self) -> None:
        """Nobody is at the screen any more, so what is asked, now or later, is answered by stopping there."""
        if self._terminal_gone:  # SIGHUP and the hang-up both tell
            return
        self._terminal_gone = True
        self.name += " (terminal gone)"
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        self._previews_shown, self._approve_as_shown = previews, False
        if not is_to_decide(step, previews):
            return Go.CONTINUE
        if self.carries_on:
            return Go.CARRY_ON
        answer = await self._ask(StepQuestion(step, previews))
        return answer if isinstance(answer, Go) else Go.STOP

    async def review_plan(self, first: Plan, completed: Plan) -> OnPlan:
        """To another plan than the one that was consented to, the operator says anew how it goes on."""
        if self.carries_on and not needs_review(completed) and self.has_consented(completed):
            return OnPlan.CONTINUE
        self.carries_on = False
        answer = await self._ask(PlanQuestion(first, completed))
        return answer if isinstance(answer, OnPlan) else OnPlan.STOP

    async def approve_unit(self, node: str, preview: Preview, draft: UnitDraft) -> Approval:
        if self.may_approve_unasked(node, preview, draft):
            return Approval(True)
        answer = await self._ask(UnitQuestion(node, preview, draft))
        if self._terminal_gone:
            raise nobody_to_approve(node, preview)
        return answer if isinstance(answer, Approval) else Approval(False)

    async def on_failure(self, question: FailureQuestion) -> tuple[OnFailure, str | None]:
        answer = await self._ask(question)
        return answer if isinstance(answer, tuple) else (OnFailure.STOP, None)

    def answer(
        self, question: Question, reply: Go | OnPlan | Approval | tuple[OnFailure, str | None]
    ) -> bool:
        """False means that another question waits: a late key never answers another question."""
        if question is not self.pending or self._answer is None or self._answer.done():
            return False
        self._answer.set_result(reply)
        return True

    def revise(self, question: UnitQuestion, text: str) -> bool:
        """Asks about the operator's own text instead.

        False means that it must not be, or that nobody asks any more.
        """
        if question is not self.pending or self._answer is None or self._answer.done():
            return False
        judgement = question.draft.judge(text)
        if judgement.problems:
            return False
        edit = None if text == question.draft.text else UnitEdit(text, judgement)
        self.pending = replace(question, edit=edit)
        self._notify()
        return True

    def approve_all(self, question: UnitQuestion) -> None:
        """Approves this one, and every other whose change is the one that plan or preview showed."""
        self._approve_as_shown = True
        self.answer(question, question.yes)

    def may_approve_unasked(self, node: str, preview: Preview, draft: UnitDraft) -> bool:
        if draft.planned and self.carries_on:
            return True
        preview_shown = self._previews_shown.get(node)
        is_shown = preview_shown is not None and preview_shown.diff == preview.diff
        return self._approve_as_shown and (is_shown or draft.planned)

    async def _ask(self, question: Question) -> object:
        async with self._one_at_a_time:
            if self._terminal_gone:
                return None
            if isinstance(question, UnitQuestion) and self.may_approve_unasked(
                question.node, question.proposal, question.draft
            ):
                return question.yes
            self.pending = question
            self._answer = asyncio.get_running_loop().create_future()
            self._notify()
            try:
                return await self._answer
            finally:
                self.pending = self._answer = None
                self._notify()
