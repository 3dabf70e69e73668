"""What every screen has: the cluster's name and mark, a frame, the keys, and in read-only mode no danger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from loomtui.errors import LoomtuiError
from screens.cluster_bar import ClusterBar
from screens.context import AppContext, context_of
from screens.input import keys
from screens.modals.text import ErrorDialog
from screens.navigation import navigation_of
from screens.text import content
from screens.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from textual.widget import Widget


class LoomScreen(Screen[None]):
    """`HELP` explains the screen, with its keys for `keys.spoken`. `body` yields what is in the frame."""

    NAME_SHOWN: ClassVar[str] = ""
    HELP: ClassVar[str] = ""
    BINDINGS = keys.bindings(keys.BACK)

    @property
    def context(self) -> AppContext:
        return context_of(self)

    def compose(self) -> ComposeResult:
        yield ClusterBar()
        with Vertical(classes="frame") as frame:
            frame.border_title = content.text(self.NAME_SHOWN)
            yield from self.body()
        yield from self.below()
        yield KeyBar()

    def body(self) -> Iterable[Widget]:
        raise NotImplementedError

    def below(self) -> Iterable[Widget]:
        return ()

    def on_mount(self) -> None:
        self.set_class(self.context.engine.inventory.production, "-production")
        self.set_class(self.context.drill is not None, "-practice")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self not in self.app.screen_stack:  # its widgets go one by one; its key bar may still ask
            return False
        return self.context.offers(action) and self.available(action)

    def available(self, action: str) -> bool | None:
        """False means that the action is not there, None that it cannot be used now."""
        return True

    def action_back(self) -> None:
        navigation_of(self).back()

    def show_error(self, error: LoomtuiError, title: str = "This could not be done") -> None:
        self.app.push_screen(ErrorDialog(title, error))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            navigation_of(self).show_fault(event.worker.error)
