"""Corrects the peers in each node's unit, by identity, if the operator approves it for that node."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Mapping

from loomtui.errors import GateNotMet, LoomtuiError, StepFailed
from loomtui.fleet.facts import read_facts
from loomtui.restore.events import StepName
from loomtui.restore.planning.config_choices import unified_diff
from loomtui.restore.planning.identities import ServiceFix, digest_of
from loomtui.restore.running.node_run import RELOAD, REPLACE, STAGE_FILE, UNREPLACE, VERIFY_UNIT, NodeRun
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.safe_now import NOTHING_STOPPED
from loomtui.restore.running.signing_now import standstill
from loomtui.restore.running.steps.base import Evidence, Step
from loomtui.restore.running.steps.node_keys import (
    blocking_on_run,
    duplicates_on_run,
    look_and_compare_nodes,
    tell_what_is_unknown,
)
from loomtui.restore.running.task_failures import CLUSTER, on_all
from loomtui.restore.running.unit_questions import UnitQuestions, text_of
from loomtui.restore.running.units_ahead import report_ahead

_SLOT = "services-unit"
_RECENT_SECONDS = 5.0
_STAGED = "stage/services"
_AS_IT_WAS = "It is held; the unit is as it was."
_OWN_KEYS = "Give each node a key of its own, then make a new plan."


class FixServices(Step):
    name = StepName.SERVICES
    title = "Fix service definitions"
    sentence = "Puts the right peers into each unit file, by identity; systemd checks each of them first."
    undo_sentence = "Puts back every unit file as it was."

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._questions = UnitQuestions(context)
        self._declined: dict[str, ServiceFix] = {}  # before the stop; what is declined later is asked again
        self._staged: dict[str, str] = {}  # digest of the text that waits on a node, and that systemd takes

    async def make_ready(self) -> Mapping[str, LoomtuiError]:
        """Asks about the units as they will be, and has systemd check what is approved.

        So nobody has to read a unit while the cluster is down.
        """
        try:
            report = await report_ahead(self.context)
        except LoomtuiError as error:
            return {error.node or CLUSTER: error}
        if duplicates := " ".join(one.message for one in duplicates_on_run(self.context, report)):
            return {CLUSTER: GateNotMet(duplicates, safe=NOTHING_STOPPED, advice=_OWN_KEYS)}
        self._questions.take(report)
        names = [node.name for node in self.context.nodes]
        _, failures = await on_all(names, self._make_ready)
        return failures

    async def _make_ready(self, node: str) -> None:
        fix = self._questions.fix_to_make(node)
        if fix is None:
            return
        self._see_that_it_can_be_changed(fix, NOTHING_STOPPED)
        text = await self._questions.text_for(fix, NOTHING_STOPPED)
        if text is not None:
            await self._stage(self.context.node_run(node), fix.path, text, NOTHING_STOPPED)
            return
        self._declined[node] = fix
        blocking = [
            one.message for one in blocking_on_run(self.context, self._questions.report) if one.on == node
        ]
        if blocking:
            raise GateNotMet(
                f"the change of its unit was declined, and with the unit as it is: {' '.join(blocking)}",
                node=node,
                safe=NOTHING_STOPPED,
                advice="Approve the change or edit it, or correct the unit by hand and make a new plan.",
            )

    async def prepare(self) -> None:
        """What the step before saw a moment ago need not be looked at again: the gate looks once more."""
        compared, self.context.compared = self.context.compared, None
        recent = compared is not None and time.monotonic() - compared.at < _RECENT_SECONDS
        if compared is None or not recent:
            compared = await look_and_compare_nodes(self.context)
        self._questions.take(compared.report)

    async def check(self, node: str) -> bool:
        state = await self.context.node_run(node).recent_state()
        return self._questions.fix_to_make(node) is None and not state.need_reload

    async def preview(self, node: str) -> Preview:
        fix = self._questions.fix_to_make(node)
        if fix is None:
            as_edited = self._questions.needs_change(node)
            text = "its unit is as the operator edited it" if as_edited else self._right_or_unknown(node)
            return Preview(node, text, already=True)
        if fix.problem is not None:
            return Preview(node, fix.problem)
        standing = self._questions.standing_yes(fix)
        if standing is None:
            return self._questions.proposal(fix)
        diff = unified_diff(fix.before, text_of(standing, fix), fix.path)
        text = f"change {fix.path} as {standing.by} approved it: it is not asked again"
        return Preview(node, text, diff, approved=True)

    def _right_or_unknown(self, node: str) -> str:
        if node in self._questions.report.unknown:
            return "whom its unit lists is not known, and nothing is changed in it"
        return "the peers in its unit are right"

    async def apply(self, node: str) -> None:
        fix = self._questions.fix_to_make(node)
        node_run = self.context.node_run(node)
        if fix is None:
            await node_run.change_and_look(node_run.part(RELOAD))
            return
        self._see_that_it_can_be_changed(fix, _AS_IT_WAS)
        if self._declined.pop(node, None) == fix:
            return
        text = await self._questions.text_for(fix, _AS_IT_WAS)
        if text is not None:
            await self._replace(node_run, fix.path, text)

    def _see_that_it_can_be_changed(self, fix: ServiceFix, safe: str) -> None:
        if fix.problem is not None:
            raise StepFailed(
                f"the peers in {fix.path} cannot be changed: {fix.problem}",
                node=fix.node,
                safe=safe,
                advice="Change the unit by hand, then retry.",
            )

    async def _stage(self, node_run: NodeRun, path: str, text: str, safe: str) -> None:
        """The text waits in the run's folder, and systemd has nothing against it."""
        node, name, content = node_run.plan.name, posixpath.basename(path), text.encode()
        if self._staged.get(node) == digest_of(text):
            return
        await node_run.change(STAGE_FILE, f"services/{name}", digest_of(text), stdin=content)
        if path == node_run.plan.unit_path:
            output = await node_run.change(VERIFY_UNIT, f"{_STAGED}/{name}", name, accept=(0, 76))
            if output.status == 76:
                complaint = read_facts(output.stdout).line("said")
                self._questions.take_back(node, text)
                raise StepFailed(
                    f"systemd refuses the new unit: {complaint}",
                    node=node,
                    safe=safe,
                    advice="Correct the unit on the node, then try again.",
                )
        self._staged[node] = digest_of(text)

    async def _replace(self, node_run: NodeRun, path: str, text: str) -> None:
        await self._stage(node_run, path, text, _AS_IT_WAS)
        source = f"{_STAGED}/{posixpath.basename(path)}"
        await node_run.change_and_look(
            node_run.part(
                REPLACE, node_run.unit_name, node_run.hold_file, _SLOT, source, path, "644", "", ""
            ),
            node_run.part(RELOAD),
        )

    async def verify(self, node: str) -> Evidence:
        state = await self.context.node_run(node).recent_state()
        if state.need_reload:
            raise StepFailed(
                "systemd still holds the old unit",
                node=node,
                safe="It is held.",
                advice=f"On {node}: systemctl daemon-reload. Then retry.",
            )
        return {"exec_start": state.exec_start}

    async def undo(self, node: str) -> None:
        node_run = self.context.node_run(node)
        state = await node_run.state()
        if _SLOT not in state.slots:
            return
        await node_run.change_and_look(
            node_run.part(UNREPLACE, node_run.unit_name, node_run.hold_file, _SLOT), node_run.part(RELOAD)
        )

    async def gate(self) -> tuple[str, ...]:
        """The last gate before the start, because nodes may have been left out since the data was chosen."""
        compared = await look_and_compare_nodes(self.context)
        tell_what_is_unknown(self.context, self.name, compared.report)
        blocking = tuple(mismatch.message for mismatch in blocking_on_run(self.context, compared.report))
        statuses = {name: details.status for name, details in compared.details.items()}
        return (*blocking, *await standstill(self.context, statuses))
