"""Watches until the chain moves on every node. After a deadline it gives a diagnosis."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

from loomtui.errors import LoomtuiError, StepFailed
from loomtui.fleet.probes.findings import Findings, cluster_of
from loomtui.fleet.probes.log_tail import tail
from loomtui.loom.diagnosis import Diagnosis, diagnose
from loomtui.loom.health import ClusterState, Verdict
from loomtui.restore.events import CHAIN_MOVES, StepName
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.steps.base import Evidence, Step
from loomtui.restore.running.steps.node_keys import compare_nodes, tell_what_stays


class Verify(Step):
    name = StepName.VERIFY
    title = "Verify"
    sentence = "Watches until heights grow on every node, with equal app hashes and all peers."
    undo_sentence = "Changes nothing, so there is nothing to take back."
    may_leave_out = False

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._waiting: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """What was seen before a failure counts no more."""
        if self._waiting is not None:
            self._waiting = None
            await self.context.watch.end()

    async def check(self, node: str) -> bool:
        return False  # health is of this moment only

    async def preview(self, node: str) -> Preview:
        return Preview(
            node, f"look for at most {self.context.plan.verify_deadline_seconds} s; changes nothing"
        )

    async def apply(self, node: str) -> None:
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._wait_for_chain(), name="verify")
        try:
            await asyncio.shield(self._waiting)
        except asyncio.CancelledError:
            self._waiting.cancel()
            raise

    async def verify(self, node: str) -> Evidence:
        status = self.context.watch.last.get(node)
        chain = status.chain if status else None
        if chain is None:
            raise StepFailed(
                "it gave no height",
                node=node,
                safe="What was replaced on it is kept in the run's folder.",
                advice=f"Its log says why: loomtui logs --node {node}",
            )
        return {"height": chain.height, "app_hash": chain.app_hash, "peers": chain.peers}

    async def gate(self) -> tuple[str, ...]:
        """Tells also what `loomtui nodekeys` will find: heights can grow even if a reference is wrong.

        Of the run's own nodes the gate before the start has told it.
        """
        if {node.name for node in self.context.nodes}.issuperset(self.context.inventory.names):
            return ()
        with contextlib.suppress(LoomtuiError):
            tell_what_stays(self.context, self.name, await compare_nodes(self.context))
        return ()

    async def undo(self, node: str) -> None:
        """Nothing was done, so there is nothing to undo."""

    async def _wait_for_chain(self) -> None:
        """One wait serves the tasks of all nodes."""
        watch = self.context.watch
        deadline = datetime.now(UTC) + timedelta(seconds=self.context.plan.verify_deadline_seconds)
        await watch.look_now()  # health is of this moment, whatever was seen before
        moves = False
        while True:
            verdict = watch.verdict()
            if verdict.growing and not moves:
                moves = True
                self.context.note(self.name, None, "Blocks come on every node.", {CHAIN_MOVES: True})
            self._tell(verdict)
            if verdict.state is ClusterState.HEALTHY:
                return
            if datetime.now(UTC) > deadline:
                raise await self._failure(verdict)
            await watch.next_look()

    def _tell(self, verdict: Verdict) -> None:
        self.context.note(self.name, None, verdict.sentence, {"state": verdict.state.value, "live": True})

    async def _failure(self, verdict: Verdict) -> StepFailed:
        causes = await self._diagnose(verdict)
        sentences = " ".join(_sentence(cause) for cause in causes[:3])
        return StepFailed(
            f"{verdict.sentence} {sentences}".strip(),
            node=next((cause.node for cause in causes if cause.node), None),
            safe="What was replaced is kept on each node, in the run's folder.",
            advice=causes[0].advice.text if causes else "Look at the logs: loomtui logs -f",
        )

    async def _diagnose(self, verdict: Verdict) -> tuple[Diagnosis, ...]:
        """Of nodes of the inventory that are not watched nothing is known."""
        keys = None
        with contextlib.suppress(LoomtuiError):
            keys = await compare_nodes(self.context)
        lines = {name: tuple(texts) for name, texts in (await self._log_lines()).items()}
        return diagnose(
            cluster_of(self.context.inventory, self.context.watch.last, verdict, Findings(keys, lines))
        )

    async def _log_lines(self) -> dict[str, list[str]]:
        """What the nodes have said since they were started; what they said before no longer holds."""
        lines: dict[str, list[str]] = {}
        starts = [
            status.service.since for status in self.context.watch.last.values() if status.service is not None
        ]
        since = min((start for start in starts if start is not None), default=None)
        with contextlib.suppress(LoomtuiError, TimeoutError):
            async with asyncio.timeout(20):
                async for batch in tail(
                    self.context.fleet, self.context.watched, follow=False, lines=200, since=since
                ):
                    for line in batch:
                        lines.setdefault(line.node, []).append(line.text)
        return lines


def _sentence(cause: Diagnosis) -> str:
    return f"{cause.place + ': ' if cause.place else ''}{cause.meaning}"
