"""What is still to do when a run is over. Made from its plan and its journal alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.record.left_out import LeftOut, left_out_in
from loomtui.restore.record.marks import CLEANED, JOB_LOST, KEPT, UNIT_KEPT
from loomtui.restore.report import words
from loomtui.restore.report.chronicle import Chronicle
from loomtui.restore.report.objectives import downtime_objective
from loomtui.text import clean_line
from loomtui.wording.objectives import Standing
from loomtui.wording.quantities import joined, size, time_of


class TodoKind(StrEnum):
    """JSON holds these values."""

    LEFT_OUT = "left-out"
    UNITS = "units"
    BACKUP_JOBS = "backup-jobs"
    FIRST_BACKUP = "first-backup"
    FREE_SPACE = "free-space"


@dataclass(frozen=True)
class Todo:
    kind: TodoKind
    sentence: str  # one or two sentences; text of nodes in it is clean
    command: str  # that does it, or shows what it is about
    frees_bytes: int | None = None  # in all, where room is to be freed and its nodes said it


@dataclass(frozen=True)
class Ending:
    """What is told first of a run that is over."""

    cost: str  # one sentence or two: how long the cluster was down, and what is lost
    downtime: str
    data_loss: str
    todos: tuple[Todo, ...]
    downtime_standing: Standing | None = None  # None: nothing was agreed
    data_loss_standing: Standing | None = None


def ending_of(chronicle: Chronicle) -> Ending:
    downtime, loss = downtime_objective(chronicle), words.loss_objective(chronicle)
    return Ending(
        words.cost(chronicle),
        words.downtime(chronicle),
        words.data_loss(chronicle),
        still_to_do(chronicle),
        downtime.standing if downtime else None,
        loss.standing if loss else None,
    )


def still_to_do(chronicle: Chronicle) -> tuple[Todo, ...]:
    """The most pressing first. A run that is not over is to be resumed or rolled back first: nothing."""
    match chronicle.summary.outcome:
        case Outcome.RESTORED:
            return (*_of_nodes(chronicle), *_first_backup(chronicle), *_free_space(chronicle))
        case Outcome.ROLLED_BACK:
            return tuple(_free_space(chronicle))
        case _:
            return ()


def _of_nodes(chronicle: Chronicle) -> Iterator[Todo]:
    for name, how in left_out_in(chronicle.events).items():
        yield _of_left_out(name, how, chronicle.run)
    if kept := _kept_units(chronicle.events):
        text = f"The unit of {joined(kept)} was left as it is: its peers may not connect after a start."
        yield Todo(TodoKind.UNITS, text, "loomtui services --diff")
    for event in chronicle.events:
        if event.node is not None and event.data.get(JOB_LOST):
            place = clean_line(str(event.data[JOB_LOST]))
            text = f"On {event.node}, {place} could not be started again: see to it that backups are taken."
            yield Todo(TodoKind.BACKUP_JOBS, text, "loomtui status")


def _of_left_out(name: str, how: LeftOut, run: str) -> Todo:
    if how is LeftOut.HELD:
        text = f"{name} was left out: it stays stopped, held and locked by this run. Put back what it had."
        return Todo(TodoKind.LEFT_OUT, text, f"loomtui rollback {run} --left-out")
    text = (
        f"{name} was left out and has the blocks of before: keep it stopped, and restore it before its next "
        "backup."
    )
    return Todo(TodoKind.LEFT_OUT, text, f"loomtui plan --nodes {name}")


def _kept_units(events: Iterable[Event]) -> tuple[str, ...]:
    """The last decision about a unit counts."""
    decided = {
        event.node: bool(event.data.get(UNIT_KEPT))
        for event in events
        if event.node and event.kind is EventKind.DECISION and event.step is StepName.SERVICES
    }
    return tuple(node for node, is_kept in decided.items() if is_kept)


def _first_backup(chronicle: Chronicle) -> Iterator[Todo]:
    if not words.is_data_lost(chronicle):
        return
    since = time_of(chronicle.timings.down_until)
    text = (
        f"No backup of before {since} holds the chain as it is now. See that one is taken since, and read "
        "it whole."
    )
    yield Todo(TodoKind.FIRST_BACKUP, text, "loomtui backups, then loomtui backups verify KEY")


def _free_space(chronicle: Chronicle) -> Iterator[Todo]:
    stopped = any(step.step is StepName.STOP for step in chronicle.steps)
    rolled_back = chronicle.summary.outcome is Outcome.ROLLED_BACK
    is_held = not rolled_back and LeftOut.HELD in left_out_in(chronicle.events).values()
    # While the run holds a node, nothing that it kept is deleted.
    if not stopped or is_held or any(event.data.get(CLEANED) for event in chronicle.events):
        return
    kept = "What the run fetched" if rolled_back else "What was replaced"
    until = "" if rolled_back else ", for a rollback, until you free the room"
    frees = _kept_bytes(chronicle.events)
    in_all = "" if frees is None else f", {size(frees)} in all,"
    text = f"{kept}{in_all} is kept on {joined(chronicle.nodes)}{until}."
    yield Todo(TodoKind.FREE_SPACE, text, f"loomtui clean {chronicle.run}", frees)


def _kept_bytes(events: Iterable[Event]) -> int | None:
    """What the nodes said at the last end. None where not even one did."""
    ends = [event.data.get(KEPT) for event in events if event.kind is EventKind.RUN_FINISHED]
    said = ends[-1] if ends else None
    if not isinstance(said, dict):
        return None
    counts = [count for count in said.values() if isinstance(count, int)]
    return sum(counts) if counts else None
