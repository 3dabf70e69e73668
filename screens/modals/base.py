"""What all dialogs have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from screens.frame import FrameContext, frame_of
from screens.input import keys
from screens.text import content

if TYPE_CHECKING:
    from textual.content import Content
    from textual.widget import Widget

Answer = TypeVar("Answer")


class DialogText(VerticalScroll):
    """Text that scrolls when it is longer than the dialog."""

    BINDINGS = keys.bindings(keys.SCROLL)

    def __init__(self, text: Content, *, focusable: bool = False) -> None:
        super().__init__(classes="dialog-text")
        self._text = text
        self.can_focus = focusable

    def compose(self) -> ComposeResult:
        yield Static(self._text)


class Dialog(ModalScreen[Answer]):
    """`body` yields what is in the dialog; `cancelled` is the answer of escape."""

    BINDINGS = keys.bindings(keys.DIALOG)
    KIND: ClassVar[str] = ""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title_shown = title

    @property
    def frame(self) -> FrameContext:
        return frame_of(self)

    def compose(self) -> ComposeResult:
        with Vertical(classes=f"dialog {self.KIND}") as box:
            box.border_title = content.line(self.title_shown)
            box.border_subtitle = content.line(f"{self.frame.cluster} {self.frame.mark}")
            yield from self.body()

    def body(self) -> Iterable[Widget]:
        raise NotImplementedError

    def cancelled(self) -> Answer | None:
        return None

    def on_mount(self) -> None:
        self.set_class(self.frame.production, "-production")
        self.set_class(self.frame.practice, "-practice")

    def action_cancel(self) -> None:
        self.dismiss(self.cancelled())
