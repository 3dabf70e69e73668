"""The lines above the rows, for as much room as there is."""

from __future__ import annotations

from textual.widgets import Static

from screens.context import context_of
from screens.health.verdict_head import verdict_text
from screens.navigation import runs_of
from screens.runs.elsewhere_text import health_notes, way_to_runs

#: Lines, on a low terminal and on a high one.
_LOW, _HIGH = 5, 10
_HIGH_FROM = 32


class ClusterVerdict(Static):
    def show(self) -> None:
        watch, size = context_of(self).watch, self.app.size
        room = (_HIGH if size.height >= _HIGH_FROM else _LOW, size.width - 4)
        offered = context_of(self).offers("restore")
        runs_way = way_to_runs(watch.elsewhere, can_take_over=context_of(self).offers("take_over"))
        self.update(
            verdict_text(
                watch.verdict, watch.causes, self._notes(), room, can_restore=offered, runs_way=runs_way
            )
        )

    def _notes(self) -> tuple[str, ...]:
        context, unfinished = context_of(self), runs_of(self).unfinished()
        notes = [*health_notes(context.watch.elsewhere)]
        taken_over = {run.id for run in context.watch.elsewhere.runs}
        if unfinished and not context.writable and unfinished[0].id not in taken_over:
            notes.append(f"The restore {unfinished[0].id} is unfinished. To go on: loomtui restore")
        return tuple(notes)
