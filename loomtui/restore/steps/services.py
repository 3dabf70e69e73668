"""Rewrites the peers in each node's unit, by identity, with the operator's approval for each."""

from __future__ import annotations

import posixpath
from hashlib import sha256

from loomtui.errors import StepFailed
from loomtui.fleet.facts import read_facts
from loomtui.restore.context import RunContext
from loomtui.restore.events import StepName
from loomtui.restore.hand import RELOAD, REPLACE, STAGE_FILE, UNREPLACE, VERIFY_UNIT, Hand
from loomtui.restore.identities import ServiceFix, service_fixes
from loomtui.restore.operator import Preview
from loomtui.restore.signing_now import standstill
from loomtui.restore.steps.base import Evidence, Step
from loomtui.restore.steps.node_keys import compare_nodes

_SLOT = "services-unit"
_STAGED = "stage/services"


class FixServices(Step):
    name = StepName.SERVICES
    title = "Fix service definitions"
    sentence = "Puts the right peers into each unit file, by identity; systemd checks each of them first."
    undo_sentence = "Puts back every unit file as it was."

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._fixes: dict[str, ServiceFix] = {}

    async def prepare(self) -> None:
        report = await compare_nodes(self.context)
        self._fixes = {fix.node: fix for fix in service_fixes(report)}

    async def check(self, node: str) -> bool:
        fix = self._fixes.get(node)
        state = await self.context.hand(node).state()
        return (fix is None or not fix.needed) and not state.need_reload

    async def preview(self, node: str) -> Preview:
        fix = self._fixes.get(node)
        if fix is None or not fix.needed:
            return Preview(node, "the peers in its unit are right", already=True)
        return Preview(node, fix.problem or f"change the peers in {fix.path}", fix.diff)

    async def apply(self, node: str) -> None:
        fix = self._fixes.get(node)
        hand = self.context.hand(node)
        if fix is None or not fix.needed:
            await hand.change(RELOAD)
            return
        if fix.problem is not None:
            raise StepFailed(
                f"the peers in {fix.path} cannot be changed: {fix.problem}",
                node=node,
                safe="It is held; the unit is as it was.",
                advice="Change the unit by hand, then retry.",
            )
        preview = Preview(node, f"change the peers in {fix.path}", fix.diff)
        if not await self.context.operator.approve_unit(node, preview):
            self.context.note(self.name, node, "the change of the unit was declined; it stays as it is", {})
            return
        await self._replace(hand, fix)

    async def _replace(self, hand: Hand, fix: ServiceFix) -> None:
        name = posixpath.basename(fix.path)
        text = fix.after.encode()
        await hand.change(STAGE_FILE, f"services/{name}", sha256(text).hexdigest(), stdin=text)
        if fix.path == hand.plan.unit_path:
            output = await hand.change(VERIFY_UNIT, f"{_STAGED}/{name}", name, accept=(0, 76))
            if output.status == 76:
                said = read_facts(output.stdout).line("said")
                raise StepFailed(
                    f"systemd refuses the new unit: {said}", node=hand.plan.name, safe="It is held."
                )
        await hand.change(
            REPLACE, hand.unit_name, hand.hold_file, _SLOT, f"{_STAGED}/{name}", fix.path, "644", "", ""
        )
        await hand.change(RELOAD)

    async def verify(self, node: str) -> Evidence:
        state = await self.context.hand(node).state()
        if state.need_reload:
            raise StepFailed(
                "systemd still holds the old unit", node=node, safe="It is held.", advice="Retry."
            )
        return {"exec_start": state.exec_start}

    async def undo(self, node: str) -> None:
        hand = self.context.hand(node)
        state = await hand.state()
        if _SLOT not in state.slots:
            return
        await hand.change(UNREPLACE, hand.unit_name, hand.hold_file, _SLOT)
        await hand.change(RELOAD)

    async def gate(self) -> tuple[str, ...]:
        """The last one before the start: nodes may have been left out since the data was chosen."""
        report = await compare_nodes(self.context)
        blocking = tuple(mismatch.message for mismatch in report.mismatches if mismatch.blocking)
        return (*blocking, *await standstill(self.context))
