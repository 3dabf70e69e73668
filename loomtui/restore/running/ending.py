"""The end of a run on its nodes: they are released, and what it keeps there is counted."""

from __future__ import annotations

from loomtui.fleet.probes.room import look_at_room
from loomtui.restore.record.recorder import Recorder
from loomtui.restore.running.node_run import UNLOCK
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.task_failures import on_all, sentences

#: A node that counts for longer, with a slow disk and many files, is not waited for: the run is over.
_SECONDS = 15.0


async def release(context: RunContext, recorder: Recorder) -> None:
    """Releases the nodes.

    A node that cannot be reached, or is left out, keeps its lock, because the run is not over there.
    """
    names = [node.name for node in context.nodes]
    _, failures = await on_all(names, lambda name: context.node_run(name).change(UNLOCK))
    for text in sentences(failures):
        recorder.note(None, None, f"the lock stays: {text}", {"severity": "warning"})


async def kept_bytes(context: RunContext) -> dict[str, int]:
    """What `clean` would free, by node; those that do not answer in time are not in it."""

    async def one(name: str) -> int:
        node_run = context.node_run(name)
        room = await look_at_room(node_run.session, node_run.workdir, (), None, seconds=_SECONDS)
        return sum(kept.bytes for kept in room.kept if kept.run == context.run)

    counts, _ = await on_all([node.name for node in context.nodes], one)
    return counts
