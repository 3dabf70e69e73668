"""Compares every node's identity with what the others expect. It changes nothing.

A reference leads from one node to another, so the step looks at the whole inventory, whoever is in the plan,
and tells what `loomtui nodekeys` tells. Only what is wrong on a node of the run stops the run, because it can
mend nothing else. What is wrong elsewhere is named, and stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from loomtui.errors import StepFailed
from loomtui.loom.references import KeyReport, Mismatch, MismatchKind
from loomtui.restore.events import StepName
from loomtui.restore.planning.identities import Compared, look_and_compare
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.steps.base import Evidence, Step

#: What no unit file can mend.
_FATAL = frozenset({MismatchKind.DUPLICATE_IDENTITY, MismatchKind.NO_KEY, MismatchKind.REPORTED_DIFFERS})
_NOT_DONE = "The run does not change that node. What would be right: loomtui services --diff"


class CompareNodeKeys(Step):
    name = StepName.NODE_KEYS
    title = "Compare node keys"
    sentence = "Derives every node's ID, asks loom nodekey, and compares both with what the peers expect."
    undo_sentence = "Changes nothing, so there is nothing to take back."

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._report = KeyReport(True, (), ())

    async def prepare(self) -> None:
        self.context.compared = await look_and_compare_nodes(self.context)
        self._report = self.context.compared.report

    async def check(self, node: str) -> bool:
        return False  # it only looks: a resumed run looks again

    async def preview(self, node: str) -> Preview:
        expected = self.context.plan.node(node).node_id or "no identity"
        return Preview(
            node, f"compare the identity with every reference to it; changes nothing\nexpected: {expected}"
        )

    async def apply(self, node: str) -> None:
        """There is nothing to do: `verify` looks."""

    async def verify(self, node: str) -> Evidence:
        mine = [mismatch for mismatch in self._report.mismatches if _concerns(mismatch, {node})]
        fatal = [mismatch.message for mismatch in mine if _is_fatal(mismatch)]
        if fatal:
            raise StepFailed(" ".join(fatal), node=node, safe="It is held; nothing was started.")
        return {"mismatches": [mismatch.message for mismatch in mine]}

    async def undo(self, node: str) -> None:
        """Nothing was done, so there is nothing to undo."""

    async def gate(self) -> tuple[str, ...]:
        names = {node.name for node in self.context.nodes}
        fatal = [mismatch for mismatch in self._report.mismatches if _is_fatal(mismatch)]
        reasons = tuple(mismatch.message for mismatch in fatal if _concerns(mismatch, names))
        if not reasons:
            for mismatch in blocking_on_run(self.context, self._report):
                self.context.note(self.name, None, mismatch.message, {})
            tell_what_stays(self.context, self.name, self._report)
            tell_what_is_unknown(self.context, self.name, self._report)
        return reasons


def _is_fatal(mismatch: Mismatch) -> bool:
    """If `loom nodekey` could not be run, that is only worth knowing: the ID is derived without it."""
    return mismatch.blocking and mismatch.kind in _FATAL


def _concerns(mismatch: Mismatch, names: set[str]) -> bool:
    """Two nodes with one key are both concerned, whichever of them the key was found on."""
    both = mismatch.kind is MismatchKind.DUPLICATE_IDENTITY
    return mismatch.on in names or (both and mismatch.about in names)


async def compare_nodes(context: RunContext) -> KeyReport:
    """The report over the whole inventory, as it is now.

    Raises the error of the first node of the run that cannot be looked at. For other nodes that cannot be
    looked at, the inventory's word is taken.
    """
    return _unless_unseen(
        context, await look_and_compare(context.inventory, context.fleet, context.plan)
    ).report


async def look_and_compare_nodes(context: RunContext) -> Compared:
    """As `compare_nodes`, while the nodes of the run are stopped, with what was seen."""
    stopped = {node.name for node in context.nodes}
    compared = await look_and_compare(context.inventory, context.fleet, context.plan, stopped=stopped)
    return _unless_unseen(context, compared)


def _unless_unseen(context: RunContext, compared: Compared) -> Compared:
    for node in context.nodes:
        if node.name in compared.errors:
            raise compared.errors[node.name]
    return compared


def blocking_on_run(context: RunContext, report: KeyReport) -> Iterator[Mismatch]:
    """What would keep peers apart and can be mended by the run."""
    names = {node.name for node in context.nodes}
    yield from (one for one in report.mismatches if one.blocking and _concerns(one, names))


def duplicates_on_run(context: RunContext, report: KeyReport) -> Iterator[Mismatch]:
    """Node keys that a node of the run has in common with another one. No unit can mend that."""
    names = {node.name for node in context.nodes}
    for one in report.mismatches:
        if one.kind is MismatchKind.DUPLICATE_IDENTITY and _concerns(one, names):
            yield one


def tell_what_is_unknown(context: RunContext, step: StepName, report: KeyReport) -> None:
    """Names the nodes whose lists cannot be read. They stop nothing: nothing says that they are wrong.

    The plan said so before anything was stopped, and `verify` asks who is connected.
    """
    for mismatch in report.mismatches:
        if mismatch.kind is MismatchKind.PEERS_UNKNOWN:
            context.note(step, None, mismatch.message, {"severity": "warning"})


def tell_what_stays(context: RunContext, step: StepName, report: KeyReport) -> None:
    """Names what is wrong on nodes that the run leaves alone, and which nodes could not be looked at."""
    names = {node.name for node in context.nodes}
    for mismatch in report.mismatches:
        if mismatch.blocking and mismatch.on not in names:
            context.note(step, None, f"{mismatch.message} {_NOT_DONE}", {"severity": "warning"})
    if report.unseen:
        who = ", ".join(node.name for node in report.unseen)
        text = f"{who} could not be looked at: what its unit says, and its node ID, are not compared."
        context.note(step, None, text, {"severity": "warning"})
