"""The home screen.

Each node has one row and is polled by itself; above is what it all says of the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.widgets import DataTable, Static

from screens.base import LoomScreen
from screens.health.cluster_verdict import ClusterVerdict
from screens.health.node_acts import HealthActs
from screens.health.node_facts import status_strip
from screens.health.node_panes import NodePanes
from screens.health.node_polls import NodePolls
from screens.health.node_screen import NodeScreen
from screens.health.node_table import NodeTable
from screens.input import keys
from screens.text import content
from screens.widgets.filter_line import FilterLine

if TYPE_CHECKING:
    from textual.widget import Widget

#: So many are drawn at each look of each of them.
_FEW_NODES = 16


class HealthScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Cluster health"
    HELP: ClassVar[str] = (
        "Each node has one row and is looked at every two seconds. The line above the rows says what this "
        "means for the cluster, why, and what to do. A cluster is healthy only if heights grow on every "
        "node, with equal app hashes and all peers there. 'Growth' is drawn from look to look, to one scale "
        "for all: ▁ stood still, · gave no answer. 'Lag' is how many blocks a node is behind the highest. "
        "'Peers' counts the other validators by node ID; with a ? not every ID is known. 'Age' is how old a "
        "row is: if it grows, the node does not answer. Wider terminals show more columns, and higher ones "
        "more of the node under the cursor; {health.open} shows all of it."
    )
    BINDINGS = keys.bindings(keys.HEALTH, keys.REFRESH, keys.COPY)

    def __init__(self) -> None:
        super().__init__()
        self._table = NodeTable(id="nodes")
        self.polls = NodePolls(self)
        self._acts = HealthActs(self)

    def body(self) -> Iterable[Widget]:
        yield ClusterVerdict(id="verdict")
        yield self._table
        yield FilterLine(hint="a regular expression; ! in front inverts", id="filter")
        yield Static(id="strip")
        yield NodePanes(id="panes")

    def on_mount(self) -> None:
        super().on_mount()
        self._table.lay_columns()
        self.show()
        self._table.focus()
        self.set_interval(1, self.show)

    def start_polling(self) -> None:
        """Starts once the engine is open."""
        self.polls.begin()
        self.query_one(NodePanes).begin()

    def on_node_polls_updated(self) -> None:
        """Of many nodes, one is always just looked at: they are drawn each second anyway."""
        if len(self.context.engine.inventory.nodes) <= _FEW_NODES:
            self.show()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        self.polls.catch_up()
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        self._table.lay_columns()
        self.show()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_node()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_open_node()

    def on_filter_line_typed(self, message: FilterLine.Typed) -> None:
        self._table.matcher = message.matcher
        self.show()

    def on_filter_line_left(self) -> None:
        self._table.focus()

    def action_refresh_now(self) -> None:
        self.polls.look_now()
        self.polls.dial_again()
        self.query_one(NodePanes).read_again()

    def action_open_node(self) -> None:
        node = self._table.marked
        if node is not None:
            self.app.push_screen(NodeScreen(node))

    def action_mark(self, which: str) -> None:
        """`one` is the node under the cursor; `all` are those that are shown, or none."""
        if which == "all":
            self._table.mark_all()
        else:
            self._table.mark()
        self.show()

    def action_act(self) -> None:
        self._acts.ask(self._table.chosen, self._table.marks)

    def action_copy(self) -> None:
        self._acts.copy(self._table.marks)

    def action_filter(self) -> None:
        self.query_one(FilterLine).ask()

    def action_sort(self, by: int) -> None:
        self._table.order_by_next(by)
        self.show()

    def action_reverse(self) -> None:
        self._table.turn_order()
        self.show()

    def available(self, action: str) -> bool | None:
        return False if action == "back" else super().available(action)

    def show(self) -> None:
        """Draws nothing on a screen that nobody sees."""
        if not self.is_current or not self.is_attached:
            return
        self._table.show()
        self.query_one(ClusterVerdict).show()
        self.query_one(".frame").border_subtitle = content.line(self._table.summary)
        self._show_node()

    def _show_node(self) -> None:
        node = self._table.marked
        status = self.context.watch.latest.get(node) if node is not None else None
        self.query_one("#strip", Static).update(
            status_strip(node, status, self.context.now())
            if node is not None
            else content.text("No row matches.")
        )
        self.query_one(NodePanes).show(node)
