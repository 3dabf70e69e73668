"""Home: one row a node, polled each by itself, and what it all says of the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.message import Message
from textual.widgets import DataTable, Static

from loomtui.fleet.probes.findings import Findings, worth_asking
from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.matching import Matcher
from screens.base import LoomScreen
from screens.context import app_of
from screens.health.node_acts import HealthActs
from screens.health.node_facts import strip
from screens.health.node_panes import NodePanes
from screens.health.node_rows import SORTS, Look, Rows, columns_for, looks, ordered, row_text, title, told
from screens.health.node_screen import NodeScreen
from screens.health.verdict_head import verdict_text
from screens.input import keys
from screens.text import content
from screens.text.words import Tone
from screens.widgets.filter_line import FilterLine
from screens.widgets.table import Table

if TYPE_CHECKING:
    from rich.text import Text
    from textual.widget import Widget

_REFRESH_SECONDS = 2.0
#: Lines above the rows, on a low terminal and on a high one.
_HEAD_LOW, _HEAD_HIGH = 5, 10
_HIGH = 32


class HealthScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Cluster health"
    HELP: ClassVar[str] = (
        "One row a node, looked at every two seconds. The line above the rows says what it means for the "
        "cluster, why, and what to do: only heights that grow on every node, with equal app hashes and all "
        "peers there, are health. 'Growth' is drawn from look to look, to one scale for all: ▁ stood still, "
        "· gave no answer. 'Lag' is how many blocks a node is behind the highest. 'Peers' counts the other "
        "validators by node ID; with a ? not every ID is known. 'Age' is how old a row is: "
        "one that grows old is of a node that does not answer. Wider terminals show more columns, higher "
        "ones more of the node under the cursor; {health.open} tells all of it."
    )
    BINDINGS = keys.bindings(keys.HEALTH, keys.REFRESH, keys.COPY)

    class NodeSeen(Message):
        def __init__(self, status: NodeStatus) -> None:
            super().__init__()
            self.status = status

    class Learned(Message):
        def __init__(self, findings: Findings) -> None:
            super().__init__()
            self.findings = findings

    def __init__(self) -> None:
        super().__init__()
        self.marks: frozenset[str] = frozenset()
        self.acts = HealthActs(self)
        self._look_now = asyncio.Event()
        self._matcher = Matcher()
        self._by = SORTS[0]
        self._turned = False
        self._explained = False
        self._widths: Mapping[str, int] = {}

    def body(self) -> Iterable[Widget]:
        yield Static(id="verdict")
        yield Table(id="nodes")
        yield FilterLine(hint="a regular expression; ! in front inverts", id="filter")
        yield Static(id="strip")
        yield NodePanes(id="panes")

    def on_mount(self) -> None:
        super().on_mount()
        self._lay_columns()
        self.show()
        self.query_one(Table).focus()
        self.set_interval(1, self.show)

    def start_polling(self) -> None:
        """Once the engine is open."""
        for node in self.context.engine.inventory.nodes:
            self.run_worker(
                self._poll(node.name),
                name=node.name,
                group=f"look-{node.name}",
                exclusive=True,
                exit_on_error=False,
            )
        self.query_one(NodePanes).begin()

    async def _poll(self, node: str) -> None:
        """Re-armed after each look, so that looks never pile up."""
        previous: NodeStatus | None = None
        while True:
            previous = await self.context.engine.look(node, previous)
            self.post_message(self.NodeSeen(previous))
            try:
                async with asyncio.timeout(_REFRESH_SECONDS):
                    await self._look_now.wait()
            except TimeoutError:
                continue

    def on_health_screen_node_seen(self, message: NodeSeen) -> None:
        watch = self.context.watch
        watch.saw(message.status, self.context.now())
        wrong = worth_asking(watch.verdict)
        if wrong and not self._explained:
            self.run_worker(self._ask_why(), group="why", exclusive=True, exit_on_error=False)
        self._explained = wrong
        self.show()

    async def _ask_why(self) -> None:
        """Once for each trouble: the keys and the last log lines tell what heights do not."""
        self.post_message(self.Learned(await self.context.findings()))

    def on_health_screen_learned(self, message: Learned) -> None:
        self.context.watch.learn(message.findings)
        self.show()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        self._lay_columns()
        self.show()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_node()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_open_node()

    def on_filter_line_typed(self, message: FilterLine.Typed) -> None:
        self._matcher = message.matcher
        self.show()

    def on_filter_line_left(self) -> None:
        self.query_one(Table).focus()

    def action_refresh_now(self) -> None:
        """Wakes each poll once: the next wait is for another event."""
        self._look_now.set()
        self._look_now = asyncio.Event()
        self.query_one(NodePanes).read_again()

    def action_open_node(self) -> None:
        marked = self.query_one(Table).marked
        if marked is not None:
            self.app.push_screen(NodeScreen(marked))

    def action_mark(self) -> None:
        under = self.query_one(Table).marked
        if under is not None:
            self.marks ^= {under}
            self.show()

    def action_mark_all(self) -> None:
        shown = frozenset(look.node.name for look in self._shown())
        self.marks = frozenset() if self.marks >= shown else self.marks | shown
        self.show()

    def action_act(self) -> None:
        self.acts.ask(self.chosen())

    def action_copy(self) -> None:
        self.acts.copy(self.chosen())

    def action_filter(self) -> None:
        self.query_one(FilterLine).ask()

    def action_sort(self, by: int) -> None:
        self._by = SORTS[(SORTS.index(self._by) + by) % len(SORTS)]
        self._turned = False
        self._lay_columns(anew=True)
        self.show()

    def action_reverse(self) -> None:
        self._turned = not self._turned
        self._lay_columns(anew=True)
        self.show()

    def chosen(self) -> tuple[str, ...]:
        """The marked nodes; where none is marked, the one under the cursor."""
        under = self.query_one(Table).marked
        names = self.marks or ({under} if under is not None else frozenset())
        return tuple(name for name in self.context.engine.inventory.names if name in names)

    def available(self, action: str) -> bool | None:
        return False if action == "back" else super().available(action)

    def show(self) -> None:
        """Nothing is drawn on a screen that nobody sees."""
        if not self.is_current or not self.is_attached:
            return
        table = self.query_one(Table)
        shown = self._shown()
        table.rearrange({look.node.name: self._cells(table, look) for look in shown})
        high = self.app.size.height >= _HIGH
        room = (_HEAD_HIGH if high else _HEAD_LOW, self.app.size.width - 4)
        head = verdict_text(self.context.watch.verdict, self.context.watch.causes, self._notes(), room)
        self.query_one("#verdict", Static).update(head)
        total = len(self.context.engine.inventory.nodes)
        self.query_one(".frame").border_subtitle = content.line(
            told(len(shown), total, len(self.marks), self._by, turned=self._turned, typed=self._matcher.typed)
        )
        self._show_node()

    def _shown(self) -> tuple[Look, ...]:
        inventory, watch = self.context.engine.inventory, self.context.watch
        rows, widths = Rows(inventory, watch), columns_for(1_000, inventory)
        found = ordered(looks(inventory, watch, self.context.now()), self._by, turned=self._turned)
        return tuple(
            look
            for look in found
            if self._matcher.takes(row_text(rows.cells(look, widths, marked=False), look))
        )

    def _show_node(self) -> None:
        under = self.query_one(Table).marked
        status = self.context.watch.latest.get(under) if under is not None else None
        self.query_one("#strip", Static).update(
            strip(under, status, self.context.now()) if under is not None else content.text("No row matches.")
        )
        self.query_one(NodePanes).show(under)

    def _lay_columns(self, *, anew: bool = False) -> None:
        """Only where the width or the titles changed."""
        room = self.app.size.width - (2 if self.app.size.width < 100 else 4)
        widths = columns_for(room, self.context.engine.inventory)
        if widths == self._widths and not anew:
            return
        self._widths = widths
        table = self.query_one(Table)
        under = table.marked
        table.clear(columns=True)
        for name, cells in widths.items():
            table.add_column(self._title(table, name), key=name, width=cells + 1)
        table.rearrange({look.node.name: self._cells(table, look) for look in self._shown()}, under=under)

    def _title(self, table: Table, name: str) -> Text:
        return table.cell(title(name, self._by, turned=self._turned), Tone.DIM)

    def _cells(self, table: Table, look: Look) -> dict[str, Text]:
        made = Rows(self.context.engine.inventory, self.context.watch).cells(
            look, self._widths, marked=look.node.name in self.marks
        )
        return {name: table.cell(cell.text, cell.tone, right=cell.right) for name, cell in made.items()}

    def _notes(self) -> tuple[str, ...]:
        unfinished = app_of(self).unfinished()
        if unfinished and not self.context.writable:
            return (f"The restore {unfinished[0].id} is unfinished. To go on: loomtui restore",)
        return ()
