"""Swaps the restored databases for the old ones, by rename; without room for both, the old ones go first."""

from __future__ import annotations

from loomtui.errors import LoomtuiError, StepFailed
from loomtui.loom.databases import STATE_NAMES
from loomtui.restore.events import Json, StepName
from loomtui.restore.plan import Archive
from loomtui.restore.record.given_up import GIVEN_UP
from loomtui.restore.running.giving_up import (
    cannot_be_put_back,
    give_up_old_data,
    say_what_is_gone,
    words_of,
)
from loomtui.restore.running.manifest_truth import see_that_manifest_is_true
from loomtui.restore.running.node_run import SWAP, UNSWAP
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.staging import stager_of
from loomtui.restore.running.steps.base import Evidence, Step


class RestoreData(Step):
    name = StepName.DATA
    title = "Restore data"
    sentence = "Unpacks the data beside the old one, checks it, moves the old away and swaps the new in."
    undo_sentence = "Moves the old databases back; each is a rename."

    async def check(self, node: str) -> bool:
        if self.context.plan.node(node).data is None:
            return True
        return "data.swapped" in (await self.context.node_run(node).recent_state()).marks

    async def preview(self, node: str) -> Preview:
        plan = self.context.plan.node(node)
        archive = plan.data
        if archive is None:
            return Preview(node, "no data for this node", already=True)
        names = ", ".join(item.target for item in archive.items)
        state = await self.context.node_run(node).recent_state()
        staged = (
            "already unpacked and checked" if "data.staged" in state.marks else "to be fetched and unpacked"
        )
        text = f"put in {names} from {archive.key} of {archive.taken_at:%Y-%m-%d %H:%M} UTC ({staged})\n"
        already = "data.swapped" in state.marks
        if plan.gives_up is None:
            text += f"the old databases move to {self.context.node_run(node).folder}/replaced/data"
            return Preview(node, text, already=already)
        lost = f"the old databases are given up, for there is no room for both: {words_of(plan.gives_up)}"
        text += f"before that, {lost}. They are deleted for good; keys, signing state and config stay"
        return Preview(node, text, already=already, lost="" if already else lost)

    async def apply(self, node: str) -> None:
        archive = self.context.plan.node(node).data
        if archive is None:
            return
        node_run = self.context.node_run(node)
        is_staged = "data.staged" in (await node_run.recent_state()).marks
        is_judged = self.context.plan.stage_first and self.context.plan.node(node).gives_up is None
        if not (is_staged and is_judged):
            await self._unpack(node, archive)
        swap = (node_run.unit_name, node_run.hold_file, node_run.plan.user, node_run.plan.group, *STATE_NAMES)
        await node_run.change_and_look(node_run.part(SWAP, *swap), timeout=600)

    async def _unpack(self, node: str, archive: Archive) -> None:
        stager, old = stager_of(self.context, self.name, node), self.context.plan.node(node).gives_up
        is_gone = False
        if old is not None and not await stager.is_there("data", archive):
            is_gone = await give_up_old_data(self.context, node, archive, old)
        try:
            await stager.stage("data", archive)
            await see_that_manifest_is_true(self.context, node)
        except LoomtuiError as error:
            if is_gone:
                say_what_is_gone(error)
            raise

    async def verify(self, node: str) -> Evidence:
        archive = self.context.plan.node(node).data
        if archive is None:
            return {}
        state = await self.context.node_run(node).recent_state()
        if "data.swapped" not in state.marks:
            raise StepFailed(
                "the databases were not swapped", node=node, safe="Old and new lie side by side."
            )
        gone: dict[str, Json] = {GIVEN_UP: list(state.given_up.names)} if state.given_up is not None else {}
        return {"archive": archive.key, "sha256": archive.sha256, **gone}

    async def undo(self, node: str) -> None:
        """Raises DataGivenUp where the old data is gone. What lies there stays as it is then."""
        node_run = self.context.node_run(node)
        state = await node_run.state()
        if state.given_up is not None:
            raise cannot_be_put_back(self.context, node_run, state, state.given_up)
        await node_run.change(UNSWAP, node_run.unit_name, node_run.hold_file, *STATE_NAMES, timeout=600)
