"""Made-up runs: journals as a run writes them, without a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from loomtui.restore.events import Event, EventKind, Json, Outcome, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.record.run_journal import encode
from loomtui.restore.record.run_store import Run, RunStore


class Story:
    """Told event by event; each comes `after` so many seconds."""

    def __init__(self, began: datetime, *, by: str = "op@desk") -> None:
        self.at = began
        self.by = by
        self.events: list[tuple[datetime, EventKind, StepName | None, str | None, str, dict[str, Json]]] = []

    def tell(
        self,
        kind: EventKind,
        step: StepName | None = None,
        node: str | None = None,
        *,
        after: float = 0,
        message: Json = "",
        **data: Json,
    ) -> Story:
        self.at += timedelta(seconds=after)
        self.events.append((self.at, kind, step, node, str(message) or kind.value, data))
        return self

    def tell_data(
        self, kind: EventKind, step: StepName | None, node: str | None, data: Mapping[str, Json]
    ) -> Story:
        """An event that matters for its data."""
        self.events.append((self.at, kind, step, node, kind.value, dict(data)))
        return self

    def begin(self) -> Story:
        return self.tell(EventKind.RUN_STARTED, operator=self.by)

    def decide(self, step: StepName, asked: str, answer: str, *, after: float = 1) -> Story:
        return self.tell(EventKind.DECISION, step, after=after, asked=asked, answer=answer, by=self.by)

    def step(
        self, step: StepName, *nodes: str, seconds: float = 10, wait: float = 1, **evidence: Json
    ) -> Story:
        """All of it went well."""
        self.decide(step, "before step", "continue", after=wait)
        self.tell(EventKind.STEP_STARTED, step)
        for node in nodes:
            self.tell(EventKind.TASK_STARTED, step, node)
        for node in nodes:
            self.tell(EventKind.TASK_DONE, step, node, after=seconds / len(nodes), skipped=False, **evidence)
        self.tell(EventKind.GATE_OPENED, step, message=f"{step.value}: holds on every node")
        return self.tell(EventKind.STEP_DONE, step)

    def end(self, outcome: Outcome, *, after: float = 0) -> Story:
        return self.tell(EventKind.RUN_FINISHED, after=after, outcome=outcome.value)

    def write(self, folder: Path, plan: Plan) -> Run:
        """As a run of a store in `folder`."""
        inventory = folder / "inventory.yml"
        inventory.touch()
        run = RunStore(folder / "runs").create(plan, inventory)
        run.journal_path.write_text("".join(f"{encode(event)}\n" for event in self.told(run.id)))
        return run

    def told(self, run: str) -> tuple[Event, ...]:
        return tuple(
            Event(seq, at, run, kind, message, step, node, data)
            for seq, (at, kind, step, node, message, data) in enumerate(self.events, 1)
        )


def whole(began: datetime, *nodes: str, data_seconds: float = 600) -> Story:
    """A restore in which the last node's data failed once."""
    *others, last = nodes
    story = Story(began).begin().step(StepName.PREFLIGHT, *nodes, seconds=8, wait=4)
    story.step(StepName.STOP, *nodes, seconds=5, wait=40, active="inactive")
    story.decide(StepName.DATA, "before step", "continue", after=12).tell(
        EventKind.STEP_STARTED, StepName.DATA
    )
    for node in nodes:
        story.tell(EventKind.TASK_STARTED, StepName.DATA, node)
    story.tell(EventKind.TASK_FAILED, StepName.DATA, last, after=data_seconds / 3, message="no room left",
               safe="The data on the node is untouched.", advice="Make room.")  # fmt: skip
    for node in others:
        story.tell(
            EventKind.TASK_DONE, StepName.DATA, node, after=data_seconds / 3 / len(others), sha256="ab" * 32
        )
    story.decide(StepName.DATA, "on failure", "retry", after=60)
    for node in others:
        story.tell(EventKind.TASK_DONE, StepName.DATA, node, skipped=True)
    story.tell(EventKind.TASK_STARTED, StepName.DATA, last)
    story.tell(EventKind.TASK_DONE, StepName.DATA, last, after=data_seconds / 3, sha256="ab" * 32)
    story.tell(EventKind.STEP_DONE, StepName.DATA)
    for step in (StepName.CONFIG, StepName.NODE_KEYS, StepName.SERVICES, StepName.START):
        story.step(step, *nodes, seconds=6, wait=5)
    story.step(StepName.VERIFY, *nodes, seconds=25, wait=2, height=131, app_hash="A1B2", peers=4)
    return story.end(Outcome.RESTORED)
