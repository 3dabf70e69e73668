"""Who decides in a run: the person at the screen, or nobody."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

from loomtui.errors import LoomtuiError, StepFailed
from loomtui.restore.events import StepName

if TYPE_CHECKING:  # the command line asks here, and needs no plan for its help
    from loomtui.restore.plan import Plan


class Go(StrEnum):
    CONTINUE = "continue"
    CARRY_ON = "carry on"  # likewise; nobody was asked about this step by itself
    STOP = "stop"  # the run can be resumed later
    ROLL_BACK = "roll back"


class OnFailure(StrEnum):
    RETRY = "retry"
    KILL = "kill"  # SIGKILL to what did not end when it was told to, then retry
    LEAVE_OUT = "leave out"  # go on without this node; it stays held
    STOP = "stop"
    ROLL_BACK = "roll back"


class OnPlan(StrEnum):
    """What is decided about a plan that was completed while the services still ran."""

    CONTINUE = "continue"
    CONSENT = "consent"  # to what the plan offers: it is made again with that, and asked about again
    STOP = "stop"  # nothing is stopped; what is unpacked stays


@dataclass(frozen=True)
class Preview:
    """What a step would do on one node."""

    node: str
    text: str  # sentences
    diff: str = ""  # unified diff, secrets masked, where a file changes
    already: bool = False  # it is so already: nothing will be done
    approved: bool = False  # the operator has approved this very change: it is not asked again
    lost: str = ""  # what no rollback brings back, for reading; empty: it can all be undone


@dataclass(frozen=True)
class Judged:
    """How an operator's own text for a unit is judged."""

    problems: tuple[str, ...] = ()  # sentences: why it cannot be used; empty: it can
    warnings: tuple[str, ...] = ()  # sentences: worth knowing before it is approved
    diff: str = ""  # unified, from what is on the node


@dataclass(frozen=True)
class UnitDraft:
    """The text that a unit is to get, for an operator who wants to edit it first."""

    text: str  # empty where it is locked
    locked: str  # a sentence: why it cannot be edited; empty: it can
    judge: Callable[[str], Judged]
    planned: bool = False  # the plan shows this very change, and nobody has decided about it before


@dataclass(frozen=True)
class Approval:
    given: bool
    text: str | None = None  # the operator's own, which they have seen the difference of; None: the draft


@dataclass(frozen=True)
class FailureQuestion:
    """What to do after a failure."""

    step: StepName
    failures: Mapping[str, LoomtuiError]  # by node
    choices: tuple[OnFailure, ...]
    may_leave: tuple[str, ...] = ()  # nodes that can be left out


#: The steps that change nothing on any node.
ONLY_LOOKS = frozenset({StepName.NODE_KEYS, StepName.VERIFY})


def is_to_decide(step: StepName, previews: Mapping[str, Preview]) -> bool:
    """Whether somebody who goes step by step is asked about this one.

    Nobody is where it only looks, or where all of it is done, or approved by its very text.
    """
    return step not in ONLY_LOOKS and not all(one.already or one.approved for one in previews.values())


def needs_review(completed: Plan) -> bool:
    """Whether somebody who carries on is asked about the plan that the data completed."""
    return bool(completed.refusals)


def nobody_to_approve(node: str, preview: Preview) -> StepFailed:
    """What comes of a unit's change that is to be decided, where nobody is there to do so."""
    return StepFailed(
        f"nobody is there to approve this: {preview.text}",
        node=node,
        safe="The unit is as it was.",
        advice="Go on with the run on the screens, which ask (loomtui restore), or make a new plan, which "
        "shows it.",
    )


class Operator(Protocol):
    """Whom the runner asks. Every answer is recorded in the journal."""

    name: str

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go: ...

    async def review_plan(self, first: Plan, completed: Plan) -> OnPlan:
        """What to do with the plan that the data completed; `first` is what the run began with."""

    async def approve_unit(self, node: str, preview: Preview, draft: UnitDraft) -> Approval: ...

    async def on_failure(self, question: FailureQuestion) -> tuple[OnFailure, str | None]:
        """The choice, and if the choice is to leave a node out, that node: one of `may_leave`."""


_Answer = TypeVar("_Answer")


async def answered(question: Awaitable[_Answer]) -> tuple[_Answer, float]:
    """What an operator answers, and the seconds that it took."""
    began = time.monotonic()
    return await question, time.monotonic() - began


class Unattended:
    """Carries on while all is as the plan shows it, and stops at the first thing that is to be decided.

    With `kill`, processes that do not end in time are killed, once on each node.
    """

    def __init__(self, name: str, *, kill: bool = False) -> None:
        self.name = name
        self._kill = kill
        self._killed: set[str] = set()

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        return Go.CONTINUE

    async def review_plan(self, first: Plan, completed: Plan) -> OnPlan:
        """A consent that was not given beforehand is a refusal of the plan."""
        return OnPlan.STOP if needs_review(completed) else OnPlan.CONTINUE

    async def approve_unit(self, node: str, preview: Preview, draft: UnitDraft) -> Approval:
        """Raises StepFailed where the plan shows another change, or none."""
        if not draft.planned:
            raise nobody_to_approve(node, preview)
        return Approval(True)

    async def on_failure(self, question: FailureQuestion) -> tuple[OnFailure, str | None]:
        failed = question.failures
        if self._kill and OnFailure.KILL in question.choices and not self._killed.issuperset(failed):
            self._killed |= set(failed)
            return OnFailure.KILL, None
        return OnFailure.STOP, None
