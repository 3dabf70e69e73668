"""What every screen has: a line at the top, a frame, the keys, and in read-only mode no danger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from loomtui.errors import LoomtuiError
from screens.frame import FrameContext, frame_of
from screens.input import keys
from screens.modals.text import ErrorDialog
from screens.navigation import way_back_of
from screens.text import content
from screens.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from textual.widget import Widget


class FramedScreen(Screen[None]):
    """`HELP` explains the screen, with its keys for `keys.spoken`. `body` yields what is in the frame."""

    NAME_SHOWN: ClassVar[str] = ""
    HELP: ClassVar[str] = ""
    BINDINGS = keys.bindings(keys.BACK)

    @property
    def frame(self) -> FrameContext:
        return frame_of(self)

    def compose(self) -> ComposeResult:
        yield self.top()
        with Vertical(classes="frame") as frame:
            frame.border_title = content.text(self.NAME_SHOWN)
            yield from self.body()
        yield from self.below()
        yield KeyBar()

    def top(self) -> Widget:
        """The first line."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        raise NotImplementedError

    def below(self) -> Iterable[Widget]:
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self not in self.app.screen_stack:  # its widgets go one by one; its key bar may still ask
            return False
        return self.frame.offers(action) and self.available(action)

    def available(self, action: str) -> bool | None:
        """False means that the action is not there, None that it cannot be used now."""
        return True

    def leads_to(self, action: str) -> bool:
        """Whether this way of the app leads away from here."""
        return True

    def action_back(self) -> None:
        way_back_of(self).back()

    def show_error(self, error: LoomtuiError, title: str = "This could not be done") -> None:
        self.app.push_screen(ErrorDialog(title, error))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            way_back_of(self).show_fault(event.worker.error)
