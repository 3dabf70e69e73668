"""The API of loomtui: what screens, command line and drill ask of the engine, and what they get.

`loomtui.engine.live` has the engine of a real cluster; the tests of the screens have one of frozen values.
Everything that crosses is frozen: dataclasses of `loomtui.restore`, `loomtui.backups`, `loomtui.fleet.probes`
and `loomtui.loom`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from loomtui.backups.model import Backup, Contents
    from loomtui.errors import LoomtuiError
    from loomtui.fleet.probes.log_line import LogLine
    from loomtui.fleet.probes.node_status import ClusterStatus, NodeDetails, NodeStatus
    from loomtui.fleet.ssh.prompter import Prompter
    from loomtui.inventory.model import Inventory
    from loomtui.loom.health import Verdict
    from loomtui.loom.references import KeyReport
    from loomtui.restore.choices import Choices
    from loomtui.restore.events import Event, Outcome, StepName
    from loomtui.restore.plan import Plan
    from loomtui.restore.planning.identities import ServiceFix
    from loomtui.restore.planning.signed_plan import PlanFile
    from loomtui.restore.record.run_store import RunSummary
    from loomtui.restore.replay.recording import Recording
    from loomtui.restore.report import Chronicle, Form
    from loomtui.restore.report.estimates import Estimate
    from loomtui.restore.running.notices import Notice
    from loomtui.restore.running.operator import Operator
    from loomtui.restore.takeover.acquisition import FoundRun, TakenRun
    from loomtui.restore.takeover.known_runs import RunsOnNodes

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class StepWords:
    """What a step does, and how it can be undone, in a sentence each."""

    effect: str
    undo: str


class WatchedRun(Protocol):
    """One run, and what happens in it."""

    @property
    def id(self) -> str: ...

    @property
    def plan(self) -> Plan: ...

    def events(self) -> AsyncIterator[Event]:
        """What happened so far, then what happens. It ends with the run."""
        ...


class RunHandle(WatchedRun, Protocol):
    """A run that its holder can also restore, roll back and clean."""

    async def restore(self) -> Outcome: ...

    async def rollback(self) -> Outcome: ...

    async def give_back(self) -> Outcome:
        """Puts back the nodes that a restore left out, and gives them back. The outcome stays."""
        ...

    async def clean(self) -> int:
        """Deletes what a finished run replaced, and gives the number of bytes that are free again."""
        ...

    def announce(self, notice: Notice) -> None:
        """Tells those who are not at the keyboard, as the inventory wants it. Neither waits nor raises.

        How the run ends is told without being asked for.
        """
        ...


class RunsEngine(Protocol):
    """The part of an engine that tells of runs."""

    def runs(self) -> tuple[RunSummary, ...]: ...

    def report(self, run_id: str, form: Form = "md") -> str: ...

    async def runs_on_nodes(self) -> RunsOnNodes:
        """The runs of anybody that the nodes know. A node that cannot be asked is no failure."""
        ...

    async def watched_on_nodes(self, run_id: str) -> WatchedRun:
        """A run of another machine, by what its nodes hold. Raises CallError if that is nothing."""
        ...

    def chronicle(self, run_id: str) -> Chronicle:
        """A run told in facts, as far as it went."""
        ...

    def recording(self, run_id: str) -> Recording:
        """A run to be played again. Raises CallError: it cannot be."""
        ...

    def watched(self, run_id: str) -> WatchedRun:
        """A run that another process on this machine works on."""
        ...


class Engine(RunsEngine, Protocol):
    """An engine that only looks. Calls raise LoomtuiError."""

    @property
    def inventory(self) -> Inventory: ...

    def open(self, prompter: Prompter) -> None:
        """Call this once, before anything is asked of a node. It connects to nothing yet."""
        ...

    async def close(self) -> None:
        """Ends what is under way. A node that hangs does not hold it up."""
        ...

    # The nodes

    async def connect(self) -> Mapping[str, LoomtuiError | None]:
        """Connects to all nodes at once. Gives for each node None, or why it cannot be reached."""
        ...

    async def look(self, node: str, previous: NodeStatus | None) -> NodeStatus:
        """Never raises for a node that cannot be reached: the status says so."""
        ...

    async def status(self, previous: ClusterStatus | None = None) -> ClusterStatus:
        """A look at every node at once."""
        ...

    def judge(self, looks: Sequence[ClusterStatus]) -> Verdict: ...

    async def details(self, node: str) -> NodeDetails: ...

    async def key_report(self) -> tuple[KeyReport, Mapping[str, LoomtuiError]]:
        """The report over all nodes that can be reached, and why the others cannot."""
        ...

    def service_fixes(self, report: KeyReport) -> tuple[ServiceFix, ...]: ...

    def logs(
        self,
        nodes: Sequence[str] | None = None,
        *,
        follow: bool,
        lines: int | None,
        since: datetime | None = None,
    ) -> AsyncIterator[tuple[LogLine, ...]]:
        """The logs in batches, by time. A node that fails ends in a notice.

        `nodes` limits them to these nodes; `lines` is counted per node, and None means all that there are.
        """
        ...

    async def recent(self, nodes: Sequence[str], lines: int) -> tuple[LogLine, ...]:
        """The last lines of these nodes' logs, by time; a node that fails ends in a notice."""
        ...

    # The backups

    async def backups(self) -> tuple[Backup, ...]:
        """All objects that could be backups, newest first, and what is prepared, as far as the list tells."""
        ...

    async def backup(self, key: str) -> Backup:
        """Raises CallError if there is none."""
        ...

    async def guess(self, backup: Backup) -> Backup:
        """The backup with its kind, and its fault if it has one, as far as its first part shows them."""
        ...

    async def contents(self, backup: Backup, progress: Progress | None, *, fresh: bool = False) -> Contents:
        """What the archive holds.

        It is read whole unless that was done before, on this machine or by whoever prepared it; with `fresh`
        it is read in any case.
        """
        ...

    # Plans

    async def plan(self, choices: Choices, progress: Callable[[str], None] | None = None) -> Plan:
        """Looks at every node and reads the archives; changes nothing."""
        ...

    def load_plan(self, path: Path) -> PlanFile:
        """The plan in a file, and the signature beside it."""
        ...


@runtime_checkable
class WritableEngine(Engine, Protocol):
    """An engine that can also restore."""

    def step(self, name: StepName) -> StepWords: ...

    def estimates(self, plan: Plan) -> Mapping[StepName, Estimate]:
        """How long the steps of the plan will take, as far as earlier runs tell."""
        ...

    async def see_second(self, of: PlanFile | str | None) -> None:
        """Raises SecondMissing: the inventory wants a plan, or a run's by its ID, to be signed by another.

        It is asked for again when the run begins. None: the plan is in no file.
        """
        ...

    def begin(
        self, plan: Plan, operator: Operator, file: PlanFile | None = None, *, break_glass: bool = False
    ) -> RunHandle:
        """`file`: where the plan comes from as it is. `break_glass`: the consent to go without a second."""
        ...

    def reopen(self, run_id: str, operator: Operator, *, break_glass: bool = False) -> RunHandle: ...

    async def find_run(self, run_id: str | None) -> FoundRun:
        """The run of anybody, as its nodes tell it; None: the only one that holds nodes."""
        ...

    async def take_over(self, found: FoundRun, operator: str, *, although_at_work: bool) -> TakenRun:
        """Makes it this machine's. Raises Refused while somebody works on it, unless `although_at_work`."""
        ...
