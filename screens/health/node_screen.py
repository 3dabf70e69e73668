"""One node: all that is known of it, and the expensive look that is made on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from loomtui.errors import LoomtuiError
from loomtui.fleet.probes.log_line import LogLine
from loomtui.fleet.probes.node_status import NodeDetails
from screens import clipboard, workers
from screens.base import LoomScreen
from screens.health.node_facts import Section, log_section, sections, status_sections, unit_section
from screens.health.node_files import file_lines
from screens.input import keys
from screens.text import content
from screens.text.words import Tone
from screens.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.widget import Widget

_LINES = 30
#: From so many cells on, log and unit stand beside the facts.
_WIDE = 160


class NodeScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Node"
    HELP: ClassVar[str] = (
        "This screen shows everything that is known of one node: its service, what it says of the chain, its "
        "identity, its databases, its configuration files with their digests against those of the other "
        "nodes, its last log lines, and the unit that systemd has in force, drop-ins included. The closer "
        "look reads the other nodes' files, too; {screen.refresh} looks again."
    )
    BINDINGS = keys.bindings(keys.COPY, keys.REFRESH)

    class DetailsRead(Message):
        def __init__(self, node: str, result: NodeDetails | LoomtuiError) -> None:
            super().__init__()
            self.node = node
            self.result = result

    class Read(Message):
        def __init__(self, lines: tuple[LogLine, ...], problem: str) -> None:
            super().__init__()
            self.lines = lines
            self.problem = problem

    def __init__(self, node: str) -> None:
        super().__init__()
        self.node = node
        self._results: dict[str, NodeDetails | LoomtuiError] = {}
        self._lines: tuple[LogLine, ...] | None = None
        self._log_problem = ""

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        with Horizontal():
            yield Pane(id="facts")
            yield Pane(id="recent")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(".frame").border_title = content.line(f"Node {self.node}")
        self.query_one("#facts", Pane).focus()
        self.set_interval(1, self.show)
        self.show()
        self.action_refresh_now()

    def action_refresh_now(self) -> None:
        self._results.clear()
        for name in self.context.engine.inventory.names:
            workers.start(self, partial(self._read_details, name), group=f"details-{name}")
        workers.start(self, self._read_log, group="recent")

    def action_copy(self) -> None:
        clipboard.copy(
            self, "\n".join(pane.text.plain for pane in self.query(Pane)), f"what is known of {self.node}"
        )

    async def _read_details(self, name: str) -> None:
        try:
            self.post_message(self.DetailsRead(name, await self.context.engine.details(name)))
        except LoomtuiError as error:
            self.post_message(self.DetailsRead(name, error))

    async def _read_log(self) -> None:
        try:
            self.post_message(self.Read(await self.context.engine.recent((self.node,), _LINES), ""))
        except LoomtuiError as error:
            self.post_message(self.Read((), error.what))

    def on_screen_resume(self) -> None:
        self.show()

    def on_node_screen_details_read(self, message: DetailsRead) -> None:
        self._results[message.node] = message.result
        self.show()

    def on_node_screen_read(self, message: Read) -> None:
        self._lines, self._log_problem = message.lines, message.problem
        self.show()

    def show(self) -> None:
        if not self.is_current:
            return
        own_result = self._results.get(self.node)
        note = self.query_one("#note", Static)
        note.update(content.text(_note_text(own_result)))
        note.display = not isinstance(own_result, NodeDetails)
        details = own_result if isinstance(own_result, NodeDetails) else None
        status = self.context.watch.latest.get(self.node) or (details.status if details else None)
        if status is None:
            self.query_one("#facts", Pane).show(content.text("Not looked at yet.", Tone.DIM))
            return
        left_sections = [
            *status_sections(status, details, self.context.now()),
            ("Files, against the other nodes", self._file_lines()),
        ]
        right_sections: list[Section] = [log_section(self._lines, self._log_problem), unit_section(status)]
        wide = self.app.size.width >= _WIDE
        self.query_one("#recent", Pane).display = wide
        self.query_one("#facts", Pane).show(
            sections(left_sections if wide else [*left_sections, *right_sections])
        )
        self.query_one("#recent", Pane).show(sections(right_sections if wide else []))

    def _file_lines(self) -> Iterator[Content]:
        known_details = {
            name: result for name, result in self._results.items() if isinstance(result, NodeDetails)
        }
        if self.node not in known_details:
            yield content.text("not read", Tone.DIM)
            return
        names = self.context.engine.inventory.names
        yield from file_lines(
            self.node, known_details, tuple(name for name in names if name not in known_details)
        )


def _note_text(result: NodeDetails | LoomtuiError | None) -> str:
    if result is None:
        return "Looking closer …"
    return f"The closer look failed: {result}" if isinstance(result, LoomtuiError) else ""
