"""An engine without nodes: it answers from a scene, and plays a restore that asks what a real one asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from loomtui.backups.model import Backup, BackupKind, Contents
from loomtui.engine.api import Progress, StepWords, WatchedRun
from loomtui.errors import CallError, LoomtuiError, StepFailed, StillRunning
from loomtui.fleet.probes.log_tail import LogLine
from loomtui.fleet.probes.node_status import ClusterStatus, NodeDetails, NodeStatus
from loomtui.fleet.ssh.prompter import Prompter
from loomtui.inventory.model import Inventory
from loomtui.loom.health import Verdict
from loomtui.loom.references import KeyReport
from loomtui.restore.choices import Choices
from loomtui.restore.events import Event, EventKind, Json, Outcome, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.planning.config_choices import unified_diff
from loomtui.restore.planning.identities import ServiceFix
from loomtui.restore.planning.signed_plan import PlanFile
from loomtui.restore.record.given_up import GIVEN_UP
from loomtui.restore.record.run_store import RunSummary
from loomtui.restore.replay.recording import Recording
from loomtui.restore.report import Chronicle, Form
from loomtui.restore.report.estimates import Estimate
from loomtui.restore.running.notices import Notice
from loomtui.restore.running.operator import (
    FailureQuestion,
    Go,
    Judged,
    OnFailure,
    OnPlan,
    Operator,
    Preview,
    UnitDraft,
)
from loomtui.restore.takeover.acquisition import FoundRun, TakenRun
from loomtui.restore.takeover.known_runs import RunsOnNodes
from tests.screens import basics, plans, records
from tests.screens.basics import NOW
from tests.screens.scenes import Scene

RUN_ID = "20261122-031415-ff00"
_CHOICES = (OnFailure.RETRY, OnFailure.LEAVE_OUT, OnFailure.STOP, OnFailure.ROLL_BACK)


def judge(text: str) -> Judged:
    """As the engine does, in short."""
    if "ExecStart=" not in text:
        return Judged(("There is no ExecStart= in force: the service cannot start.",))
    warnings = ("It starts another program.",) if "/usr/bin/loom" not in text else ()
    return Judged((), warnings, unified_diff(basics.UNIT_BEFORE, text, basics.UNIT_PATH))


class FakeEngine:
    """Only looks."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.looks = 0
        self.prompter: Prompter | None = None
        self.closed = False
        self.reading = asyncio.Event()
        self.hang: set[str] = set()
        self.older_logs: tuple[LogLine, ...] = ()  # what only a reading from an earlier time brings
        self.text = "done"
        self.choices: list[Choices] = []  # of all plans that were asked for
        self.read_anew = 0  # archives that were read though they were known

    @property
    def inventory(self) -> Inventory:
        return self.scene.inventory

    def open(self, prompter: Prompter) -> None:
        self.prompter = prompter

    async def connect(self) -> Mapping[str, LoomtuiError | None]:
        return {name: self.scene.unreachable.get(name) for name in self.inventory.names}

    async def status(self, previous: ClusterStatus | None = None) -> ClusterStatus:
        return ClusterStatus(basics.NOW, tuple(self.scene.statuses.values()))

    async def look(self, node: str, previous: NodeStatus | None) -> NodeStatus:
        assert self.prompter is not None, "looked before the engine was open"
        if node in self.hang:
            await asyncio.Event().wait()
        self.looks += 1
        return self.scene.statuses[node]

    def judge(self, looks: Sequence[ClusterStatus]) -> Verdict:
        return self.scene.verdict

    async def details(self, node: str) -> NodeDetails:
        return basics.details(self.scene.statuses[node])

    async def backups(self) -> tuple[Backup, ...]:
        return self.scene.backups

    async def backup(self, key: str) -> Backup:
        return next(backup for backup in self.scene.backups if backup.key == key)

    async def guess(self, backup: Backup) -> Backup:
        return replace(backup, kind=BackupKind.FULL)

    async def contents(self, backup: Backup, progress: Progress | None, *, fresh: bool = False) -> Contents:
        self.read_anew += fresh
        if progress is not None:
            progress(1_000, backup.size_bytes)
        if backup.kind is BackupKind.CONFIG:
            await asyncio.Event().wait()
        if isinstance(self.scene.contents, LoomtuiError):
            raise self.scene.contents
        if self.scene.contents is None:
            raise CallError("gone")
        return self.scene.contents

    async def key_report(self) -> tuple[KeyReport, Mapping[str, LoomtuiError]]:
        return self.scene.report, self.scene.unreachable

    def service_fixes(self, report: KeyReport) -> tuple[ServiceFix, ...]:
        return self.scene.fixes

    async def logs(
        self,
        nodes: Sequence[str] | None = None,
        *,
        follow: bool,
        lines: int | None,
        since: datetime | None = None,
    ) -> AsyncIterator[tuple[LogLine, ...]]:
        yield tuple(line for line in (*self.older_logs, *self.scene.logs) if since and line.at >= since) or (
            self.scene.logs
        )
        await asyncio.Event().wait()

    async def recent(self, nodes: Sequence[str], lines: int) -> tuple[LogLine, ...]:
        return tuple(line for line in self.scene.logs if line.node in nodes)[-lines:]

    async def plan(self, choices: Choices, progress: Callable[[str], None] | None = None) -> Plan:
        self.choices.append(choices)
        if progress is not None:
            progress("looking at every node")
            progress(f"reading archives {self.text}")
        if self.scene.plan is None:
            raise CallError("there is no data backup to take", advice="Check bucket and prefix.")
        if choices.give_up_old_data:
            return plans.giving_up_plan()
        return plans.plan(reset=True) if choices.reset_signing else self.scene.plan

    def load_plan(self, path: Path) -> PlanFile:
        return PlanFile(path, self.scene.plan or plans.plan(), b"", None)

    def runs(self) -> tuple[RunSummary, ...]:
        return self.scene.runs

    def report(self, run_id: str, form: Form = "md") -> str:
        return f"# Report of {run_id} as {form}\n\nIt is all [here].\n"

    def watched(self, run_id: str) -> WatchedRun:
        if self.scene.watched is None:
            raise CallError(f"there is no run {run_id}")
        return self.scene.watched

    def recording(self, run_id: str) -> Recording:
        return records.recording(self.chronicle(run_id))

    async def runs_on_nodes(self) -> RunsOnNodes:
        return self.scene.on_nodes

    async def watched_on_nodes(self, run_id: str) -> WatchedRun:
        return self.watched(run_id)

    def chronicle(self, run_id: str) -> Chronicle:
        run_found = next((run for run in self.scene.runs if run.id == run_id), None)
        if run_found is None or self.scene.chronicle is None:
            raise CallError(f"there is no run {run_id}", advice="All: loomtui runs")
        return replace(self.scene.chronicle, run=run_id, summary=run_found)

    async def close(self) -> None:
        self.closed = True


