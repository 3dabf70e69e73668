"""Compares every node's identity with what the others expect. Changes nothing."""

from __future__ import annotations

from loomtui.errors import StepFailed
from loomtui.loom.references import KeyReport, Mismatch, MismatchKind
from loomtui.restore.context import RunContext
from loomtui.restore.events import StepName
from loomtui.restore.identities import gather
from loomtui.restore.operator import Preview
from loomtui.restore.steps.base import Evidence, Step

#: What no unit file can mend.
_FATAL = frozenset({MismatchKind.DUPLICATE_IDENTITY, MismatchKind.NO_KEY, MismatchKind.REPORTED_DIFFERS})


class CompareNodeKeys(Step):
    name = StepName.NODE_KEYS
    title = "Compare node keys"
    sentence = "Derives every node's ID, asks loom nodekey, and compares both with what the peers expect."
    undo_sentence = "Changes nothing, so there is nothing to take back."

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._mismatches: tuple[Mismatch, ...] = ()

    async def prepare(self) -> None:
        self._mismatches = (await compare_nodes(self.context)).mismatches

    async def check(self, node: str) -> bool:
        return False  # it only looks: a resumed run looks again

    async def preview(self, node: str) -> Preview:
        expected = self.context.plan.node(node).node_id or "no identity"
        return Preview(node, f"expected: {expected}; changes nothing")

    async def apply(self, node: str) -> None:
        """Nothing to do: `verify` looks."""

    async def verify(self, node: str) -> Evidence:
        mine = [mismatch for mismatch in self._mismatches if mismatch.on == node]
        fatal = [mismatch.message for mismatch in mine if _is_fatal(mismatch)]
        if fatal:
            raise StepFailed(" ".join(fatal), node=node, safe="It is held; nothing was started.")
        return {"mismatches": [mismatch.message for mismatch in mine]}

    async def undo(self, node: str) -> None:
        """Nothing was done."""

    async def gate(self) -> tuple[str, ...]:
        return tuple(mismatch.message for mismatch in self._mismatches if _is_fatal(mismatch))


def _is_fatal(mismatch: Mismatch) -> bool:
    """That `loom nodekey` could not be run is worth knowing, and no more: the ID is derived without it."""
    return mismatch.blocking and mismatch.kind in _FATAL


async def compare_nodes(context: RunContext) -> KeyReport:
    """The report over the nodes of the run. Raises the first node's error when one cannot be looked at."""
    names = [node.name for node in context.nodes]
    report, errors = await gather(context.inventory, context.fleet, plan=context.plan, names=names)
    for error in errors.values():
        raise error
    return report
