"""A run of another machine in words, as its nodes tell it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loomtui.wording.quantities import count, joined
from loomtui.wording.states import STEP_TITLES
from screens.modals.confirm import Act

if TYPE_CHECKING:
    from loomtui.restore.takeover.seen import SeenRun


def person(run: SeenRun) -> str:
    """Who holds it or began it: user and machine."""
    return run.holder.person if run.holder is not None else run.operator or "somebody"


def life_text(run: SeenRun) -> str:
    """Whether somebody works on it, as far as the nodes tell."""
    if run.alive_seconds is None:
        return "nobody works on it"
    return f"the last sign of life is {count(run.alive_seconds, 'second')} old"


def elsewhere_text(run: SeenRun) -> str:
    """In one sentence: who holds what, how far it came, and whether somebody is at work."""
    far = STEP_TITLES[run.step] if run.step is not None else "not begun"
    return f"{person(run)} holds {joined(run.held)} with run {run.id}: {far}; {life_text(run)}."


def take_over_act(run: SeenRun) -> Act:
    at_work = f"{person(run)} works on it: call them first. " if run.is_alive else ""
    return Act(
        "Take over",
        run.held,
        f"{at_work}Run {run.id} of {person(run)} is carried on from here; {life_text(run)}. The machine that "
        "it comes from can change nothing on these nodes any more.",
        "Who has it now can take it over as well.",
        "Take over",
        typed=True,
    )