class FakeRun:
    """Goes through the eight steps, asking as the runner does. `fails`: (step, node) pairs that fail once."""

    def __init__(
        self, plan: Plan, operator: Operator, fails: set[tuple[StepName, str]], text: str = "done"
    ) -> None:
        self._plan = plan
        self._operator = operator
        self._fails = fails
        self._text = text
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._seq = 0
        self.done: list[str] = []  # what was done on nodes, in order
        self.left_out: set[str] = set()
        self.draft = UnitDraft(basics.UNIT_AFTER, "", judge)
        self.declined: list[str] = []
        self.edited: dict[str, str] = {}  # the operator's own units, by node
        self.announced: list[Notice] = []

    def announce(self, notice: Notice) -> None:
        self.announced.append(notice)

    @property
    def id(self) -> str:
        return RUN_ID

    @property
    def plan(self) -> Plan:
        return self._plan

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._queue.get()) is not None:
            yield event

    async def restore(self) -> Outcome:
        self._emit(EventKind.RUN_STARTED, "run started")
        try:
            for step in StepName:
                outcome = await self._step(step)
                if outcome is not None:
                    return self._end(outcome)
            return self._end(Outcome.RESTORED)
        finally:
            self._queue.put_nowait(None)

    async def give_back(self) -> Outcome:
        self.done.append("give back")
        return self._end(Outcome.RESTORED)

    async def clean(self) -> int:
        self.done.append("clean")
        self._end(Outcome.RESTORED)
        self._queue.put_nowait(None)
        return 12 << 30

    async def rollback(self) -> Outcome:
        outcome = await self._roll_back()
        self._end(outcome)
        self._queue.put_nowait(None)
        return outcome

    async def _roll_back(self) -> Outcome:
        self._emit(EventKind.ROLLBACK_STARTED, "rollback started")
        for node in self._names:
            self._emit(EventKind.TASK_UNDONE, self._text, StepName.STOP, node)
        return Outcome.ROLLED_BACK

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self._plan.nodes if node.name not in self.left_out)

    async def _step(self, step: StepName) -> Outcome | None:
        answer = await self._operator.before_step(step, self._previews(step))
        if answer not in (Go.CONTINUE, Go.CARRY_ON):
            return Outcome.STOPPED if answer is Go.STOP else await self._roll_back()
        self._emit(EventKind.STEP_STARTED, "started", step)
        while failures := await self._attempt(step):
            stuck = any(isinstance(error, StillRunning) for error in failures.values())
            choices = (OnFailure.KILL, *_CHOICES) if stuck else _CHOICES
            question = FailureQuestion(step, failures, choices, tuple(failures))
            choice, node = await self._operator.on_failure(question)
            if choice is OnFailure.STOP:
                return Outcome.STOPPED
            if choice is OnFailure.ROLL_BACK:
                return await self._roll_back()
            if choice is OnFailure.LEAVE_OUT and node is not None:
                self.left_out.add(node)
            if choice is OnFailure.KILL:
                self.done += [f"kill {name}" for name in failures]
        self._emit(EventKind.STEP_DONE, "done", step)
        return None if self._plan.is_complete else await self._complete()

    async def _complete(self) -> Outcome | None:
        """The data stands still without a reset, as the plans of frozen values have it."""
        completed = plans.plan(moves=False)
        while (answer := await self._operator.review_plan(self._plan, completed)) is OnPlan.CONSENT:
            completed = plans.plan(reset=True)
        if answer is OnPlan.STOP:
            return Outcome.STOPPED
        self._plan = completed
        self._emit(EventKind.PLAN_COMPLETED, "the plan is complete", StepName.PREFLIGHT)
        return None

    def _previews(self, step: StepName) -> dict[str, Preview]:
        diff = basics.DIFF if step is StepName.SERVICES else ""
        return {
            name: Preview(
                name,
                f"{step.value}: {self._text}",
                diff if name in ("db1", "db2") else "",
                already=name == "db4",
                lost="the old databases are given up" if self._gives_up(step, name) else "",
            )
            for name in self._names
        }

    def _gives_up(self, step: StepName, node: str) -> bool:
        return step is StepName.DATA and node in self._plan.gives_up

    async def _attempt(self, step: StepName) -> dict[str, LoomtuiError]:
        failures: dict[str, LoomtuiError] = {}
        for node in self._names:
            self._emit(EventKind.TASK_STARTED, "started", step, node)
            self._emit(EventKind.TASK_PROGRESS, "fetching", step, node, {"done": 400, "total": 1000})
            if (step, node) in self._fails:
                self._fails.discard((step, node))
                error = self._failure(step, node)
                self._emit(EventKind.TASK_FAILED, error.what, step, node)
                failures[node] = error
                continue
            if step is StepName.SERVICES and node in ("db1", "db2"):
                preview = self._previews(step)[node]
                planned = self._plan.node(node).unit_change is not None
                draft = replace(self.draft, planned=planned)
                answer = await self._operator.approve_unit(node, preview, draft)
                if not answer.given:
                    self.declined.append(node)
                if answer.text is not None:
                    self.edited[node] = answer.text
            if self._gives_up(step, node):
                self._emit(EventKind.NOTE, "given up", step, node, {GIVEN_UP: ["app.db"]})
            self.done.append(f"{step.value} {node}")
            self._emit(EventKind.TASK_DONE, self._text, step, node)
        return failures

    def _failure(self, step: StepName, node: str) -> StepFailed:
        if step is StepName.STOP:
            problem = "still running: process 7 (loom)"
            return StillRunning(problem, node=node, safe="It is held.", processes=("7:1",))
        return StepFailed(
            f"the disk is full {self._text}",
            node=node,
            safe="The old data is untouched.",
            advice="Make room, then retry.",
        )

    def _end(self, outcome: Outcome) -> Outcome:
        self._emit(EventKind.RUN_FINISHED, "finished", data={"outcome": outcome.value})
        return outcome

    def _emit(
        self,
        kind: EventKind,
        message: str,
        step: StepName | None = None,
        node: str | None = None,
        data: Mapping[str, Json] | None = None,
    ) -> None:
        self._seq += 1
        at = NOW + timedelta(seconds=self._seq)
        self._queue.put_nowait(Event(self._seq, at, RUN_ID, kind, message, step, node, data or {}))


