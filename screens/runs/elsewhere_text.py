"""A run of another machine in words, as its nodes tell it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from loomtui.restore.takeover.known_runs import odd_lock_text
from loomtui.wording.quantities import count, joined
from loomtui.wording.states import STEP_TITLES
from screens.modals.confirm import Act

if TYPE_CHECKING:
    from loomtui.restore.takeover.known_runs import RunsOnNodes, SeenRun


def life_text(run: SeenRun) -> str:
    """Whether somebody works on it, as far as the nodes tell."""
    if run.alive_seconds is None:
        return "nobody works on it"
    return f"the last sign of life is {count(run.alive_seconds, 'second')} old"


def elsewhere_text(run: SeenRun) -> str:
    """In one sentence: who holds what since when, how far it came, and whether somebody is at work."""
    since = f" since {run.holder.since_when}" if run.holder is not None else ""
    far = STEP_TITLES[run.step] if run.step is not None else "not begun" if run.has_record else "no record"
    return f"{run.person} holds {joined(run.held)}{since} with run {run.id}: {far}; {life_text(run)}."


def runs_note(told: RunsOnNodes, *, can_take_over: bool) -> str:
    """All that hold nodes, and what to do next about each. The runs screen has a key where it can be done."""
    return " ".join(_runs_sentences(told, can_take_over=can_take_over))


def _runs_sentences(told: RunsOnNodes, *, can_take_over: bool) -> Iterator[str]:
    for run in told.runs:
        yield elsewhere_text(run)
        if not run.has_record:
            yield f"No node has a record of it. {run.done} {run.ways}"
        elif not can_take_over:
            yield f"{run.ways}."
    yield from (odd_lock_text(name, lock) for name, lock in told.odd_locks.items())


def health_notes(told: RunsOnNodes) -> Iterator[str]:
    """All that hold nodes, a sentence each, for the health screen."""
    yield from (elsewhere_text(run) for run in told.runs)
    yield from (f"{name} is held by {lock.rstrip('.')}." for name, lock in told.odd_locks.items())


def way_to_runs(told: RunsOnNodes, *, can_take_over: bool) -> str | None:
    """What the runs screen is good for, as it goes on after its key. None: nobody else holds nodes."""
    recorded = [run for run in told.runs if run.has_record]
    if recorded and can_take_over:
        return "watches the run, or takes it over"
    if recorded:
        return f"watches the run; loomtui take-over {recorded[0].id} takes it over"
    return "tells what is known of it, and what to do" if told.runs or told.odd_locks else None


def take_over_act(run: SeenRun) -> Act:
    at_work = f"{run.person} works on it: call them first. " if run.is_alive else ""
    return Act(
        "Take over",
        run.held,
        f"{at_work}Run {run.id} of {run.person} is carried on from here; {life_text(run)}. The machine that "
        "it comes from can change nothing on these nodes any more.",
        "Who has it now can take it over as well.",
        "Take over",
        typed=True,
    )
