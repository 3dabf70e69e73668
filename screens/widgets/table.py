"""A table of foreign facts. Cells are `Text`, rows have keys, and only what changed is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.widgets import DataTable
from textual.widgets.data_table import CellDoesNotExist, ColumnKey, RowKey

from loomtui.text import clean_line
from screens.input import keys
from screens.text.words import Mark, Tone


class Table(DataTable[Text], inherit_bindings=False):
    """Keeps cursor and scroll when its rows change. `enter` is left to the screen."""

    BINDINGS = keys.bindings(keys.TABLE)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--good",
        "table--warn",
        "table--bad",
        "table--dim",
        "table--accent",
    }
    _TONES: ClassVar[Mapping[Tone, str]] = {
        Tone.GOOD: "table--good",
        Tone.WARN: "table--warn",
        Tone.BAD: "table--bad",
        Tone.DIM: "table--dim",
        Tone.ACCENT: "table--accent",
        Tone.STRONG: "table--accent",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False, cell_padding=0)

    def cell(self, value: str | Mark, tone: Tone = Tone.PLAIN, *, right: bool = False) -> Text:
        """A blank in front keeps columns apart, because padding on both sides would cost too much."""
        if isinstance(value, Mark):
            tone, value = value.tone, str(value)
        name = self._TONES.get(tone)
        style = self.get_component_rich_style(name, partial=True) if name else Style.null()
        return Text(
            f" {clean_line(value)}", style=style, justify="right" if right else "left", no_wrap=True, end=""
        )

    def put(self, key: str, cells: Mapping[str, Text]) -> None:
        """Puts the row of `key`, new or changed; `cells` are by column key, in their order."""
        if RowKey(key) not in self.rows:
            self.add_row(*cells.values(), key=key)
            return
        for column, value in cells.items():
            try:
                if not _same(self.get_cell(key, column), value):
                    # A column that becomes narrower is measured from top to bottom, for each cell of it.
                    measured = self.columns[ColumnKey(column)].auto_width
                    self.update_cell(key, column, value, update_width=measured)
            except CellDoesNotExist:
                continue

    def rearrange(self, rows: Mapping[str, Mapping[str, Text]], *, cursor_key: str | None = None) -> None:
        """Shows exactly these rows in this order.

        The cursor stays on its row's key, or goes to that of `under`.
        """
        if [row.key.value for row in self.ordered_rows] == list(rows):
            for key, cells in rows.items():
                self.put(key, cells)
            return
        cursor_key, scroll_x = cursor_key or self.marked, self.scroll_x
        self.clear()
        for key, cells in rows.items():
            self.add_row(*cells.values(), key=key)
        if cursor_key is not None and cursor_key in rows:
            self.move_cursor(row=list(rows).index(cursor_key), animate=False)
        self.scroll_to(x=scroll_x, animate=False, immediate=True)

    @property
    def marked(self) -> str | None:
        """The key of the row under the cursor."""
        if not self.row_count:
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value


def _same(one: Text, other: Text) -> bool:
    return one.plain == other.plain and one.style == other.style
