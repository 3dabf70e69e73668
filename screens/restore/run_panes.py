"""What every screen of a run has in the middle: the eight steps, and the nodes of one of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from loomtui.restore.events import StepName
from loomtui.wording.objectives import clock
from loomtui.wording.states import STEP_TITLES
from screens.restore.run_view import STEPS, RunView
from screens.restore.step_list import StepList, TaskList
from screens.text import content
from screens.text.words import Tone, tone_of

if TYPE_CHECKING:
    from textual.widget import Widget

#: Cells of the steps and the frames beside it.
_BESIDE = 33


class RunPanes(Horizontal):
    """`reading` takes the place of the nodes where a screen has something to read there."""

    def __init__(self, *reading: Widget) -> None:
        super().__init__(id="run")
        self._reading = reading

    def compose(self) -> Iterable[Widget]:
        yield StepList(id="steps")
        with Vertical(id="run-right"):
            yield Static(id="run-head")
            yield from self._reading
            with VerticalScroll(id="run-nodes"):
                yield TaskList(id="tasks")

    def show(
        self,
        view: RunView,
        now: datetime,
        objective_seconds: float | None,
        *,
        step: StepName | None = None,
        asked: bool = False,
    ) -> None:
        """`step` is the one that is asked about; without it, the one at which the run is.

        `asked`: the run waits for the operator.
        """
        step = step or view.current or STEPS[0]
        self.query_one(StepList).show(view, step, now, asked=asked)
        head, nodes = self.query_one("#run-head", Static), self.query_one("#run-nodes")
        not_laid_out = self.app.size.width - _BESIDE
        width = nodes.size.width or not_laid_out
        self.query_one(TaskList).show(view.tasks_of(step), width - 2)
        down = down_clock(view, now, objective_seconds)
        title = content.row(content.line(f"{STEPS.index(step) + 1} of 8  {STEP_TITLES[step]}   ·   "), down)
        if title.cell_length > (head.size.width or not_laid_out):  # the list of steps tells the number, too
            title = content.row(content.line(f"{STEP_TITLES[step]} · "), down)
        head.update(title)


def down_clock(view: RunView, now: datetime, objective_seconds: float | None) -> Content:
    """How long the cluster is down, or was, measured by what was agreed for that."""
    downtime = view.downtime(now)
    if downtime is None:
        return content.line("no service was stopped")
    text, grade = clock(downtime, objective_seconds)
    tone = Tone.PLAIN if objective_seconds is None else tone_of(grade)
    return content.row("down for ", content.line(text, tone))
