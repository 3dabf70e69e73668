"""Gives up the old databases of a node that has no room for them and the new ones.

It is the only thing in a run that cannot be taken back. So it happens only where the plan says so by name,
after the stop, for an archive that was judged whole, and where room is still short at that moment.
"""

from __future__ import annotations

from dataclasses import replace

from loomtui.backups.catalogue import Catalogue
from loomtui.errors import DataGivenUp, LoomtuiError, StepFailed
from loomtui.restore.events import Json, StepName
from loomtui.restore.plan import Archive
from loomtui.restore.planning.command_line import command_for, plan_command
from loomtui.restore.record.given_up import GIVEN_UP, GivenUp
from loomtui.restore.room import OldData
from loomtui.restore.running.node_run import GIVE_UP, NodeRun, RunState
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.supply import supply_of
from loomtui.wording.quantities import joined, size

_SECONDS = 3600
_ALL_THERE = "Its old databases are all there, and it is held."


def words_of(old: OldData) -> str:
    """app.db and evm.db (12.0 GiB)."""
    return f"{joined(old.names, 20)} ({size(old.bytes)})"


async def give_up_old_data(context: RunContext, node: str, archive: Archive, old: OldData) -> bool:
    """Whether they are given up; False: there is room by now. Can be called again after any interruption.

    Raises StepFailed, ObjectUnreadable, StoreUnreachable, NodeUnreachable, ScriptFailed.
    """
    node_run = context.node_run(node)
    state = await node_run.state()
    if state.given_up is None:
        if not node_run.shortages(state, {"data": archive}):
            context.note(StepName.DATA, node, "there is room by now: nothing is given up", {})
            return False
        await _see_that_it_can_be_had(context.catalogue, archive, node)
        data: dict[str, Json] = {GIVEN_UP: list(old.names), "bytes": old.bytes, "severity": "warning"}
        message = f"its old databases are given up now, and nothing brings them back: {words_of(old)}"
        context.note(StepName.DATA, node, message, data)
    await node_run.change(GIVE_UP, node_run.unit_name, node_run.hold_file, *old.names, timeout=_SECONDS)
    return True


async def _see_that_it_can_be_had(catalogue: Catalogue, archive: Archive, node: str) -> None:
    """It was judged whole, and S3 still has exactly it: the last look before there is no way back."""
    if not archive.is_known:
        raise StepFailed(
            "its old databases are not given up: nobody has read the archive that takes their place",
            node=node,
            safe=_ALL_THERE,
        )
    try:
        await catalogue.check(archive.key, archive.etag, archive.size_bytes)
        if archive.manifest is not None:
            await supply_of(catalogue).manifest(archive.manifest)
    except LoomtuiError as error:
        error.safe = _ALL_THERE
        raise


def say_what_is_gone(error: LoomtuiError) -> None:
    """Puts it into an error of after that: its own words may say that the node's data is untouched."""
    error.safe = (
        "The node's old databases were given up. Its keys, signing state and config are untouched, and it is "
        "held. What has come of the new data stays."
    )


def cannot_be_put_back(
    context: RunContext, node_run: NodeRun, state: RunState, given_up: GivenUp
) -> DataGivenUp:
    """What a rollback answers for such a node."""
    now = "it has no data now"
    if "data.swapped" in state.marks:
        now = "the restored data stays in its place"
    name = node_run.plan.name
    return DataGivenUp(
        f"the old data of {name} was given up at {given_up.when}: it cannot be put back, and {now}. What "
        "can be rolled back is its config and units",
        node=name,
        safe="It stays stopped and held.",
        advice=f"Restore it anew: {_command_for_gone(context)}. Or, if it shall run with what it has, remove "
        f"{node_run.hold_file} there, then: systemctl daemon-reload.",
    )


def _command_for_gone(context: RunContext) -> str:
    """The command for a plan that brings data back to the nodes that gave theirs up."""
    plan, names = context.plan, context.plan.gives_up
    if len(names) == len(plan.nodes):
        return plan_command(plan)
    sources = {node: host for node, host in plan.choices.sources.items() if node in names}
    return command_for(replace(plan.choices, nodes=names, sources=sources, reset_signing=False), plan.cluster)
