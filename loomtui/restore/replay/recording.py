"""What is left of a run to be seen again: its events, and the little of its plan that a screen shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import accumulate

from loomtui.errors import CallError
from loomtui.restore.events import Event
from loomtui.restore.record.run_journal import DamagedJournal, whole_events
from loomtui.restore.record.run_store import Run


@dataclass(frozen=True)
class Recording:
    """`events` are not empty. Progress in bytes is in no journal, so it is not among them."""

    run: str
    cluster: str
    production: bool
    nodes: tuple[str, ...]
    events: tuple[Event, ...]
    downtime_objective: float | None  # seconds; None: nothing was agreed

    @cached_property
    def times(self) -> tuple[datetime, ...]:
        """When each event is played.

        They keep their order, even where a clock was set back or another machine took the run over.
        """
        return tuple(accumulate((event.at for event in self.events), max))

    @property
    def began(self) -> datetime:
        return self.times[0]

    @property
    def ended(self) -> datetime:
        return self.times[-1]

    @property
    def length(self) -> timedelta:
        return self.ended - self.began


def recording_of(run: Run) -> Recording:
    """Half a last line, as a crash leaves it, is left out.

    Raises CallError: nothing was recorded, or the journal is damaged; for what is missing in its middle would
    be shown as if it had never happened.
    """
    try:
        events = whole_events(run.id, run.journal_path.read_bytes())
    except FileNotFoundError as error:
        raise CallError(f"run {run.id} cannot be replayed: it has no journal") from error
    except OSError as error:
        raise CallError(f"the journal {run.journal_path} cannot be read: {error.strerror}") from error
    except DamagedJournal as error:
        raise CallError(
            f"run {run.id} cannot be replayed: {error.what}",
            advice=f"What can be read of it: loomtui report {run.id}",
        ) from error
    plan = run.plan
    names = tuple(node.name for node in plan.nodes)
    objective = plan.objectives.downtime_seconds
    return Recording(run.id, plan.cluster, plan.production, names, events, objective)
