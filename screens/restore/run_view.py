"""A run as a screen shows it: its events are folded into it. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from loomtui.restore.events import CHAIN_MOVES, Event, EventKind, Outcome, StepName
from loomtui.restore.record.given_up import GIVEN_UP
from loomtui.restore.record.left_out import leaves_out
from loomtui.text import clean_line

STEPS: tuple[StepName, ...] = tuple(StepName)
_KEPT_NOTES = 200
_LARGEST = 1 << 62


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"


class TaskState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    ALREADY = "already so"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    UNDONE = "undone"


@dataclass(frozen=True)
class TaskView:
    """One step on one node."""

    node: str
    state: TaskState = TaskState.WAITING
    message: str = ""
    done: int = 0  # bytes
    total: int = 0  # bytes; 0: not counted
    started_at: datetime | None = None
    at: datetime | None = None
    files: int = 0
    files_total: int = 0  # 0: not counted

    @property
    def bytes_per_second(self) -> float | None:
        if self.started_at is None or self.at is None or self.done <= 0:
            return None
        seconds = (self.at - self.started_at).total_seconds()
        return self.done / seconds if seconds >= 1 else None


class RunView:
    """Takes events in their order and answers what the screen asks."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        self.nodes = nodes
        self.states: dict[StepName, StepState] = dict.fromkeys(STEPS, StepState.WAITING)
        self.tasks: dict[StepName, dict[str, TaskView]] = {step: {} for step in STEPS}
        self.notes: list[Event] = []
        self.current: StepName | None = None
        self.outcome: Outcome | None = None
        self.rolling_back = False
        self.run_id = ""
        self.operator = ""  # who works on it
        self.step_began: dict[StepName, datetime] = {}
        self.done_at: dict[StepName, datetime] = {}
        self.down_since: datetime | None = None
        self.moving_since: datetime | None = None
        self.ended_at: datetime | None = None
        self.left_out: tuple[str, ...] = ()  # nodes that the run goes on without
        self.given_up: tuple[str, ...] = ()  # nodes whose old databases are deleted

    def take(self, event: Event) -> None:
        self.run_id = event.run
        if event.kind in (EventKind.RUN_STARTED, EventKind.RUN_RESUMED):
            self._run_started(event)
        elif event.kind is EventKind.ROLLBACK_STARTED:
            self.rolling_back, self.outcome, self.ended_at = True, None, None
        elif event.kind is EventKind.RUN_FINISHED:
            self._run_finished(event)
        elif event.step is not None and event.node is not None:
            self._take_task(event, event.step, event.node)
        elif event.step is not None:
            self._take_step(event, event.step)
        if event.node is not None and leaves_out(event):
            self.left_out = tuple(dict.fromkeys([*self.left_out, event.node]))
        if event.node is not None and event.data.get(GIVEN_UP):
            self.given_up = tuple(dict.fromkeys([*self.given_up, event.node]))
        if event.kind is not EventKind.TASK_PROGRESS:
            self.notes = [*self.notes, event][-_KEPT_NOTES:]

    def tasks_of(self, step: StepName) -> tuple[TaskView, ...]:
        tasks = self.tasks[step]
        return tuple(tasks.get(node, TaskView(node)) for node in self.nodes)

    def downtime(self, now: datetime) -> timedelta | None:
        """The time from the first stop of a service until the chain moved.

        None means that nothing was stopped yet.
        """
        if self.down_since is None:
            return None
        return (self.moving_since or self.ended_at or now) - self.down_since

    def time_taken(self, step: StepName, now: datetime) -> timedelta | None:
        """The time from its first start to its end, including failed tries and the questions between them."""
        began = self.step_began.get(step)
        if began is None or self.states[step] is StepState.WAITING:
            return None
        return (self.done_at.get(step) or self.ended_at or now) - began

    @property
    def finished(self) -> bool:
        return self.outcome is not None

    def _run_started(self, event: Event) -> None:
        self.operator = clean_line(str(event.data.get("operator", "")))
        self.outcome, self.ended_at, self.rolling_back = None, None, False

    def _run_finished(self, event: Event) -> None:
        value = event.data.get("outcome")
        self.outcome = Outcome(value) if value in set(Outcome) else Outcome.STOPPED
        if self.outcome is not Outcome.STOPPED:
            self.ended_at = event.at
        if self.current is not None and self.states[self.current] is StepState.RUNNING:
            self.states[self.current] = StepState.WAITING
            self._interrupt(self.tasks[self.current])

    @staticmethod
    def _interrupt(tasks: dict[str, TaskView]) -> None:
        for node, task in tasks.items():
            if task.state is TaskState.RUNNING:
                tasks[node] = replace(
                    task, state=TaskState.INTERRUPTED, message="goes on from here when resumed"
                )

    def _take_step(self, event: Event, step: StepName) -> None:
        match event.kind:
            case EventKind.STEP_STARTED:
                self._step_started(event, step)
            case EventKind.GATE_REFUSED:
                self.states[step] = StepState.FAILED
            case EventKind.STEP_DONE:
                self.states[step] = StepState.DONE
                self.done_at[step] = event.at
                if step is StepName.VERIFY:
                    self.moving_since = self.moving_since or event.at
            case EventKind.NOTE if event.data.get(CHAIN_MOVES):
                self.moving_since = event.at
            case _:
                pass

    def _take_task(self, event: Event, step: StepName, node: str) -> None:
        task = self.tasks[step].get(node, TaskView(node))
        match event.kind:
            case EventKind.TASK_STARTED:
                self._task_started(event, step)
                task = TaskView(node, TaskState.RUNNING, event.message, started_at=event.at)
            case EventKind.TASK_PROGRESS:
                task = replace(
                    task,
                    message=event.message,
                    done=_number_of(event, "done"),
                    total=_number_of(event, "total"),
                    files=_number_of(event, "files"),
                    files_total=_number_of(event, "files_total"),
                )
            case EventKind.TASK_DONE:
                state = TaskState.ALREADY if event.data.get("skipped") else TaskState.DONE
                task = replace(task, state=state, message=event.message, done=task.total)
            case EventKind.TASK_FAILED:
                task = replace(task, state=TaskState.FAILED, message=event.message)
                self.moving_since = None  # it moved, and yet is not what it has to be
            case EventKind.TASK_UNDONE:
                self.states[step] = StepState.UNDONE
                task = replace(task, state=TaskState.UNDONE, message=event.message)
            case _:
                return
        self.tasks[step][node] = replace(task, message=clean_line(task.message), at=event.at)
        if any(other.state is TaskState.FAILED for other in self.tasks[step].values()):
            self.states[step] = StepState.FAILED

    def _step_started(self, event: Event, step: StepName) -> None:
        self.current = step
        self.states[step] = StepState.RUNNING
        self.step_began.setdefault(step, event.at)

    def _task_started(self, event: Event, step: StepName) -> None:
        self._step_started(event, step)
        if step is StepName.STOP and self.down_since is None:
            self.down_since = event.at


def _number_of(event: Event, name: str) -> int:
    """What is no number of bytes or files counts as none: a journal may come from elsewhere."""
    value = event.data.get(name)
    return int(value) if isinstance(value, int | float) and 0 <= value <= _LARGEST else 0
