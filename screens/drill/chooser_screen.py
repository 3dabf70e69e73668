"""The choice of a drill: what there is to practise, what it teaches, and how it went the last time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import DataTable, Static

from loomtui.drill.logbook import Entry
from loomtui.drill.scenarios import MOST_NODES, Scenario
from loomtui.matching import Matcher
from loomtui.wording.quantities import count
from screens.drill.chooser_text import about, played_by_people, score_cell
from screens.input import keys
from screens.text import content
from screens.text.words import Tone
from screens.widgets.filter_line import FilterLine
from screens.widgets.key_bar import KeyBar
from screens.widgets.pane import Pane
from screens.widgets.table import Table

_COLUMNS = (("scenario", "Scenario"), ("score", "Last"), ("title", "What it is"))
_SCROLLBAR = 2


class ChooserScreen(Screen[tuple[str, int]]):
    """Answers with the scenario's file and the number of validators. There is no cluster yet."""

    BINDINGS = keys.bindings(keys.DRILL_CHOICE)
    AUTO_FOCUS = "Table"

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        entries: Sequence[Entry],
        validators: int,
        now: Callable[[], datetime],
    ) -> None:
        """`validators`: as many to begin with; a scenario that needs more gets more."""
        super().__init__()
        self._scenarios = {scenario.name: scenario for scenario in scenarios}
        self._played = {name: played_by_people(entries, name) for name in self._scenarios}
        self._validators = validators
        self._now = now
        self._matcher = Matcher()

    def compose(self) -> ComposeResult:
        with Vertical(classes="frame") as frame:
            frame.border_title = content.text("Choose a drill")
            yield Static(id="note")
            yield Table(id="drills")
            yield FilterLine(hint="a regular expression; ! in front inverts", id="filter")
            yield Pane(id="scenario")
        yield KeyBar()

    def on_mount(self) -> None:
        table = self.query_one(Table)
        for key, title in _COLUMNS:
            table.add_column(table.cell(title, Tone.DIM), key=key)
        self._show_rows()

    def _show_rows(self) -> None:
        table = self.query_one(Table)
        shown = [
            one for one in self._scenarios.values() if self._matcher.takes(one.name, one.title, one.teaches)
        ]
        table.rearrange({one.name: self._cells(table, one) for one in shown})
        self._show_marked()

    def _cells(self, table: Table, scenario: Scenario) -> Mapping[str, Text]:
        played = self._played[scenario.name]
        points, tone = score_cell(played)
        return {
            "scenario": table.cell(scenario.name),
            "score": table.cell(points, tone),
            "title": table.cell(scenario.title),
        }

    @property
    def marked(self) -> Scenario | None:
        return self._scenarios.get(self.query_one(Table).marked or "")

    @property
    def size_wanted(self) -> int:
        """The number of validators with which the marked scenario would be played."""
        return max(self._validators, self.marked.validators if self.marked is not None else 1)

    def _show_marked(self) -> None:
        scenario, pane = self.marked, self.query_one(Pane)
        size = count(self.size_wanted, "validator")
        said = f"It is played with {size} and a backup node, all on this machine."
        self.query_one("#note", Static).update(content.line(said, Tone.DIM))
        width = max(40, pane.size.width - _SCROLLBAR)
        none = content.text("No drill matches.")
        if scenario is None:
            pane.show(none)
        else:
            pane.show(about(scenario, self._played[scenario.name], width, self._now()))
        self.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._show_marked)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_marked()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_take()

    def on_filter_line_typed(self, message: FilterLine.Typed) -> None:
        self._matcher = message.matcher
        self._show_rows()

    def on_filter_line_left(self) -> None:
        self.query_one(Table).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self not in self.app.screen_stack:
            return False
        if action == "take":
            return self.marked is not None or None
        return True

    def action_take(self) -> None:
        if self.marked is not None:
            self.dismiss((str(self.marked.path), self.size_wanted))

    def action_size(self, by: int) -> None:
        least = self.marked.validators if self.marked is not None else 1
        self._validators = min(MOST_NODES, max(least, self.size_wanted + by))
        self._show_marked()

    def action_filter(self) -> None:
        self.query_one(FilterLine).ask()
