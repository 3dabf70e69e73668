"""One node: all that is known of it, and the dear look that is made on asking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.widgets import Static

from loomtui.errors import LoomtuiError
from loomtui.fleet.status import NodeDetails
from screens import content, keys
from screens.base import LoomScreen
from screens.node_facts import facts
from screens.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.widget import Widget


class NodeScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Node"
    HELP: ClassVar[str] = (
        "Everything that is known of one node: its service, what it says of the chain, its identity, "
        "its databases, and the unit that systemd has in force, drop-ins included."
    )
    BINDINGS = keys.bindings(keys.COPY, keys.REFRESH)

    class Looked(Message):
        def __init__(self, details: NodeDetails) -> None:
            super().__init__()
            self.details = details

    class Failed(Message):
        def __init__(self, error: LoomtuiError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, node: str) -> None:
        super().__init__()
        self.node = node
        self._details: NodeDetails | None = None
        self._note = "Looking closer …"

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield Pane(id="facts")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(".frame").border_title = content.line(f"Node {self.node}")
        self.query_one(Pane).focus()
        self.set_interval(1, self.show)
        self.show()
        self.action_refresh_now()

    def action_refresh_now(self) -> None:
        self._note = "Looking closer …"
        self.run_worker(self._look(), group="details", exclusive=True, exit_on_error=False)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.query_one(Pane).text.plain)
        content.tell(self, "Copied to the clipboard.")

    async def _look(self) -> None:
        try:
            self.post_message(self.Looked(await self.desk.engine.details(self.node)))
        except LoomtuiError as error:
            self.post_message(self.Failed(error))

    def on_node_screen_looked(self, message: Looked) -> None:
        self._details, self._note = message.details, ""
        self.show()

    def on_node_screen_failed(self, message: Failed) -> None:
        self._note = f"The closer look failed: {message.error}"
        self.show()

    def show(self) -> None:
        if not self.is_current:
            return
        note = self.query_one("#note", Static)
        note.update(content.text(self._note))
        note.display = bool(self._note)
        status = self.desk.watch.latest.get(self.node) or (self._details.status if self._details else None)
        self.query_one(Pane).show(facts(status, self._details, self.desk.now()))
