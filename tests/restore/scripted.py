"""An operator who answers as a test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from loomtui.errors import LoomtuiError
from loomtui.restore.events import StepName
from loomtui.restore.plan import Plan
from loomtui.restore.running.operator import (
    Approval,
    FailureQuestion,
    Go,
    OnFailure,
    OnPlan,
    Preview,
    Unattended,
    UnitDraft,
)

Answer = tuple[OnFailure, str | None]


class Scripted(Unattended):
    """Answers as the test says; goes on where it says nothing."""

    def __init__(
        self,
        go: Mapping[StepName, Go] | None = None,
        on_failure: Sequence[Answer] = (),
        *,
        approves: bool = True,
        edits: Mapping[str, Callable[[str], str]] | None = None,
        on_plan: Sequence[OnPlan] = (),
    ) -> None:
        """`edits`: what becomes of the text that is proposed for a node's unit, before it is approved."""
        super().__init__("test")
        self._on_plan = list(on_plan)
        self.plans: list[tuple[Plan, Plan]] = []  # the first one and the completed one
        self._go = dict(go or {})
        self._answers = list(on_failure)
        self._approves = approves
        self._edits = dict(edits or {})
        self.drafts: dict[str, UnitDraft] = {}  # of the nodes whose units were asked about
        self.asked: list[Preview] = []
        self.previews: dict[StepName, Mapping[str, Preview]] = {}
        self.failures: list[tuple[StepName, Mapping[str, LoomtuiError], tuple[OnFailure, ...]]] = []
        self.may_leave: list[tuple[str, ...]] = []  # at each of the failures

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        self.previews[step] = previews
        return self._go.pop(step, Go.CONTINUE)

    async def review_plan(self, first: Plan, completed: Plan) -> OnPlan:
        self.plans.append((first, completed))
        return self._on_plan.pop(0) if self._on_plan else await super().review_plan(first, completed)

    async def approve_unit(self, node: str, preview: Preview, draft: UnitDraft) -> Approval:
        self.asked.append(preview)
        self.drafts[node] = draft
        edit = self._edits.get(node)
        return Approval(self._approves, edit(draft.text) if edit else None)

    async def on_failure(self, question: FailureQuestion) -> Answer:
        self.failures.append((question.step, dict(question.failures), question.choices))
        self.may_leave.append(question.may_leave)
        return self._answers.pop(0) if self._answers else (OnFailure.STOP, None)
