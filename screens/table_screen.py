"""A screen with rows that are fetched. It has a note, a table, and the key that fetches the rows again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from screens.input import keys
from screens.loading_screen import LoadingScreen
from screens.text.words import Tone
from screens.widgets.table import Table


class TableScreen(LoadingScreen):
    """`body` yields the note and a `Table`; rows are put there as they come."""

    #: Key and title of each column.
    COLUMNS: ClassVar[Sequence[tuple[str, str]]] = ()
    BINDINGS = keys.bindings(keys.REFRESH)

    # Textual itself calls the handler of every class of a screen; what subclasses do at that time has hooks.
    def on_mount(self) -> None:
        table = self.query_one(Table)
        for key, title in self.columns():
            table.add_column(table.cell(title, Tone.DIM), key=key)
        self.prepare()
        self.action_refresh_now()

    def columns(self) -> Sequence[tuple[str, str]]:
        return self.COLUMNS

    def prepare(self) -> None:
        """Called once the columns are there, before anything is loaded."""
        self.query_one(Table).focus()

    def action_refresh_now(self) -> None:
        self.begin_loading()
