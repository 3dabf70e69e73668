"""What is known of one node, beside its last log lines and its unit.

It is below the rows if there is room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.message import Message
from textual.worker import Worker, WorkerState

from loomtui.errors import LoomtuiError
from loomtui.fleet.probes.log_line import LogLine
from screens import workers
from screens.context import context_of
from screens.health.node_facts import log_section, sections, status_sections, unit_section
from screens.navigation import navigation_of
from screens.text import content
from screens.text.words import Tone
from screens.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.widget import Widget

_LINES = 30
_AGAIN_SECONDS = 15.0


class NodePanes(Horizontal):
    class Read(Message):
        """The last lines of a node's log, or why there are none."""

        def __init__(self, node: str, lines: tuple[LogLine, ...], problem: str) -> None:
            super().__init__()
            self.node = node
            self.lines = lines
            self.problem = problem

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._node: str | None = None
        self._lines: tuple[LogLine, ...] | None = None
        self._problem = ""
        self._reading = False

    def compose(self) -> Iterable[Widget]:
        yield Pane(id="about")
        yield Pane(id="recent")

    def begin(self) -> None:
        """Begins once the engine is open."""
        self._reading = True
        self.read_again()

    def show(self, node: str | None) -> None:
        if node != self._node:
            self._node, self._lines, self._problem = node, None, ""
            self.read_again()
        self._draw()

    def read_again(self) -> None:
        """Does not read for a node that the cursor only passes, nor if nobody sees it."""
        if self._reading and self._node is not None and self.display:
            workers.start(self, partial(self._keep_reading, self._node), group="recent")

    async def _keep_reading(self, node: str) -> None:
        context = context_of(self)
        while True:
            await asyncio.sleep(context.settle_seconds / 2)
            try:
                self.post_message(self.Read(node, await context.engine.recent((node,), _LINES), ""))
            except LoomtuiError as error:
                self.post_message(self.Read(node, (), error.what))
            await asyncio.sleep(_AGAIN_SECONDS)

    def on_node_panes_read(self, message: Read) -> None:
        if message.node == self._node:
            self._lines, self._problem = message.lines, message.problem
            self._draw()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            navigation_of(self).show_fault(event.worker.error)

    def _draw(self) -> None:
        context = context_of(self)
        status = context.watch.latest.get(self._node) if self._node is not None else None
        if status is None:
            self.query_one("#about", Pane).show(content.text("Not looked at yet.", Tone.DIM))
            self.query_one("#recent", Pane).show(content.text(""))
            return
        self.query_one("#about", Pane).show(sections(status_sections(status, None, context.now())))
        log_lines = log_section(self._lines, self._problem)
        self.query_one("#recent", Pane).show(sections((log_lines, unit_section(status))))
