"""Home: one row a node, polled each by itself, and what it all says of the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import DataTable, Static

from loomtui.fleet.status import NodeStatus
from loomtui.inventory.model import Node, Role
from screens import content, keys
from screens.base import LoomScreen
from screens.desk import app_of
from screens.node import NodeScreen
from screens.node_facts import strip
from screens.widgets.table import Table
from screens.words import (
    CLUSTER_MARKS,
    NOTHING,
    STALE_AFTER,
    Tone,
    ago,
    count,
    cut,
    node_mark,
    number,
    offset,
    short_id,
    short_size,
)

if TYPE_CHECKING:
    from rich.text import Text
    from textual.widget import Widget

_REFRESH_SECONDS = 2.0
_COLUMNS = ("node", "state", "since", "height", "peers", "id", "disk", "version", "clock", "age")
_TITLES = dict(
    zip(
        _COLUMNS,
        ("Node", "State", "Since", "Height", "Peers", "Node ID", "Free", "Loom", "Clock", "Age"),
        strict=True,
    )
)
#: At 80 cells these stand in the line below the table instead.
_WIDE_ONLY = frozenset({"version", "clock"})


class HealthScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Cluster health"
    HELP: ClassVar[str] = (
        "One row a node, looked at every two seconds. The line above the table says what it means for the "
        "cluster: only heights that grow on every node, with equal app hashes and all peers there, are "
        "health. 'Age' is how old a row is: a row that grows old is of a node that does not answer any "
        "more. The lines below the table tell more of the marked node; enter tells all."
    )
    BINDINGS = keys.bindings(keys.HEALTH, keys.REFRESH)

    class NodeSeen(Message):
        def __init__(self, status: NodeStatus) -> None:
            super().__init__()
            self.status = status

    def __init__(self) -> None:
        super().__init__()
        self._look_now = asyncio.Event()

    def body(self) -> Iterable[Widget]:
        yield Static(id="verdict")
        yield Table(id="nodes")
        yield Static(id="strip")

    def on_mount(self) -> None:
        super().on_mount()
        self._lay_columns()
        self.show()
        self.query_one(Table).focus()
        self.set_interval(1, self.show)

    def start_polling(self) -> None:
        """Once the engine is open."""
        for node in self.desk.engine.inventory.nodes:
            self.run_worker(
                self._poll(node.name),
                name=node.name,
                group=f"look-{node.name}",
                exclusive=True,
                exit_on_error=False,
            )

    async def _poll(self, node: str) -> None:
        """Re-armed after each look, so that looks never pile up."""
        previous: NodeStatus | None = None
        while True:
            previous = await self.desk.engine.look(node, previous)
            self.post_message(self.NodeSeen(previous))
            try:
                async with asyncio.timeout(_REFRESH_SECONDS):
                    await self._look_now.wait()
            except TimeoutError:
                continue

    def on_health_screen_node_seen(self, message: NodeSeen) -> None:
        self.desk.watch.saw(message.status, self.desk.now())
        self.show()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        self._lay_columns()
        self.show()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_strip()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_open_node()

    def action_refresh_now(self) -> None:
        """Wakes each poll once: the next wait is for another event."""
        self._look_now.set()
        self._look_now = asyncio.Event()

    def action_open_node(self) -> None:
        marked = self.query_one(Table).marked
        if marked is not None:
            self.app.push_screen(NodeScreen(marked))

    def available(self, action: str) -> bool | None:
        return False if action == "back" else super().available(action)

    def show(self) -> None:
        """Nothing is drawn on a screen that nobody sees."""
        if not self.is_current or not self.is_attached:
            return
        table = self.query_one(Table)
        for node in self.desk.engine.inventory.nodes:
            table.put(node.name, self._cells(table, node))
        self.query_one("#verdict", Static).update(self._verdict())
        self._show_strip()

    def _show_strip(self) -> None:
        marked = self.query_one(Table).marked
        if marked is not None:
            status = self.desk.watch.latest.get(marked)
            self.query_one("#strip", Static).update(strip(marked, status, self.desk.now()))

    def _lay_columns(self) -> None:
        """Fewer columns where the terminal is narrow; only a change of width comes here."""
        table = self.query_one(Table)
        wanted = [name for name in _COLUMNS if self.app.size.width >= 100 or name not in _WIDE_ONLY]
        if [column.value for column in table.columns] == wanted:
            return
        marked = table.cursor_row
        table.clear(columns=True)
        for name in wanted:
            table.add_column(table.cell(_TITLES[name], Tone.DIM), key=name)
        for node in self.desk.engine.inventory.nodes:
            table.put(node.name, self._cells(table, node))
        table.move_cursor(row=marked)

    def _cells(self, table: Table, node: Node) -> dict[str, Text]:
        cells = self._all_cells(table, node, self.desk.watch.latest.get(node.name))
        return {column.value: cells[column.value] for column in table.columns if column.value is not None}

    def _all_cells(self, table: Table, node: Node, status: NodeStatus | None) -> dict[str, Text]:
        now = self.desk.now()
        chain = status.chain if status else None
        service = status.service if status else None
        age = now - status.at if status else None
        stale = age is not None and age > STALE_AFTER
        name = f"{node.name} (backup)" if node.role is Role.BACKUP else node.name
        plain = Tone.DIM if stale else Tone.PLAIN
        node_id = status.node_key.node_id if status and status.node_key else None
        return {
            "node": table.cell(cut(name, 18), Tone.STRONG),
            "state": table.cell(node_mark(status)),
            "since": table.cell(ago(service.since, now) if service else NOTHING, plain, right=True),
            "height": table.cell(number(chain.height if chain else None), plain, right=True),
            "peers": table.cell(self._peers(status), plain, right=True),
            "id": table.cell(short_id(node_id), plain),
            "disk": table.cell(short_size(status.disk_free_bytes if status else None), plain, right=True),
            "version": table.cell(cut((status.version if status else None) or NOTHING, 16), plain),
            "clock": table.cell(offset(status.clock_offset_seconds if status else None), plain, right=True),
            "age": table.cell(
                ago(status.at, now) if status else NOTHING, Tone.WARN if stale else Tone.DIM, right=True
            ),
        }

    def _peers(self, status: NodeStatus | None) -> str:
        """So many of so many: all other nodes are expected, for the backup node dials the live ones."""
        if status is None or status.chain is None or status.chain.peers is None:
            return NOTHING
        nodes = self.desk.engine.inventory.nodes
        backups = sum(1 for node in nodes if node.role is Role.BACKUP and status.role is Role.BACKUP)
        return f"{status.chain.peers}/{len(nodes) - max(1, backups)}"

    def _verdict(self) -> Content:
        verdict = self.desk.watch.verdict
        parts = [
            content.row(content.mark(CLUSTER_MARKS[verdict.state]), "  ", content.line(verdict.sentence))
        ]
        parts += [content.row("  · ", content.line(reason)) for reason in verdict.reasons[:4]]
        if len(verdict.reasons) > 4:
            parts.append(content.line(f"  · and {count(len(verdict.reasons) - 4, 'finding')} more", Tone.DIM))
        unfinished = app_of(self).unfinished()
        if unfinished and not self.desk.writable:
            parts.append(
                content.line(
                    f"▲ The restore {unfinished[0].id} is unfinished. To go on: loomtui restore", Tone.WARN
                )
            )
        return content.lines(parts)
