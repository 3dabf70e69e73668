"""The engine of a real cluster. Modules that reach nodes and S3 are imported when they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from loomtui.engine.api import Progress, RunHandle, StepWords
from loomtui.engine.elsewhere import RunsElsewhere
from loomtui.engine.records import RunRecords
from loomtui.errors import CallError, LoomtuiError
from loomtui.fleet.probes.node_status import ClusterStatus, NodeDetails, NodeStatus
from loomtui.inventory.model import Inventory
from loomtui.loom.health import Verdict, judge_cluster

if TYPE_CHECKING:
    from loomtui.backups.catalogue import Catalogue
    from loomtui.backups.model import Backup, Contents
    from loomtui.fleet.fleet import Fleet, WritableFleet
    from loomtui.fleet.probes.log_line import LogLine
    from loomtui.fleet.ssh.prompter import Prompter
    from loomtui.loom.references import KeyReport
    from loomtui.restore.choices import Choices
    from loomtui.restore.events import Event, Outcome, StepName
    from loomtui.restore.plan import Plan
    from loomtui.restore.planning.identities import ServiceFix
    from loomtui.restore.planning.signed_plan import PlanFile
    from loomtui.restore.record.run_store import Run
    from loomtui.restore.report.estimates import Estimate
    from loomtui.restore.running.notices import Notice
    from loomtui.restore.running.operator import Operator
    from loomtui.restore.running.runner import Runner
    from loomtui.restore.takeover.acquisition import FoundRun, TakenRun


class LiveEngine(RunRecords, RunsElsewhere):
    """An engine that only looks: its fleet has no way to run a script that changes a node."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._prompter: Prompter | None = None
        self._fleet: Fleet | None = None
        self._catalogue: Catalogue | None = None

    @property
    def inventory(self) -> Inventory:
        return self._inventory

    def open(self, prompter: Prompter) -> None:
        self._prompter = prompter

    def _make_fleet(self, prompter: Prompter) -> Fleet:
        from loomtui.fleet.fleet import Fleet

        return Fleet(self._inventory, prompter)

    @property
    def fleet(self) -> Fleet:
        if self._fleet is None:
            if self._prompter is None:
                raise CallError("the connection to the nodes is not open")
            self._fleet = self._make_fleet(self._prompter)
        return self._fleet

    @property
    def catalogue(self) -> Catalogue:
        if self._catalogue is None:
            from loomtui.backups.catalogue import Catalogue

            self._catalogue = Catalogue(self._inventory.s3)
        return self._catalogue

    async def connect(self) -> Mapping[str, LoomtuiError | None]:
        return await self.fleet.connect()

    async def look(self, node: str, previous: NodeStatus | None) -> NodeStatus:
        from loomtui.fleet.probes.probe import look_at

        return await look_at(self.fleet.session(node), previous)

    async def status(self, previous: ClusterStatus | None = None) -> ClusterStatus:
        from loomtui.fleet.probes.probe import look

        return await look(self.fleet, previous)

    def judge(self, looks: Sequence[ClusterStatus]) -> Verdict:
        views = [tuple(status.view for status in look.nodes) for look in looks]
        return judge_cluster(views, [look.at for look in looks])

    async def details(self, node: str) -> NodeDetails:
        from loomtui.fleet.probes.probe import details

        return await details(self.fleet.session(node))

    async def backups(self) -> tuple[Backup, ...]:
        return await self.catalogue.prepared.told(await self.catalogue.list())

    async def backup(self, key: str) -> Backup:
        (backup,) = await self.catalogue.prepared.told((await self.catalogue.find(key),))
        return backup

    async def guess(self, backup: Backup) -> Backup:
        return await self.catalogue.guess(backup)

    async def contents(self, backup: Backup, progress: Progress | None, *, fresh: bool = False) -> Contents:
        found = None if fresh else await self.catalogue.prepared.find(backup)
        if found is not None:
            return found.contents(backup)
        return await self.catalogue.look(backup, progress, fresh=fresh)

    async def key_report(self) -> tuple[KeyReport, Mapping[str, LoomtuiError]]:
        from loomtui.restore.planning.identities import gather

        return await gather(self._inventory, self.fleet)

    def service_fixes(self, report: KeyReport) -> tuple[ServiceFix, ...]:
        from loomtui.restore.planning.identities import service_fixes

        return service_fixes(report)

    def logs(
        self,
        nodes: Sequence[str] | None = None,
        *,
        follow: bool,
        lines: int | None,
        since: datetime | None = None,
    ) -> AsyncIterator[tuple[LogLine, ...]]:
        from loomtui.fleet.probes.log_tail import tail

        names = self._inventory.names if nodes is None else nodes
        return tail(self.fleet, names, follow=follow, lines=lines, since=since)

    async def recent(self, nodes: Sequence[str], lines: int) -> tuple[LogLine, ...]:
        batches = self.logs(nodes, follow=False, lines=lines)
        return tuple([line async for batch in batches for line in batch])

    async def plan(self, choices: Choices, progress: Callable[[str], None] | None = None) -> Plan:
        from loomtui.restore.planning.planner import make_plan

        self.fleet.ask_again()
        return await make_plan(self._inventory, self.fleet, self.catalogue, choices, progress)

    async def close(self) -> None:
        with suppress(LoomtuiError):
            if self._fleet is not None:
                await self._fleet.close()
        if self._catalogue is not None:
            await self._catalogue.close()


