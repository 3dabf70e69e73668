"""Lifts the hold and starts every node. Only this lets a node run, so it comes last."""

from __future__ import annotations

from functools import partial

from loomtui.errors import StepFailed
from loomtui.restore.choices import BackupPolicy
from loomtui.restore.events import StepName
from loomtui.restore.running.job_suspension import UNSUSPEND, jobs_on, suspend, tell_what_is_back
from loomtui.restore.running.node_run import START, UNHOLD, RunState
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.steps.base import Evidence, Step
from loomtui.restore.running.steps.stop import keep_down

_SETTLE_SECONDS = 2.5  # longer than RestartSec=2: a node that cannot start has another process by then


class StartAll(Step):
    name = StepName.START
    title = "Start all"
    sentence = "Lifts the hold on every node and starts the service."
    undo_sentence = "Holds and stops every node again."

    async def check(self, node: str) -> bool:
        state = await self.context.node_run(node).recent_state()
        return not state.held and state.active == "active" and (await self._settled(node))[0]

    async def preview(self, node: str) -> Preview:
        node_run = self.context.node_run(node)
        return Preview(node, f"lift the hold, then start {node_run.unit_name}")

    async def apply(self, node: str) -> None:
        node_run = self.context.node_run(node)
        *_, back = await node_run.change_and_look(
            node_run.part(UNHOLD, node_run.unit_name, node_run.hold_file),
            node_run.part(START, node_run.unit_name),
            node_run.part(UNSUSPEND),
            timeout=120,
        )
        self.context.watch.begin()
        tell_what_is_back(back, partial(self.context.note, self.name, node))

    async def verify(self, node: str) -> Evidence:
        is_settled, state = await self._settled(node)
        if not is_settled:
            raise StepFailed(
                f"it does not stay up ({state.active}, {state.sub}): it exits and is restarted",
                node=node,
                safe="What was replaced on it is kept in the run's folder.",
                advice=f"Its log says why: loomtui logs --node {node}",
            )
        return {"active": "active"}

    async def _settled(self, node: str) -> tuple[bool, RunState]:
        """Whether its process has run for long enough, and how the service stands."""
        node_run = self.context.node_run(node)
        first = await node_run.recent_state()
        second = await node_run.settle(_SETTLE_SECONDS)
        same = (first.main_pid, first.started) == (second.main_pid, second.started)
        return same and second.active == "active" and second.main_pid != 0, second

    async def undo(self, node: str) -> None:
        node_run = self.context.node_run(node)
        await keep_down(node_run)
        if self.context.plan.backup_policy is not BackupPolicy.LEAVE:
            await suspend(node_run, await jobs_on(node_run))
