"""Who decides in a run: the person at the screen, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from loomtui.errors import LoomtuiError
from loomtui.restore.events import StepName


class Go(StrEnum):
    CONTINUE = "continue"
    STOP = "stop"  # the run can be resumed later
    ROLL_BACK = "roll back"


class OnFailure(StrEnum):
    RETRY = "retry"
    KILL = "kill"  # SIGKILL to what did not end when it was told to, then retry
    LEAVE_OUT = "leave out"  # go on without this node; it stays held
    STOP = "stop"
    ROLL_BACK = "roll back"


@dataclass(frozen=True)
class Preview:
    """What a step would do on one node."""

    node: str
    text: str  # sentences
    diff: str = ""  # unified diff, secrets masked, where a file changes
    already: bool = False  # it is so already: nothing will be done


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


@dataclass(frozen=True)
class Approval:
    given: bool
    text: str | None = None  # the operator's own, which they have seen the difference of; None: the draft


class Operator(Protocol):
    """Whom the runner asks. Every answer is recorded in the journal."""

    name: str

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go: ...

    async def approve_unit(self, node: str, preview: Preview, draft: UnitDraft) -> Approval: ...

    async def on_failure(
        self,
        step: StepName,
        failures: Mapping[str, LoomtuiError],
        choices: tuple[OnFailure, ...],
        may_leave: tuple[str, ...] = (),
    ) -> tuple[OnFailure, str | None]:
        """The choice, and if the choice is to leave a node out, that node: one of `may_leave`."""


class Unattended:
    """Goes on while all is well, approves what the plan holds, and stops at the first failure.

    With `kill`, processes that do not end in time are killed, once on each node.
    """

    def __init__(self, name: str, *, kill: bool = False) -> None:
        self.name = name
        self._kill = kill
        self._killed: set[str] = set()

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        return Go.CONTINUE

    async def approve_unit(self, node: str, preview: Preview, draft: UnitDraft) -> Approval:
        return Approval(True)

    async def on_failure(
        self,
        step: StepName,
        failures: Mapping[str, LoomtuiError],
        choices: tuple[OnFailure, ...],
        may_leave: tuple[str, ...] = (),
    ) -> tuple[OnFailure, str | None]:
        if self._kill and OnFailure.KILL in choices and not self._killed.issuperset(failures):
            self._killed |= set(failures)
            return OnFailure.KILL, None
        return OnFailure.STOP, None
