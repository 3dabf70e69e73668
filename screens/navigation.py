"""What a screen may ask of the app: the way to another place, and what happens with runs.

Screens know only these. `navigator.py` and `run_navigator.py` carry them out, and know every screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

    from loomtui.restore.plan import Plan
    from loomtui.restore.planning.signed_plan import PlanFile
    from loomtui.restore.record.run_store import RunSummary
    from loomtui.restore.takeover.known_runs import SeenRun


class WayBack(Protocol):
    """What there is in any app of ours."""

    def back(self) -> None:
        """Goes to the screen before; home stays."""
        ...

    def show_fault(self, error: BaseException) -> None:
        """Tells of what should not happen, without a traceback."""
        ...


class Navigation(WayBack, Protocol):
    def go(self, place: str) -> None:
        """Goes to `health`, `backups`, `keys`, `services`, `logs` or `runs`.

        A place that is open is shown again.
        """
        ...

    def restore_from(self, time: datetime | None) -> None:
        """Chooses for a restore with the backups of this moment or before. None means the newest."""
        ...

    def plan_for(self, nodes: Sequence[str]) -> None:
        """Opens the choice of a backup, for these nodes."""
        ...

    def logs_of(self, nodes: Sequence[str]) -> None:
        """Shows the logs, with all other nodes hidden."""
        ...


class RunNavigation(Protocol):
    """If a run cannot be had, a dialog says why."""

    def unfinished(self) -> tuple[RunSummary, ...]:
        """The unfinished runs of this cluster, newest first."""
        ...

    def begin_run(self, plan: Plan, file: PlanFile | None = None, *, carry_on: bool = False) -> None:
        """With `carry_on`, the operator has consented to all that the plan does."""
        ...

    def resume_run(self, run_id: str) -> None: ...

    def roll_back_run(self, run_id: str) -> None:
        """Asks for the cluster's name first."""
        ...

    def start_rollback(self, run_id: str) -> None:
        """Starts it; the operator has confirmed it."""
        ...

    def clean_run(self, run_id: str) -> None:
        """Deletes what a run that is over replaced; the operator has confirmed it."""
        ...

    def show_record(self, run_id: str) -> None:
        """Shows the report of a run, as far as it went."""
        ...

    def watch_run(self, run_id: str) -> None:
        """Shows a run that another process works on."""
        ...

    def watch_elsewhere(self, run_id: str) -> None:
        """Shows a run that goes on on another machine, by what its nodes hold."""
        ...

    def replay_run(self, run_id: str) -> None:
        """Plays a run again from its record. Nothing can be decided there."""
        ...

    def take_over_run(self, run: SeenRun) -> None:
        """Asks for the cluster's name, takes the run over to this machine, and goes on with it."""
        ...


class _HasWayBack(Protocol):
    navigation: WayBack


class _Navigable(Protocol):
    navigation: Navigation
    runs: RunNavigation


def way_back_of(node: DOMNode | App[Any]) -> WayBack:
    return cast("_HasWayBack", node.app).navigation


def navigation_of(node: DOMNode | App[Any]) -> Navigation:
    return cast("_Navigable", node.app).navigation


def runs_of(node: DOMNode | App[Any]) -> RunNavigation:
    return cast("_Navigable", node.app).runs