class WritableFakeEngine(FakeEngine):
    """Also restores, on paper."""

    def __init__(
        self, scene: Scene, fails: set[tuple[StepName, str]] | None = None, text: str = "done"
    ) -> None:
        super().__init__(scene)
        self.fails = fails or set()
        self.text = text
        self.begun: list[FakeRun] = []
        self.second_missing: LoomtuiError | None = None
        self.second_asked: list[PlanFile | str | None] = []
        self.glass_broken: list[bool] = []

    def step(self, name: StepName) -> StepWords:
        return StepWords(f"This is what {name.value} does.", f"This is how {name.value} is undone.")

    def estimates(self, plan: Plan) -> Mapping[StepName, Estimate]:
        return {StepName.STOP: Estimate(12.4, 1), StepName.DATA: Estimate(95.0, 3, 41_000_000.0)}

    async def see_second(self, of: PlanFile | str | None) -> None:
        self.second_asked.append(of)
        if self.second_missing is not None:
            raise self.second_missing

    def begin(
        self, plan: Plan, operator: Operator, file: PlanFile | None = None, *, break_glass: bool = False
    ) -> FakeRun:
        self.glass_broken.append(break_glass)
        self.begun.append(FakeRun(plan, operator, self.fails, self.text))
        return self.begun[-1]

    def reopen(self, run_id: str, operator: Operator, *, break_glass: bool = False) -> FakeRun:
        return self.begin(plans.plan(), operator, break_glass=break_glass)

    async def find_run(self, run_id: str | None) -> FoundRun:
        raise CallError(f"no node knows the run {run_id}")

    async def take_over(self, found: FoundRun, operator: str, *, although_at_work: bool) -> TakenRun:
        raise CallError(f"no node knows the run {found.seen.id}")