E = TypeVar("E", bound=LiveEngine)


@asynccontextmanager
async def opened(engine: E, prompter: Prompter) -> AsyncIterator[E]:
    """The engine, open for as long as the block lasts."""
    engine.open(prompter)
    try:
        yield engine
    finally:
        await engine.close()


class LiveRun:
    """One run in the hands of one runner."""

    def __init__(self, run: Run, runner: Runner) -> None:
        self._run = run
        self._runner = runner

    @property
    def id(self) -> str:
        return self._run.id

    @property
    def plan(self) -> Plan:
        return self._runner.plan

    def events(self) -> AsyncIterator[Event]:
        return self._runner.events()

    async def restore(self) -> Outcome:
        return await self._runner.restore()

    async def rollback(self) -> Outcome:
        return await self._runner.rollback()

    async def give_back(self) -> Outcome:
        return await self._runner.give_back()

    async def clean(self) -> int:
        return await self._runner.clean()

    def announce(self, notice: Notice) -> None:
        self._runner.notifier.post(notice)


class WritableLiveEngine(LiveEngine):
    """An engine that can also restore."""

    def __init__(self, inventory: Inventory, inventory_path: Path) -> None:
        super().__init__(inventory)
        self._inventory_path = inventory_path

    def _make_fleet(self, prompter: Prompter) -> WritableFleet:
        from loomtui.fleet.fleet import WritableFleet

        return WritableFleet(self._inventory, prompter)

    def step(self, name: StepName) -> StepWords:
        from loomtui.restore.running.steps import STEPS

        step = next(step for step in STEPS if step.name is name)
        return StepWords(step.sentence, step.undo_sentence)

    def estimates(self, plan: Plan) -> Mapping[StepName, Estimate]:
        from loomtui.restore.record.run_store import RunStore
        from loomtui.restore.report.estimates import estimate, past_runs

        return estimate(plan, past_runs(RunStore(), plan.cluster))

    async def see_second(self, of: PlanFile | str | None) -> None:
        from loomtui.restore.record.run_store import RunStore
        from loomtui.restore.running.second import seen, seen_of_run

        if isinstance(of, str):
            await seen_of_run(self._inventory, RunStore().open(of))
        else:
            await seen(self._inventory, of)

    def begin(
        self, plan: Plan, operator: Operator, file: PlanFile | None = None, *, break_glass: bool = False
    ) -> RunHandle:
        from loomtui.restore.record.run_store import RunStore

        run = RunStore().create(plan, self._inventory_path, file)
        return self._handle(run, operator, break_glass=break_glass)

    def reopen(self, run_id: str, operator: Operator, *, break_glass: bool = False) -> RunHandle:
        from loomtui.restore.record.run_store import RunStore

        return self._handle(RunStore().open(run_id), operator, break_glass=break_glass)

    async def find_run(self, run_id: str | None) -> FoundRun:
        from loomtui.restore.takeover.acquisition import find_run

        return await find_run(self._writable(), self._inventory, run_id)

    async def take_over(self, found: FoundRun, operator: str, *, although_at_work: bool) -> TakenRun:
        from loomtui.restore.takeover.acquisition import see_that_it_may_be, take_run

        record = see_that_it_may_be(found, although_at_work=although_at_work)
        inventory = await asyncio.to_thread(self._inventory_path.read_bytes)
        return await take_run(self._writable(), inventory, found, record, operator)

    def _handle(self, run: Run, operator: Operator, *, break_glass: bool) -> LiveRun:
        from loomtui.restore.running.runner import Runner

        return LiveRun(
            run,
            Runner(run, self._inventory, self._writable(), self.catalogue, operator, break_glass=break_glass),
        )

    def _writable(self) -> WritableFleet:
        from loomtui.fleet.fleet import WritableFleet

        fleet = self.fleet
        if not isinstance(fleet, WritableFleet):
            raise CallError("this fleet only looks")
        fleet.ask_again()
        return fleet
