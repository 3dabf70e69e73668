"""The one consent of a run: what is typed for, under a list of all that will be done. Pure."""

from __future__ import annotations

from loomtui.restore.deeds import deeds_of
from loomtui.restore.plan import Plan
from loomtui.wording.quantities import joined
from screens.modals.confirm import Act

#: What is typed besides the cluster's name to have old databases deleted.
GIVE_UP_WORD = "give up"


def all_of_it(plan: Plan) -> Act:
    """All that is left is carried out behind it."""
    effect = "You are asked again only where something fails or is not as the plan shows it."
    return _act(plan, "Carry out all of it", effect, "Carry on")


def before_step(plan: Plan, title: str) -> Act:
    """The step is carried out behind it; the later ones are still asked about."""
    return _act(plan, title, "Each later step still waits for you; the name is not typed again.", title)


def _act(plan: Plan, title: str, effect: str, verb: str) -> Act:
    kept = f", but not the old databases of {joined(plan.gives_up)}" if plan.gives_up else ""
    return Act(
        title,
        tuple(node.name for node in plan.nodes),
        effect,
        f"You can stop between two steps; rolling back puts back what was there{kept}.",
        verb,
        typed=True,
        word=GIVE_UP_WORD if plan.gives_up else "",
        deeds=tuple(deed.sentence for deed in deeds_of(plan)),
    )
