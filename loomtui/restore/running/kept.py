"""What a run that is over keeps on its nodes: the room that `clean` would free."""

from __future__ import annotations

from loomtui.fleet.probes.room import look_at_room
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.task_failures import on_all

#: A node that counts for longer, with a slow disk and many files, is not waited for: the run is over.
_SECONDS = 15.0


async def kept_bytes(context: RunContext) -> dict[str, int]:
    """By node; those that do not answer in time are not in it."""

    async def one(name: str) -> int:
        node_run = context.node_run(name)
        room = await look_at_room(node_run.session, node_run.workdir, (), None, seconds=_SECONDS)
        return sum(kept.bytes for kept in room.kept if kept.run == context.run)

    counts, _ = await on_all([node.name for node in context.nodes], one)
    return counts
