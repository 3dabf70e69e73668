"""The eight steps, and the nodes of one of them."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content
from textual.widgets import Static

from loomtui.restore.events import StepName
from loomtui.wording.quantities import bar, short_size, short_watch, size, span
from loomtui.wording.states import STEP_TITLES
from screens.restore.run_view import STEPS, RunView, StepState, TaskState, TaskView
from screens.text import content
from screens.text.words import Mark, Tone, cut

STEP_MARKS = {
    StepState.WAITING: Mark("○", "", Tone.DIM),
    StepState.RUNNING: Mark("▶", "now", Tone.ACCENT),
    StepState.DONE: Mark("✓", "done", Tone.GOOD),
    StepState.FAILED: Mark("✗", "failed", Tone.BAD),
    StepState.UNDONE: Mark("↶", "undone", Tone.WARN),
}
_ASKED = Mark("?", "asked", Tone.ACCENT)
TASK_MARKS = {
    TaskState.WAITING: Mark("○", "waiting", Tone.DIM),
    TaskState.RUNNING: Mark("▶", "running", Tone.ACCENT),
    TaskState.DONE: Mark("✓", "done", Tone.GOOD),
    TaskState.ALREADY: Mark("✓", "already so", Tone.GOOD),
    TaskState.FAILED: Mark("✗", "failed", Tone.BAD),
    TaskState.INTERRUPTED: Mark("■", "stopped", Tone.WARN),
    TaskState.UNDONE: Mark("↶", "undone", Tone.WARN),
}
_BAR_CELLS = 20
_TITLE_CELLS = max(map(len, STEP_TITLES.values()))
_LEAST_BAR = 8


class StepList(Static):
    """The steps, with the numbers that the operator sees everywhere."""

    def show(self, view: RunView, step: StepName, now: datetime, *, asked: bool) -> None:
        """`step` is the one that is looked at; `asked` means that it waits for the operator."""
        lines = (self._line(number, view, step, now, asked=asked) for number in range(len(STEPS)))
        self.update(content.lines(lines))

    @staticmethod
    def _line(number: int, view: RunView, shown_step: StepName, now: datetime, *, asked: bool) -> Content:
        step = STEPS[number]
        mark = STEP_MARKS[view.states[step]]
        if asked and step is shown_step and view.states[step] is StepState.WAITING:
            mark = _ASKED
        tone = Tone.STRONG if step is shown_step else Tone.PLAIN
        time_taken = view.time_taken(step, now)
        name = content.line(f"{number + 1} {STEP_TITLES[step]:<{_TITLE_CELLS}}", tone)
        time_text = content.line(f"{short_watch(time_taken):>6}" if time_taken is not None else "", Tone.DIM)
        return content.row(Content.styled(f"{mark.symbol} ", mark.tone.value), name, time_text)


class TaskList(Static):
    """One row for each node: what is done there, and how far it is."""

    def show(self, tasks: tuple[TaskView, ...], width: int) -> None:
        self.update(content.lines(self._row(task, max(30, width)) for task in tasks))

    def _row(self, task: TaskView, width: int) -> Content:
        mark = TASK_MARKS[task.state]
        head = content.row(
            content.line(f"{cut(task.node, 10):<11}", Tone.STRONG),
            Content.styled(f"{mark!s:<13}", mark.tone.value),
        )
        is_measured = task.state is TaskState.RUNNING and task.total > 0
        if is_measured:
            return content.row(head, self._progress(task, width - head.cell_length))
        return content.row(head, cut(task.message, max(1, width - head.cell_length)))

    @staticmethod
    def _progress(task: TaskView, width: int) -> Content:
        """A bar, and as many words as there is room for."""
        share = min(1.0, task.done / task.total)
        captions = [f" {share:.0%}", f" {share:.0%} {short_size(task.done)} of {short_size(task.total)}"]
        if rate := task.bytes_per_second:
            captions.append(f"{captions[1]}, {size(rate)}/s, {span((task.total - task.done) / rate)} left")
        if task.files_total:
            captions.append(f"{captions[-1]}, {task.files:,} of {task.files_total:,} files")
        caption = next(
            (caption for caption in reversed(captions) if len(caption) + _LEAST_BAR <= width), captions[0]
        )
        cells = max(1, min(_BAR_CELLS, width - len(caption)))
        return content.row(Content.styled(bar(task.done, task.total, cells), Tone.ACCENT.value), caption)
