"""The walk-through over the real engine: planner, runner and scripts work on nodes of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from textual.pilot import Pilot

from loomtui.engine.live import WritableLiveEngine
from loomtui.fleet.fleet import WritableFleet
from loomtui.fleet.probes.log_tail import LogLine
from loomtui.fleet.ssh.prompter import Prompter
from loomtui.restore.events import Event, EventKind, StepName
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.running.operator import FailureQuestion, Go
from screens.app import LoomApp
from screens.diff.diff_pane import DiffPane
from screens.modals.ask import ChoiceDialog
from tests.restore.cluster import LocalCluster
from tests.restore.local_fleet import LocalFleet
from tests.restore.scripted import Scripted
from tests.screens.helping import SMALL, panel, press, until
from tests.screens.walking import carry_out, pending_question, until_asked


class LocalEngine(WritableLiveEngine):
    """As an operator's, but for the way to nodes and S3; their logs say nothing."""

    def __init__(self, cluster: LocalCluster, *, quick: bool = True) -> None:
        super().__init__(cluster.inventory, cluster.inventory_path)
        self.local: LocalFleet = cluster.fleet(quick=quick)
        self._catalogue = cluster.catalogue

    def _make_fleet(self, prompter: Prompter) -> WritableFleet:
        return self.local

    async def logs(
        self,
        nodes: Sequence[str] | None = None,
        *,
        follow: bool,
        lines: int | None,
        since: datetime | None = None,
    ) -> AsyncIterator[tuple[LogLine, ...]]:
        yield ()


@dataclass
class Walk:
    """A run that has come to the question before a step, opened by keys on the screens."""

    cluster: LocalCluster
    run: Run
    app: LoomApp
    pilot: Pilot[int]

    @property
    def engine(self) -> LocalEngine:
        assert isinstance(self.app.context.engine, LocalEngine)
        return self.app.context.engine

    def events(self, kind: EventKind) -> list[Event]:
        return [event for event in self.run.events() if event.kind is kind]

    def answers(self) -> list[tuple[str, str, str | None]]:
        """Step, answer and node of each decision that the journal holds."""
        decisions = self.events(EventKind.DECISION)
        return [(str(event.step), str(event.data["answer"]), event.node) for event in decisions]

    async def until_failure(self) -> FailureQuestion:
        """Waits for the question that a failure asks, and until the screen shows it."""

        def is_asked() -> bool:
            told = any("Do next" in pane.text.plain for pane in self.app.screen.query(DiffPane))
            return (
                isinstance(pending_question(self.app), FailureQuestion)
                and told
                and "failed" in panel(self.app)
            )

        await until(self.pilot, is_asked, "the failure")
        question = pending_question(self.app)
        assert isinstance(question, FailureQuestion)
        return question


async def run_stopped_before(cluster: LocalCluster, step: StepName) -> Run:
    """A run that its operator stopped at the question before this step. Each step has its part to do."""
    run = RunStore().create(await cluster.plan(stage_first=False), cluster.inventory_path)
    await cluster.runner(run, operator=Scripted({step: Go.STOP})).restore()
    return run


@asynccontextmanager
async def open_app(engine: LocalEngine) -> AsyncIterator[tuple[LoomApp, Pilot[int]]]:
    app = LoomApp(engine, settle_seconds=0)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await pilot.pause()
        yield app, pilot


@asynccontextmanager
async def resumed(cluster: LocalCluster, run: Run, *, quick: bool = True) -> AsyncIterator[Walk]:
    """An unfinished run is offered when the program starts, and is resumed."""
    async with open_app(LocalEngine(cluster, quick=quick)) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offer")
        await press(pilot, "down", "enter")
        yield Walk(cluster, run, app, pilot)


async def go_on(walk: Walk, step: StepName) -> None:
    await until_asked(walk.app, walk.pilot, step)
    await carry_out(walk.app, walk.pilot, step)
