"""The rows of the nodes: their order, the columns that there is room for, and which rows are marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from loomtui.matching import Matcher
from screens.context import context_of
from screens.health.node_rows import (
    SORTS,
    Cell,
    Look,
    Rows,
    column_title,
    columns_for,
    looks_of,
    ordered,
    row_text,
    table_summary,
)
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
        self._sort_column = SORTS[0]
        self._reverse = False
        self._shown_count = 0  # of the rows that were drawn last
        self._column_widths: Mapping[str, int] = {}  # of each column
        self._drawn: dict[str, tuple[Mapping[str, Cell], dict[str, Text]]] = {}  # of each node
        self._theme = ""  # in whose colours they were made

    def show(self) -> None:
        rows = self._rows()
        looks = self._shown_looks(rows)
        self._shown_count = len(looks)
        self.rearrange({look.node.name: self._row_texts(rows, look) for look in looks})

    def lay_columns(self, *, anew: bool = False) -> None:
        """Changes the columns only if the width or the titles changed."""
        width, inventory = self.app.size.width, context_of(self).engine.inventory
        column_widths = columns_for(width - (2 if width < _NARROW else 4), inventory)
        if column_widths == self._column_widths and not anew:
            return
        self._column_widths = column_widths
        cursor_key = self.marked
        self.clear(columns=True)
        for name, cells in column_widths.items():
            heading = self.cell(column_title(name, self._sort_column, reverse=self._reverse), Tone.DIM)
            self.add_column(heading, key=name, width=cells + 1)
        self._drawn.clear()
        rows = self._rows()
        self.rearrange(
            {look.node.name: self._row_texts(rows, look) for look in self._shown_looks(rows)},
            cursor_key=cursor_key,
        )

    def order_by_next(self, by: int) -> None:
        """Orders by the column that is so many places further."""
        self._sort_column = SORTS[(SORTS.index(self._sort_column) + by) % len(SORTS)]
        self._reverse = False
        self.lay_columns(anew=True)

    def turn_order(self) -> None:
        self._reverse = not self._reverse
        self.lay_columns(anew=True)

    def mark(self) -> None:
        """Marks the row under the cursor, or takes its mark away."""
        if self.marked is not None:
            self.marks ^= {self.marked}

    def mark_all(self) -> None:
        """Marks all rows that are shown, or none."""
        shown_names = frozenset(look.node.name for look in self._shown_looks(self._rows()))
        self.marks = frozenset() if self.marks >= shown_names else self.marks | shown_names

    @property
    def chosen(self) -> tuple[str, ...]:
        """The marked nodes, or if none is marked, the one under the cursor."""
        chosen_names = self.marks or ({self.marked} if self.marked is not None else frozenset())
        return tuple(name for name in context_of(self).engine.inventory.names if name in chosen_names)

    @property
    def summary(self) -> str:
        """How many rows there are, in which order, and why not all."""
        total = len(context_of(self).engine.inventory.nodes)
        return table_summary(
            self._shown_count,
            total,
            len(self.marks),
            self._sort_column,
            reverse=self._reverse,
            filter_text=self.matcher.typed,
        )

    def _rows(self) -> Rows:
        context = context_of(self)
        return Rows(context.engine.inventory, context.watch)

    def _shown_looks(self, rows: Rows) -> tuple[Look, ...]:
        context = context_of(self)
        inventory = context.engine.inventory
        looks = ordered(
            looks_of(inventory, context.watch, context.now()), self._sort_column, reverse=self._reverse
        )
        if self.matcher.empty:
            return looks
        widths = columns_for(1_000, inventory)
        return tuple(
            look
            for look in looks
            if self.matcher.takes(row_text(rows.cells(look, widths, marked=False), look))
        )

    def _row_texts(self, rows: Rows, look: Look) -> dict[str, Text]:
        """What is shown of a node. Only cells that say something else than before are made anew."""
        if self._theme != self.app.theme:
            self._theme = self.app.theme
            self._drawn.clear()
        name = look.node.name
        cells = rows.cells(look, self._column_widths, marked=name in self.marks)
        before, texts = self._drawn.get(name, ({}, {}))
        if cells != before:
            texts = {
                key: texts[key]
                if before.get(key) == cell
                else self.cell(cell.text, cell.tone, right=cell.right)
                for key, cell in cells.items()
            }
            self._drawn[name] = cells, texts
        return texts
