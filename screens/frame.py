"""What the frame of a screen, its dialogs and its keys need to know. Nothing is reached by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from loomtui.wording.states import production_mark
from screens.input import keys

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class FrameContext:
    """Whose cluster it is, and what is offered here.

    `mark` says in words what a dialog has to do with: production or not, unless it is something else.
    `practice`: it is a drill, which has a frame of its own.
    `served` means that the screens are in a browser, and whoever is there is not the operator.
    """

    def __init__(
        self,
        cluster: str,
        *,
        production: bool,
        mark: str | None = None,
        practice: bool = False,
        now: Clock = utc_now,
        served: bool = False,
    ) -> None:
        self.cluster = cluster
        self.production = production
        self.practice = practice
        self.mark = mark or production_mark(production)
        self.now = now
        self.served = served
        self.writable = False
        self.side_by_side: bool | None = (
            None  # differences: old beside new, or below; None: by the room there is
        )

    def offers(self, action: str) -> bool:
        """Whether the action exists here at all."""
        return (self.writable or action not in keys.DANGEROUS) and not (self.served and action in keys.LOCAL)


class _HasFrame(Protocol):
    context: FrameContext


def frame_of(node: DOMNode | App[Any]) -> FrameContext:
    return cast("_HasFrame", node.app).context
