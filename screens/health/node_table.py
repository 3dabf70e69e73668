"""The rows of the nodes: their order, the columns that there is room for, and which rows are marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from loomtui.matching import Matcher
from screens.context import context_of
from screens.health.node_rows import SORTS, Look, Rows, columns_for, looks, ordered, row_text, title, told
from screens.text.words import Tone
from screens.widgets.table import Table

if TYPE_CHECKING:
    from rich.text import Text

_NARROW = 100


class NodeTable(Table):
    """`matcher` says which rows are shown; `show` draws what the watch knows now."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.marks: frozenset[str] = frozenset()
        self.matcher = Matcher()
        self._by = SORTS[0]
        self._turned = False
        self._count = 0  # of the rows that were drawn last
        self._cells_of: Mapping[str, int] = {}  # of each column

    def show(self) -> None:
        shown = self._shown()
        self._count = len(shown)
        self.rearrange({look.node.name: self._row(look) for look in shown})

    def lay_columns(self, *, anew: bool = False) -> None:
        """Changes the columns only if the width or the titles changed."""
        width, inventory = self.app.size.width, context_of(self).engine.inventory
        columns = columns_for(width - (2 if width < _NARROW else 4), inventory)
        if columns == self._cells_of and not anew:
            return
        self._cells_of = columns
        under = self.marked
        self.clear(columns=True)
        for name, cells in columns.items():
            head = self.cell(title(name, self._by, turned=self._turned), Tone.DIM)
            self.add_column(head, key=name, width=cells + 1)
        self.rearrange({look.node.name: self._row(look) for look in self._shown()}, under=under)

    def order_by_next(self, by: int) -> None:
        """Orders by the column that is so many places further."""
        self._by = SORTS[(SORTS.index(self._by) + by) % len(SORTS)]
        self._turned = False
        self.lay_columns(anew=True)

    def turn_order(self) -> None:
        self._turned = not self._turned
        self.lay_columns(anew=True)

    def mark(self) -> None:
        """Marks the row under the cursor, or takes its mark away."""
        if self.marked is not None:
            self.marks ^= {self.marked}

    def mark_all(self) -> None:
        """Marks all rows that are shown, or none."""
        shown = frozenset(look.node.name for look in self._shown())
        self.marks = frozenset() if self.marks >= shown else self.marks | shown

    @property
    def chosen(self) -> tuple[str, ...]:
        """The marked nodes, or if none is marked, the one under the cursor."""
        names = self.marks or ({self.marked} if self.marked is not None else frozenset())
        return tuple(name for name in context_of(self).engine.inventory.names if name in names)

    @property
    def summary(self) -> str:
        """How many rows there are, in which order, and why not all."""
        total = len(context_of(self).engine.inventory.nodes)
        return told(
            self._count,
            total,
            len(self.marks),
            self._by,
            turned=self._turned,
            typed=self.matcher.typed,
        )

    def _shown(self) -> tuple[Look, ...]:
        context = context_of(self)
        inventory, watch = context.engine.inventory, context.watch
        rows, columns = Rows(inventory, watch), columns_for(1_000, inventory)
        in_order = ordered(looks(inventory, watch, context.now()), self._by, turned=self._turned)
        return tuple(
            look
            for look in in_order
            if self.matcher.takes(row_text(rows.cells(look, columns, marked=False), look))
        )

    def _row(self, look: Look) -> dict[str, Text]:
        context = context_of(self)
        cells = Rows(context.engine.inventory, context.watch).cells(
            look, self._cells_of, marked=look.node.name in self.marks
        )
        return {name: self.cell(cell.text, cell.tone, right=cell.right) for name, cell in cells.items()}
