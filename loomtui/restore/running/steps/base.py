"""The one shape that every step has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from loomtui.errors import LoomtuiError
from loomtui.restore.events import Json, StepName
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.run_context import RunContext

Evidence = dict[str, Json]


class Step(ABC):
    """One stage of a restore; on one node it is a task.

    Only the runner calls these methods, in this order.
    """

    name: ClassVar[StepName]
    title: ClassVar[str]
    sentence: ClassVar[str]  # what will happen, for the operator
    undo_sentence: ClassVar[str]  # how it can be taken back
    #: Whether a node on which it failed can be left out: only once that node is stopped and held.
    may_leave_out: ClassVar[bool] = True

    def __init__(self, context: RunContext) -> None:
        self.context = context

    async def prepare(self) -> None:  # noqa: B027 - most steps need none
        """Looks at what concerns all nodes at once, before the other methods are called."""

    async def make_ready(self) -> Mapping[str, LoomtuiError]:
        """Does what needs no stop, on all nodes, before the first service is stopped.

        It changes nothing but the run's folder. Can be called again. Gives the failures by node.
        """
        return {}

    @abstractmethod
    async def check(self, node: str) -> bool:
        """Whether the step is already done. Only looks."""

    @abstractmethod
    async def preview(self, node: str) -> Preview:
        """What `apply` would do. Only looks."""

    @abstractmethod
    async def apply(self, node: str) -> None:
        """Does the step. Can be called again after any interruption."""

    @abstractmethod
    async def verify(self, node: str) -> Evidence:
        """Checks on the node that the step is done. Raises StepFailed if it is not."""

    @abstractmethod
    async def undo(self, node: str) -> None:
        """Puts back what was there, and does nothing if nothing was done. Can be called again."""

    async def gate(self) -> tuple[str, ...]:
        """Why the next step may not begin; empty means that it may. Only looks."""
        return ()
