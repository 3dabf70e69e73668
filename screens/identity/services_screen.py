"""Every node's unit, and what would have to change in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.widgets import DataTable, Static

from loomtui.errors import LoomtuiError
from loomtui.loom.references import KeyReport, NodeFacts
from loomtui.wording.quantities import NOTHING, count
from screens import clipboard
from screens.diff.diff_pane import DiffPane
from screens.diff.diff_screen import DiffScreen
from screens.diff.diff_text import Difference, Page, page
from screens.input import keys
from screens.table_screen import TableScreen
from screens.text import content
from screens.text.words import Mark, Tone, cut
from screens.widgets.table import Table

if TYPE_CHECKING:
    from rich.text import Text
    from textual.content import Content
    from textual.widget import Widget

    from loomtui.restore.planning.identities import ServiceFix


class ServicesScreen(TableScreen, DiffScreen):
    NAME_SHOWN: ClassVar[str] = "Service definitions"
    HELP: ClassVar[str] = (
        "This screen shows the unit that systemd has in force on each node, drop-ins included, and the "
        "change that would make its list of peers right. Only the peers' values change, by identity; every "
        "other character stays as it is. Nothing is changed from here: the restore does it, with approval "
        "for each node."
    )
    BINDINGS = keys.bindings(keys.SERVICES, keys.COPY)
    LOADING: ClassVar[Content | str] = "Reading every node's unit …"
    COLUMNS: ClassVar[Sequence[tuple[str, str]]] = (
        ("node", "Node"),
        ("state", "Unit"),
        ("path", "File in force"),
        ("drop-ins", "Drop-ins"),
    )

    class Compared(Message):
        def __init__(
            self, report: KeyReport, fixes: tuple[ServiceFix, ...], unreachable: Mapping[str, LoomtuiError]
        ) -> None:
            super().__init__()
            self.report = report
            self.fixes = fixes
            self.unreachable = unreachable

    def __init__(self) -> None:
        super().__init__()
        self._facts: Mapping[str, NodeFacts] = {}
        self._fixes: Mapping[str, ServiceFix] = {}
        self._show_whole_files = False

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield Table(id="units")
        yield DiffPane(id="unit")

    async def load(self) -> None:
        report, unreachable = await self.context.engine.key_report()
        self.post_message(self.Compared(report, self.context.engine.service_fixes(report), unreachable))

    def on_services_screen_compared(self, message: Compared) -> None:
        self._facts = {node.name: node for node in message.report.nodes}
        self._fixes = {fix.node: fix for fix in message.fixes}
        table = self.query_one(Table)
        for node in message.report.nodes:
            table.put(node.name, self._cells(table, node))
        self.say(self._summary_text(message.unreachable))
        self._show_unit()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_unit()

    def action_toggle_all(self) -> None:
        self._show_whole_files = not self._show_whole_files
        self._show_unit()

    def action_copy(self) -> None:
        clipboard.copy(self, self.query_one(DiffPane).text.plain)

    def _summary_text(self, unreachable: Mapping[str, LoomtuiError]) -> Content:
        missing_lines = [
            content.line(f"✗ {name} was not read: {error.what}", Tone.BAD)
            for name, error in unreachable.items()
        ]
        return content.lines([self._verdict_line(complete=not missing_lines), *missing_lines])

    def _verdict_line(self, *, complete: bool) -> Content:
        nodes_to_change = [name for name in self._facts if self._mark(name).tone is Tone.BAD]
        unknown = [name for name, node in self._facts.items() if not node.peers_known]
        if not nodes_to_change and unknown:
            return content.line(
                f"▲ No unit that was read has to change; whom {', '.join(unknown)} lists is not known.",
                Tone.WARN,
            )
        if not nodes_to_change:
            return content.line(
                "● No unit has to change." if complete else "▲ No unit that was read has to change.",
                Tone.GOOD if complete else Tone.WARN,
            )
        return content.line(
            f"✗ {count(len(nodes_to_change), 'unit')} would have to change: {', '.join(nodes_to_change)}",
            Tone.BAD,
        )

    def _mark(self, name: str) -> Mark:
        node, fix = self._facts[name], self._fixes.get(name)
        if node.unit is None:
            return Mark("?", "not read", Tone.WARN)
        if (fix is None or not fix.needed) and not node.peers_known:
            return Mark("?", "not known", Tone.WARN)
        if fix is None or not fix.needed:
            return Mark("✓", "right", Tone.GOOD)
        return Mark("✗", "by hand", Tone.BAD) if fix.problem else Mark("✗", "to change", Tone.BAD)

    def _cells(self, table: Table, node: NodeFacts) -> dict[str, Text]:
        files = node.unit.files if node.unit else ()
        return {
            "node": table.cell(cut(node.name, 14), Tone.STRONG),
            "state": table.cell(self._mark(node.name)),
            "path": table.cell(cut(files[0].path if files else NOTHING, 44)),
            "drop-ins": table.cell(str(max(0, len(files) - 1)), right=True),
        }

    def _show_unit(self) -> None:
        node_name = self.query_one(Table).marked
        if node_name is not None and node_name in self._facts:
            self.query_one(DiffPane).show_page(
                unit_page(self._facts[node_name], self._fixes.get(node_name), whole=self._show_whole_files)
            )


def unit_page(node: NodeFacts, fix: ServiceFix | None, *, whole: bool) -> Page:
    parts: list[Content | Difference | str] = []
    if fix is not None and fix.problem:
        parts += [content.text(f"✗ {fix.problem}", Tone.BAD), ""]
    if fix is not None and fix.diff:
        parts += [content.line(f"What would change on {node.name}", Tone.ACCENT), Difference(fix.diff), ""]
    if node.unit is None:
        parts.append(content.text("The unit could not be read.", Tone.WARN))
    elif whole or len(parts) == 0:
        parts += _files(node)
    else:
        parts.append(content.text(f"{keys.name('services.all')} shows the whole unit files", Tone.DIM))
    return page(parts)


def _files(node: NodeFacts) -> Iterable[Content]:
    if node.unit is None:
        return
    for problem in node.unit.problems:
        yield content.text(f"▲ {problem}", Tone.WARN)
    for file in node.unit.files:
        yield content.text(file.path, Tone.ACCENT)
        yield content.masked(file.text.rstrip("\n"))
