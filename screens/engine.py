"""What the screens need of the engine. `screens.live` has the real one, the tests one of frozen values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from loomtui.backups.model import Backup, Contents
    from loomtui.errors import LoomtuiError
    from loomtui.fleet.probes.log_tail import LogLine
    from loomtui.fleet.probes.node_status import ClusterStatus, NodeDetails, NodeStatus
    from loomtui.fleet.ssh.prompter import Prompter
    from loomtui.inventory.model import Inventory
    from loomtui.loom.health import Verdict
    from loomtui.loom.references import KeyReport
    from loomtui.restore.choices import Choices
    from loomtui.restore.events import Event, Outcome, StepName
    from loomtui.restore.plan import Plan
    from loomtui.restore.planning.identities import ServiceFix
    from loomtui.restore.record.run_store import RunSummary
    from loomtui.restore.report import Chronicle, Form
    from loomtui.restore.report.estimates import Estimate
    from loomtui.restore.running.operator import Operator

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class StepWords:
    """What a step does, and how it can be taken back, in a sentence each."""

    effect: str
    undo: str


class WatchedRun(Protocol):
    """One run, and what happens in it."""

    @property
    def id(self) -> str: ...

    @property
    def plan(self) -> Plan: ...

    def events(self) -> AsyncIterator[Event]:
        """What happened so far, then what happens; ends with the run."""
        ...


class RunHandle(WatchedRun, Protocol):
    """Also the two ways through it."""

    async def restore(self) -> Outcome: ...

    async def rollback(self) -> Outcome: ...


class Engine(Protocol):
    """It only looks. Calls raise LoomtuiError."""

    @property
    def inventory(self) -> Inventory: ...

    def open(self, prompter: Prompter) -> None:
        """To be called once, inside the event loop; connects to nothing yet."""
        ...

    async def look(self, node: str, previous: NodeStatus | None) -> NodeStatus:
        """Never raises for a node that cannot be reached: the status says so."""
        ...

    def judge(self, looks: Sequence[ClusterStatus]) -> Verdict: ...

    async def details(self, node: str) -> NodeDetails: ...

    async def backups(self) -> tuple[Backup, ...]: ...

    async def guess(self, backup: Backup) -> Backup: ...

    async def contents(self, backup: Backup, progress: Progress, *, fresh: bool = False) -> Contents: ...

    async def key_report(self) -> tuple[KeyReport, Mapping[str, LoomtuiError]]:
        """Over all nodes that can be reached, and why the others cannot."""
        ...

    def service_fixes(self, report: KeyReport) -> tuple[ServiceFix, ...]: ...

    def logs(
        self, *, follow: bool, lines: int | None, since: datetime | None = None
    ) -> AsyncIterator[tuple[LogLine, ...]]:
        """In batches; `lines` are counted per node, None: all that there are."""
        ...

    async def recent(self, nodes: Sequence[str], lines: int) -> tuple[LogLine, ...]:
        """The last lines of these nodes' logs, by time; a node that fails ends in a notice."""
        ...

    def runs(self) -> tuple[RunSummary, ...]: ...

    def report(self, run_id: str, form: Form = "md") -> str: ...

    def watched(self, run_id: str) -> WatchedRun:
        """A run that another process on this machine works on."""
        ...

    def chronicle(self, run_id: str) -> Chronicle:
        """A run told in facts, as far as it went."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class WritableEngine(Engine, Protocol):
    """It can also restore."""

    def step(self, name: StepName) -> StepWords: ...

    async def plan(self, choices: Choices, progress: Callable[[str], None]) -> Plan: ...

    def load_plan(self, path: Path) -> Plan: ...

    def estimates(self, plan: Plan) -> Mapping[StepName, Estimate]:
        """How long its steps will take, as far as earlier runs tell."""
        ...

    def begin(self, plan: Plan, operator: Operator) -> RunHandle: ...

    def reopen(self, run_id: str, operator: Operator) -> RunHandle: ...
