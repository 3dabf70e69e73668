"""Whether a run may begin, or go on: asked before anything is done for it."""

from __future__ import annotations

from collections.abc import Callable

from loomtui.errors import LoomtuiError, Refused
from loomtui.inventory.model import Inventory
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.findings import texts_of
from loomtui.restore.planning.command_line import plan_command
from loomtui.restore.record.run_store import Run, summarize
from loomtui.restore.running.safe_now import safe_now, say_safe
from loomtui.restore.running.second import Seen, seen_of_run


async def admitted(
    run: Run, inventory: Inventory, has_begun: Callable[[StepName], bool], *, break_glass: bool
) -> Seen | None:
    """How the second pair of eyes was had; None: the inventory wants none. Raises Refused, CallError."""
    _refuse_what_must_not_run(run, inventory)
    if not inventory.require_second:
        return None
    try:
        return await seen_of_run(inventory, run, break_glass=break_glass)
    except LoomtuiError as error:
        if has_begun(StepName.STOP):
            say_safe(error, safe_now(has_begun, run.plan.gives_up))
        raise


def _refuse_what_must_not_run(run: Run, inventory: Inventory) -> None:
    plan = run.plan
    if plan.refusals:
        raise Refused(
            "the plan must not be run: " + "; ".join(texts_of(plan.refusals)),
            advice=f"Make another plan: {plan_command(plan)}",
        )
    if plan.cluster != inventory.cluster:
        raise Refused(
            f"the plan is for {plan.cluster}, the inventory for {inventory.cluster}",
            advice="Name the right inventory with -i.",
        )
    unknown = {node.name for node in plan.nodes} - set(inventory.names)
    if unknown:
        raise Refused(f"the plan names nodes that the inventory does not have: {', '.join(sorted(unknown))}")
    outcome = summarize(run).outcome
    if outcome in {Outcome.RESTORED, Outcome.ROLLED_BACK}:
        raise Refused(f"run {run.id} is {outcome.value}: there is nothing to resume")
    if any(event.kind is EventKind.ROLLBACK_STARTED for event in run.events()):
        advice = f"Finish that: loomtui rollback {run.id}"
        raise Refused(f"run {run.id} is being rolled back", advice=advice)
