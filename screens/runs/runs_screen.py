"""Past and unfinished runs, and their reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.widgets import DataTable, Static

from loomtui.restore.events import Outcome
from loomtui.restore.takeover.known_runs import RunsOnNodes
from loomtui.wording.quantities import NOTHING, count, span
from loomtui.wording.states import STEP_TITLES
from screens import workers
from screens.input import keys
from screens.navigation import runs_of
from screens.runs.elsewhere_text import runs_note
from screens.runs.record_screen import RunRecordScreen
from screens.table_screen import TableScreen
from screens.text.words import AT_WORK, OUTCOME_MARKS, UNFINISHED, Mark, Tone
from screens.widgets.table import Table

if TYPE_CHECKING:
    from rich.text import Text
    from textual.widget import Widget

    from loomtui.restore.record.run_store import RunSummary
    from loomtui.restore.takeover.known_runs import SeenRun


def is_unfinished(run: RunSummary) -> bool:
    """Whether it is to be resumed or rolled back, or somebody works on it."""
    return run.outcome is None or run.outcome is Outcome.STOPPED


def _outcome_mark(run: RunSummary) -> Mark:
    if run.at_work:
        return AT_WORK
    return OUTCOME_MARKS[run.outcome] if run.outcome else UNFINISHED


class RunsScreen(TableScreen):
    NAME_SHOWN: ClassVar[str] = "Runs"
    HELP: ClassVar[str] = (
        "This screen lists all restores that were done from this machine, newest first. Press {runs.open} to "
        "see how the marked one went: its timeline, what it cost, and who decided what; {runs.replay} plays "
        "it again. You can resume an unfinished one where it stood, or roll it back to what was there "
        "before. Runs of other machines that hold nodes are shown as well: {runs.watch} watches one, "
        "{runs.take_over} takes it over."
    )
    BINDINGS = keys.bindings(keys.RUNS)
    COLUMNS: ClassVar[Sequence[tuple[str, str]]] = (
        ("started", "Started (UTC)"),
        ("outcome", "Outcome"),
        ("step", "Last step"),
        ("took", "Took"),
        ("operator", "By"),
        ("run", "Run"),
    )

    def __init__(self) -> None:
        super().__init__()
        self._runs: dict[str, RunSummary] = {}
        self._told = RunsOnNodes()  # of other machines, as far as they hold nodes
        self._elsewhere: dict[str, SeenRun] = {}

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield Table(id="runs")

    def on_screen_resume(self) -> None:
        self.action_refresh_now()

    def action_refresh_now(self) -> None:
        """Refreshes at once what lies on this machine; runs of others come when the nodes answer."""
        self._show_runs()
        workers.start(self, self._ask_nodes, group="nodes")

    async def _ask_nodes(self) -> None:
        told = await self.context.engine.runs_on_nodes()
        self._told = told.of_others(self._runs.values())
        self._elsewhere = {run.id: run for run in self._told.runs}
        self._show_runs()

    def _show_runs(self) -> None:
        self._runs = {run.id: run for run in self.context.engine.runs()}
        table = self.query_one(Table)
        for run in self._runs.values():
            table.put(run.id, self._run_cells(table, run))
        for other in self._elsewhere.values():
            table.put(other.id, self._elsewhere_cells(table, other))
        self.say(self._summary_text())
        self.refresh_bindings()

    def _summary_text(self) -> str:
        held = runs_note(self._told, can_take_over=self.context.offers("take_over"))
        if held:
            return held
        if not self._runs:
            return "No restore was done from this machine yet."
        unfinished = sum(1 for run in self._runs.values() if is_unfinished(run))
        return f"{count(len(self._runs), 'run')}, {unfinished} unfinished"

    def _marked_run(self) -> RunSummary | None:
        return self._runs.get(self.query_one(Table).marked or "")

    def _marked_elsewhere(self) -> SeenRun | None:
        return self._elsewhere.get(self.query_one(Table).marked or "")

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self.refresh_bindings()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_open_run()

    def available(self, action: str) -> bool | None:
        if action in ("resume", "roll_back"):
            run = self._marked_run()
            if run is None or run.cluster != self.context.cluster or not is_unfinished(run) or run.at_work:
                return False
            if run.id in self._elsewhere:
                return False  # a colleague has taken it over
        if action == "replay":
            return self._marked_run() is not None
        if action == "take_over":
            return self._marked_elsewhere() is not None and super().available(action)
        if action == "watch" and self._marked_elsewhere() is not None:
            return True
        if action == "watch":
            run = self._marked_run()
            return run is not None and run.at_work and run.cluster == self.context.cluster
        return super().available(action)

    def action_open_run(self) -> None:
        run = self._marked_run()
        if run is not None:
            self.app.push_screen(RunRecordScreen(run))

    def action_replay(self) -> None:
        run = self._marked_run()
        if run is not None:
            runs_of(self).replay_run(run.id)

    def action_take_over(self) -> None:
        other = self._marked_elsewhere()
        if other is not None:
            runs_of(self).take_over_run(other)

    def action_watch(self) -> None:
        other = self._marked_elsewhere()
        run = self._marked_run()
        if other is not None:
            runs_of(self).watch_elsewhere(other.id)
        elif run is not None:
            runs_of(self).watch_run(run.id)

    def action_resume(self) -> None:
        run = self._marked_run()
        if run is not None:
            runs_of(self).resume_run(run.id)

    def action_roll_back(self) -> None:
        run = self._marked_run()
        if run is not None:
            runs_of(self).roll_back_run(run.id)

    def _elsewhere_cells(self, table: Table, run: SeenRun) -> dict[str, Text]:
        return {
            "started": table.cell(f"{run.started_at:%Y-%m-%d %H:%M}" if run.started_at else NOTHING),
            "outcome": table.cell(AT_WORK if run.is_alive else UNFINISHED),
            "step": table.cell(STEP_TITLES[run.step] if run.step else NOTHING),
            "took": table.cell(NOTHING, right=True),
            "operator": table.cell(run.person),
            "run": table.cell(run.id, Tone.DIM),
        }

    def _run_cells(self, table: Table, run: RunSummary) -> dict[str, Text]:
        took = span(run.ended_at - run.started_at) if run.started_at and run.ended_at else NOTHING
        return {
            "started": table.cell(f"{run.started_at:%Y-%m-%d %H:%M}" if run.started_at else NOTHING),
            "outcome": table.cell(_outcome_mark(run)),
            "step": table.cell(STEP_TITLES[run.last_step] if run.last_step else NOTHING),
            "took": table.cell(took, right=True),
            "operator": table.cell(run.operator),
            "run": table.cell(run.id, Tone.DIM),
        }
