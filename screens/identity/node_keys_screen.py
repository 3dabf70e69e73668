"""A matrix of every node's identity against every reference to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
        "the marked node, with the fix."
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
        return *_COLUMNS, *((f"about:{node}", f"→ {cut(node, 10)}") for node in names)

    async def load(self) -> None:
        self.post_message(self.Compared(*await self.context.engine.key_report()))

    def on_node_keys_screen_compared(self, message: Compared) -> None:
        self._report = message.report
        table = self.query_one(Table)
        for node in message.report.nodes:
            table.put(node.name, self._cells(table, node, message.report))
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

    def _cells(self, table: Table, node: NodeFacts, report: KeyReport) -> dict[str, Text]:
        cells = {
            "node": table.cell(cut(node.name, 14), Tone.STRONG),
            "id": table.cell(short_id(node.node_id)),
            "reported": table.cell(_reported_mark(node)),
        }
        for other in self.context.engine.inventory.nodes:
            cells[f"about:{other.name}"] = table.cell(reference_mark(report, node, other.name, other.role))
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


def reference_mark(report: KeyReport, node: NodeFacts, about: str, role: Role) -> Mark:
    """What `node`'s unit says about another node, in one word."""
    mismatch = _worst_mismatch(report, node.name, about)
    if mismatch is not None:
        return _MARKS[mismatch.kind]
    if about == node.name:
        return SELF
    if node.unit is None:
        return NO_UNIT
    if not node.peers_known:
        return NOT_KNOWN
    return NOT_LISTED if role is Role.BACKUP else RIGHT


def _worst_mismatch(report: KeyReport, on: str, about: str) -> Mismatch | None:
    mismatches = [mismatch for mismatch in report.mismatches if mismatch.on == on and mismatch.about == about]
    return next(
        (mismatch for mismatch in mismatches if mismatch.blocking), mismatches[0] if mismatches else None
    )


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
