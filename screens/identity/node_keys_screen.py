"""A matrix of every node's identity against every reference to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.widgets import DataTable, Static

from loomtui.errors import LoomtuiError
from loomtui.inventory.model import Role
from loomtui.loom.references import KeyReport, Mismatch, MismatchKind, NodeFacts
from loomtui.wording.quantities import NOTHING, count
from screens import clipboard
from screens.input import keys
from screens.table_screen import TableScreen
from screens.text import content
from screens.text.words import Mark, Tone, cut, short_id
from screens.widgets.pane import Pane
from screens.widgets.table import Table

if TYPE_CHECKING:
    from rich.text import Text
    from textual.content import Content
    from textual.widget import Widget

_COLUMNS = (("node", "On node"), ("id", "Own ID"), ("reported", "nodekey"))
#: Columns of nodes that are meant. Of more nodes, those about which something is wrong have one, and all
#: others one together: a matrix of 300 nodes would have 90,000 cells.
_MOST_MEANT = 40
_OTHERS = "others"
RIGHT = Mark("✓", "right", Tone.GOOD)
SELF = Mark("·", "itself", Tone.DIM)
NOT_LISTED = Mark("·", "not listed", Tone.DIM)
NOT_KNOWN = Mark("?", "not known", Tone.WARN)
NO_UNIT = Mark("?", "no unit", Tone.WARN)
_MARKS = {
    MismatchKind.WRONG_ID: Mark("✗", "wrong ID", Tone.BAD),
    MismatchKind.WRONG_ADDRESS: Mark("✗", "address", Tone.BAD),
    MismatchKind.WRONG_PORT: Mark("✗", "port", Tone.BAD),
    MismatchKind.UPPER_CASE: Mark("✗", "upper case", Tone.BAD),
    MismatchKind.MISSING: Mark("○", "missing", Tone.WARN),
    MismatchKind.SELF: Mark("▲", "lists self", Tone.WARN),
    MismatchKind.BACKUP_NODE_LISTED: Mark("▲", "listed", Tone.WARN),
    MismatchKind.DUPLICATE_IDENTITY: Mark("✗", "same key", Tone.BAD),
    MismatchKind.BAD_ENTRY: Mark("✗", "bad entry", Tone.BAD),
    MismatchKind.STALE_ADDRBOOK: Mark("▲", "addrbook", Tone.WARN),
    MismatchKind.REPORTED_DIFFERS: Mark("✗", "differs", Tone.BAD),
    MismatchKind.NO_KEY: Mark("✗", "no key", Tone.BAD),
    MismatchKind.UNKNOWN_PEER: Mark("?", "unknown", Tone.WARN),
    MismatchKind.PEERS_UNKNOWN: NOT_KNOWN,
}


class NodeKeysScreen(TableScreen):
    NAME_SHOWN: ClassVar[str] = "Node keys"
    HELP: ClassVar[str] = (
        "Each row is a node that lists others, and each column is the node that it means. ✓ is right, ✗ is "
        "wrong, ○ is missing, ? is not known. 'Own ID' is derived from the node's key file, and the key does "
        "not leave the node; 'nodekey' is what the node's own program prints. Below you see what is wrong on "
        "the marked node, with the fix. In a cluster of more than 40 nodes, only those about which something "
        "is wrong have a column of their own."
    )
    BINDINGS = keys.bindings(keys.COPY)
    LOADING: ClassVar[Content | str] = "Looking at every node's key and peers …"

    class Compared(Message):
        def __init__(self, report: KeyReport, unreachable: Mapping[str, LoomtuiError]) -> None:
            super().__init__()
            self.report = report
            self.unreachable = unreachable

    def __init__(self) -> None:
        super().__init__()
        self._report: KeyReport | None = None

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield Table(id="matrix")
        yield Pane(id="findings")

    def columns(self) -> Sequence[tuple[str, str]]:
        names = self.context.engine.inventory.names
        shown = meant_nodes(names, self._report)
        others = ((_OTHERS, "→ others"),) if len(shown) < len(names) else ()
        return *_COLUMNS, *((f"about:{node}", f"→ {cut(node, 10)}") for node in shown), *others

    async def load(self) -> None:
        self.post_message(self.Compared(*await self.context.engine.key_report()))

    def on_node_keys_screen_compared(self, message: Compared) -> None:
        self._report = message.report
        table = self.query_one(Table)
        if [key for key, _ in self.columns()] != [key.value for key in table.columns]:
            self._lay_columns(table)
        worst = worst_mismatches(message.report)
        for node in message.report.nodes:
            table.put(node.name, self._cells(table, node, worst))
        self.say(_summary_text(message.report, message.unreachable))
        self._show_findings()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_findings()

    def action_copy(self) -> None:
        clipboard.copy(self, self.query_one(Pane).text.plain)

    def _show_findings(self) -> None:
        node_name = self.query_one(Table).marked
        if self._report is not None and node_name is not None:
            self.query_one(Pane).show(findings_text(self._report, node_name))

    def _lay_columns(self, table: Table) -> None:
        """Lays them anew: which nodes have one depends on what is wrong."""
        table.clear(columns=True)
        for key, title in self.columns():
            table.add_column(table.cell(title, Tone.DIM), key=key)

    def _cells(self, table: Table, node: NodeFacts, worst: Worst) -> dict[str, Text]:
        cells = {
            "node": table.cell(cut(node.name, 14), Tone.STRONG),
            "id": table.cell(short_id(node.node_id)),
            "reported": table.cell(_reported_mark(node)),
        }
        inventory = self.context.engine.inventory
        shown = frozenset(meant_nodes(inventory.names, self._report))
        for other in inventory.nodes:
            if other.name in shown:
                mark = reference_mark(worst, node, other.name, other.role)
                cells[f"about:{other.name}"] = table.cell(mark)
        if len(shown) < len(inventory.nodes):
            cells[_OTHERS] = table.cell(others_mark(worst, node, shown))
        return cells


def _reported_mark(node: NodeFacts) -> Mark:
    if node.reported is None:
        return (
            Mark("·", "not run", Tone.DIM)
            if node.reported_problem is None
            else Mark("▲", "no answer", Tone.WARN)
        )
    return (
        Mark("✓", "same", Tone.GOOD) if node.reported == node.id_of_file else Mark("✗", "differs", Tone.BAD)
    )


Worst = Mapping[tuple[str, str | None], Mismatch]


def worst_mismatches(report: KeyReport) -> Worst:
    """The worst by the node that holds the reference and the one that is meant."""
    worst: dict[tuple[str, str | None], Mismatch] = {}
    for mismatch in report.mismatches:
        known = worst.setdefault((mismatch.on, mismatch.about), mismatch)
        if mismatch.blocking and not known.blocking:
            worst[mismatch.on, mismatch.about] = mismatch
    return worst


def meant_nodes(names: Sequence[str], report: KeyReport | None) -> Sequence[str]:
    """The nodes that have a column of their own."""
    if len(names) <= _MOST_MEANT:
        return names
    wrong = {mismatch.about for mismatch in report.mismatches} if report else frozenset()
    return [name for name in names if name in wrong][:_MOST_MEANT]


def reference_mark(worst: Worst, node: NodeFacts, about: str, role: Role) -> Mark:
    """What `node`'s unit says about another node, in one word."""
    mismatch = worst.get((node.name, about))
    if mismatch is not None:
        return _MARKS[mismatch.kind]
    if about == node.name:
        return SELF
    if node.unit is None:
        return NO_UNIT
    if not node.peers_known:
        return NOT_KNOWN
    return NOT_LISTED if role is Role.BACKUP else RIGHT


