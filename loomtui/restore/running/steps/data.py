"""Swaps the restored databases for the old ones, by rename."""

from __future__ import annotations

from loomtui.errors import StepFailed
from loomtui.loom.databases import STATE_NAMES
from loomtui.restore.events import StepName
from loomtui.restore.running.node_run import SWAP, UNSWAP
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.staging import Stager
from loomtui.restore.running.steps.base import Evidence, Step


class RestoreData(Step):
    name = StepName.DATA
    title = "Restore data"
    sentence = "Unpacks the data beside the old one, checks it, moves the old away and swaps the new in."
    undo_sentence = "Moves the old databases back; each is a rename."

    async def check(self, node: str) -> bool:
        if self.context.plan.node(node).data is None:
            return True
        return "data.swapped" in (await self.context.node_run(node).state()).marks

    async def preview(self, node: str) -> Preview:
        archive = self.context.plan.node(node).data
        if archive is None:
            return Preview(node, "no data for this node", already=True)
        names = ", ".join(item.target for item in archive.items)
        state = await self.context.node_run(node).state()
        staged = (
            "already unpacked and checked" if "data.staged" in state.marks else "to be fetched and unpacked"
        )
        text = (
            f"put in {names} from {archive.key} of {archive.taken_at:%Y-%m-%d %H:%M} UTC ({staged}); "
            f"the old databases move to {self.context.node_run(node).folder}/replaced/data"
        )
        return Preview(node, text, already="data.swapped" in state.marks)

    async def apply(self, node: str) -> None:
        archive = self.context.plan.node(node).data
        if archive is None:
            return
        node_run = self.context.node_run(node)
        stager = Stager(
            node_run,
            self.context.catalogue,
            lambda amount: self.context.progress(self.name, node, amount),
            lambda text: self.context.note(self.name, node, text, {}),
        )
        await stager.stage("data", archive)
        await node_run.change(
            SWAP,
            node_run.unit_name,
            node_run.hold_file,
            node_run.plan.user,
            node_run.plan.group,
            *STATE_NAMES,
            timeout=600,
        )

    async def verify(self, node: str) -> Evidence:
        archive = self.context.plan.node(node).data
        if archive is None:
            return {}
        state = await self.context.node_run(node).state()
        if "data.swapped" not in state.marks:
            raise StepFailed(
                "the databases were not swapped", node=node, safe="Old and new lie side by side."
            )
        return {"archive": archive.key, "sha256": archive.sha256}

    async def undo(self, node: str) -> None:
        node_run = self.context.node_run(node)
        await node_run.change(UNSWAP, node_run.unit_name, node_run.hold_file, *STATE_NAMES, timeout=600)
