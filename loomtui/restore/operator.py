"""Who decides in a run: the person at the screen, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
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


class Operator(Protocol):
    """Asked by the runner; every answer is recorded in the journal."""

    name: str

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go: ...

    async def approve_unit(self, node: str, preview: Preview) -> bool: ...

    async def on_failure(
        self, step: StepName, failures: Mapping[str, LoomtuiError], choices: tuple[OnFailure, ...]
    ) -> tuple[OnFailure, str | None]:
        """The choice, and the node to leave out where that was chosen."""


class Unattended:
    """Goes on while all is well, approves what the plan holds, stops at the first failure.

    `kill`: what does not end when it is told to is killed, once on each node.
    """

    def __init__(self, name: str, *, kill: bool = False) -> None:
        self.name = name
        self._kill = kill
        self._killed: set[str] = set()

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        return Go.CONTINUE

    async def approve_unit(self, node: str, preview: Preview) -> bool:
        return True

    async def on_failure(
        self, step: StepName, failures: Mapping[str, LoomtuiError], choices: tuple[OnFailure, ...]
    ) -> tuple[OnFailure, str | None]:
        if self._kill and OnFailure.KILL in choices and not self._killed.issuperset(failures):
            self._killed |= set(failures)
            return OnFailure.KILL, None
        return OnFailure.STOP, None