def others_mark(worst: Worst, node: NodeFacts, shown: Set[str]) -> Mark:
    """What `node`'s unit says about all nodes that have no column of their own."""
    wrong = sum(1 for on, about in worst if on == node.name and about is not None and about not in shown)
    if wrong:
        return Mark("✗", f"{wrong} wrong", Tone.BAD)
    if node.unit is None:
        return NO_UNIT
    return RIGHT if node.peers_known else NOT_KNOWN


def _summary_text(report: KeyReport, unreachable: Mapping[str, LoomtuiError]) -> Content:
    missing_lines = [
        content.line(f"✗ {name} is not compared: {error.what}", Tone.BAD)
        for name, error in unreachable.items()
    ]
    return content.lines([_verdict_line(report, complete=not missing_lines), *missing_lines])


def _verdict_line(report: KeyReport, *, complete: bool) -> Content:
    blocking_count = sum(1 for mismatch in report.mismatches if mismatch.blocking)
    other_count = len(report.mismatches) - blocking_count
    if report.ok and report.unknown:
        who = ", ".join(report.unknown)
        return content.line(f"▲ What was read is right; whom {who} lists is not known.", Tone.WARN)
    if report.ok:
        others_text = f"; {count(other_count, 'finding')} worth knowing" if other_count else ""
        text = (
            "● Every reference is right" if complete else "▲ Every reference that could be compared is right"
        )
        return content.line(f"{text}{others_text}.", Tone.GOOD if complete else Tone.WARN)
    return content.line(
        f"✗ {count(blocking_count, 'reference')} wrong: peers will not connect. 'd' shows the fix.", Tone.BAD
    )


def findings_text(report: KeyReport, node_name: str) -> Content:
    """What is wrong on one node, then what is wrong elsewhere."""
    mismatches = [mismatch for mismatch in report.mismatches if mismatch.on == node_name]
    node = next((node for node in report.nodes if node.name == node_name), None)
    parts: list[Content | str] = [
        content.line(f"On {node_name}: ID {(node.node_id if node else None) or NOTHING}", Tone.STRONG)
    ]
    if node is not None and node.reported_problem:
        parts.append(content.line(f"▲ loom nodekey: {node.reported_problem}", Tone.WARN))
    if not mismatches:
        parts.append(content.line("✓ nothing wrong on this node", Tone.GOOD))
    for mismatch in mismatches:
        parts.append(
            content.line(
                f"{'✗' if mismatch.blocking else '▲'} {mismatch.message}",
                Tone.BAD if mismatch.blocking else Tone.WARN,
            )
        )
        parts += [
            content.row("    ", content.fact(name, value, 9))
            for name, value in (
                ("in", mismatch.where),
                ("expected", mismatch.expected),
                ("found", mismatch.found),
            )
            if value
        ]
    return content.lines(parts)
