"""What can be done with the marked nodes: show their logs, plan for them, copy their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loomtui.loom.diagnosis import headline
from loomtui.wording.quantities import count, joined
from screens import clipboard
from screens.health.node_rows import Rows, columns_for, looks_of
from screens.health.node_screen import NodeScreen
from screens.modals.ask import ChoiceDialog
from screens.navigation import navigation_of
from screens.text import content
from screens.text.words import CLUSTER_MARKS

if TYPE_CHECKING:
    from screens.base import LoomScreen


class HealthActs:
    def __init__(self, screen: LoomScreen) -> None:
        self._screen = screen

    def ask(self, nodes: tuple[str, ...], marks: frozenset[str]) -> None:
        """Asks what to do with `nodes`. Rows are copied by `marks`."""
        if not nodes:
            content.tell(self._screen, "No node is shown; / changes the filter.", severity="warning")
            return
        choices = [
            ("logs", "Logs", "the live logs of these nodes; the others are hidden and can be shown again"),
            ("copy", "Copy", "their rows and the cluster's state, as text for an incident channel"),
            ("open", "Open", f"all that is known of {nodes[0]}"),
        ]
        if self._screen.context.writable:
            plan_choice = (
                "plan",
                "Plan a restore",
                "for these nodes only; nothing is changed before it was reviewed",
            )
            choices.append(plan_choice)
        self._screen.app.push_screen(
            ChoiceDialog(f"With {joined(nodes, 4)}", f"{count(len(nodes), 'node')} chosen.", tuple(choices)),
            lambda answer: self._carry_out(answer, nodes, marks),
        )

    def _carry_out(self, answer: str | None, nodes: tuple[str, ...], marks: frozenset[str]) -> None:
        navigation = navigation_of(self._screen)
        if answer == "logs":
            navigation.logs_of(nodes)
        elif answer == "copy":
            self.copy(marks)
        elif answer == "open":
            self._screen.app.push_screen(NodeScreen(nodes[0]))
        elif answer == "plan":
            navigation.plan_for(nodes)

    def copy(self, marks: frozenset[str]) -> None:
        """Copies the marked rows, or all rows if none is marked."""
        nodes = marks or frozenset(self._screen.context.engine.inventory.names)
        clipboard.copy(self._screen, self.text(nodes), count(len(nodes), "row"))

    def text(self, nodes: frozenset[str]) -> str:
        """A table that keeps its shape in any window with letters of one width."""
        context = self._screen.context
        inventory, now = context.engine.inventory, context.now()
        widths = {name: cells for name, cells in columns_for(170, inventory).items() if name != "growth"}
        rows = Rows(inventory, context.watch)
        verdict = context.watch.verdict
        lines = [f"{context.cluster} {context.mark}, {now:%Y-%m-%d %H:%M:%S} UTC"]
        lines.append(f"{CLUSTER_MARKS[verdict.state]}  {headline(verdict, context.watch.causes).sentence}")
        for look in looks_of(inventory, context.watch, now):
            if look.node.name in nodes:
                cells = rows.cells(look, widths, marked=False)
                padded = (
                    cells[name].text.rjust(width) if cells[name].right else cells[name].text.ljust(width)
                    for name, width in widths.items()
                )
                lines.append(" ".join(padded).rstrip())
        return "\n".join(lines)
