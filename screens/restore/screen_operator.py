"""The person at the screen, as the runner knows them. Each question waits until it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from loomtui.errors import LoomtuiError, StepFailed
from loomtui.restore.events import StepName
from loomtui.restore.running.operator import Approval, Go, Judged, OnFailure, Preview, UnitDraft


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
class FailureQuestion:
    """What to do after a failure."""

    step: StepName
    failures: Mapping[str, LoomtuiError]
    choices: tuple[OnFailure, ...]
    may_leave: tuple[str, ...] = ()  # who can be left out


Question: TypeAlias = StepQuestion | UnitQuestion | FailureQuestion


class ScreenOperator:
    """Holds one question at a time. Whoever shows it is told by `changed`, and answers it."""

    def __init__(self, name: str, notify: Callable[[], None]) -> None:
        self.name = name
        self.pending: Question | None = None
        self._notify = notify
        self._answer: asyncio.Future[Any] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._previews_shown: Mapping[str, Preview] = {}
        self._approve_as_shown = False
        self._terminal_gone = False

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
        answer = await self._ask(StepQuestion(step, previews))
        return answer if isinstance(answer, Go) else Go.STOP

    async def approve_unit(self, node: str, preview: Preview, draft: UnitDraft) -> Approval:
        if self.may_approve_unasked(node, preview):
            return Approval(True)
        answer = await self._ask(UnitQuestion(node, preview, draft))
        if self._terminal_gone:
            raise StepFailed(
                "nobody was there to approve the change of its unit",
                node=node,
                safe="The unit is as it was.",
                advice="Resume the run; it asks again.",
            )
        return answer if isinstance(answer, Approval) else Approval(False)

    async def on_failure(
        self,
        step: StepName,
        failures: Mapping[str, LoomtuiError],
        choices: tuple[OnFailure, ...],
        may_leave: tuple[str, ...] = (),
    ) -> tuple[OnFailure, str | None]:
        answer = await self._ask(FailureQuestion(step, failures, choices, may_leave))
        return answer if isinstance(answer, tuple) else (OnFailure.STOP, None)

    def answer(self, question: Question, reply: Go | Approval | tuple[OnFailure, str | None]) -> bool:
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
        """Approves this one, and every other whose diff is exactly what the step's preview showed."""
        self._approve_as_shown = True
        self.answer(question, question.yes)

    def may_approve_unasked(self, node: str, preview: Preview) -> bool:
        preview_shown = self._previews_shown.get(node)
        return self._approve_as_shown and preview_shown is not None and preview_shown.diff == preview.diff

    async def _ask(self, question: Question) -> object:
        async with self._one_at_a_time:
            if self._terminal_gone:
                return None
            if isinstance(question, UnitQuestion) and self.may_approve_unasked(
                question.node, question.proposal
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
