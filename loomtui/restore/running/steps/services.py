"""Corrects the peers in each node's unit, by identity, if the operator approves it for that node."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import partial

from loomtui.errors import StepFailed
from loomtui.fleet.facts import read_facts
from loomtui.loom.references import KeyReport
from loomtui.restore.events import StepName
from loomtui.restore.planning.config_choices import unified_diff
from loomtui.restore.planning.identities import ServiceFix, service_fixes
from loomtui.restore.running.approvals import REFUSED, Answer, Approved, approved, decision, digest_of
from loomtui.restore.running.node_run import RELOAD, REPLACE, STAGE_FILE, UNREPLACE, VERIFY_UNIT, NodeRun
from loomtui.restore.running.operator import Judged, Preview, UnitDraft
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.signing_now import standstill
from loomtui.restore.running.steps.base import Evidence, Step
from loomtui.restore.running.steps.node_keys import blocking_on_run, compare_nodes, tell_what_is_unknown
from loomtui.restore.running.unit_edits import judge, why_locked

_SLOT = "services-unit"
_STAGED = "stage/services"
_AS_IT_WAS = "It is held; the unit is as it was."
_OUTDATED = "what {by} approved before is not done: the unit, or an identity that it names, has changed since"
_SAID = {
    Answer.YES: "the change of the unit was approved",
    Answer.EDITED: "the change of the unit was edited, and approved so",
    Answer.NO: "the change of the unit was declined; it stays as it is",
}


class FixServices(Step):
    name = StepName.SERVICES
    title = "Fix service definitions"
    sentence = "Puts the right peers into each unit file, by identity; systemd checks each of them first."
    undo_sentence = "Puts back every unit file as it was."

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._report = KeyReport(True, (), ())
        self._fixes: dict[str, ServiceFix] = {}
        self._approved: Mapping[str, Approved] = {}

    async def prepare(self) -> None:
        self._report = await compare_nodes(self.context)
        self._fixes = {fix.node: fix for fix in service_fixes(self._report)}
        self._approved = approved(self.context.events())

    async def check(self, node: str) -> bool:
        state = await self.context.node_run(node).state()
        return self._fix_to_make(node) is None and not state.need_reload

    async def preview(self, node: str) -> Preview:
        fix = self._fix_to_make(node)
        if fix is None:
            as_edited = self._fixes.get(node) is not None and self._fixes[node].needed
            text = "its unit is as the operator edited it" if as_edited else self._right_or_unknown(node)
            return Preview(node, text, already=True)
        if fix.problem is not None:
            return Preview(node, fix.problem)
        standing = self._valid_approval(fix)
        if standing is None:
            return self._proposal(fix)
        diff = unified_diff(fix.before, _text_of(standing, fix), fix.path)
        return Preview(node, f"change {fix.path} as {standing.by} approved it: it is not asked again", diff)

    def _right_or_unknown(self, node: str) -> str:
        if node in self._report.unknown:
            return "whom its unit lists is not known, and nothing is changed in it"
        return "the peers in its unit are right"

    async def apply(self, node: str) -> None:
        fix = self._fix_to_make(node)
        node_run = self.context.node_run(node)
        if fix is None:
            await node_run.change(RELOAD)
            return
        if fix.problem is not None:
            raise StepFailed(
                f"the peers in {fix.path} cannot be changed: {fix.problem}",
                node=node,
                safe=_AS_IT_WAS,
                advice="Change the unit by hand, then retry.",
            )
        standing = self._valid_approval(fix)
        text = await self._ask(fix) if standing is None else _text_of(standing, fix)
        if text is not None:
            await self._replace(node_run, fix.path, text)

    def _fix_to_make(self, node: str) -> ServiceFix | None:
        """The unit that has to change.

        None means that it is right, or that it is as the operator edited it and nothing speaks against that.
        """
        fix = self._fixes.get(node)
        if fix is None:
            return None
        own = self._approved.get(node)
        if own is not None and own.text is not None and not self._judge(fix, own.text).problems:
            now = digest_of(fix.before)
            if now in (own.digest, own.before):
                return None if now == own.digest else fix
        return fix if fix.needed else None

    def _valid_approval(self, fix: ServiceFix) -> Approved | None:
        """The yes to this very change, given in an earlier try or before an interruption."""
        approved = self._approved.get(fix.node)
        if approved is None or approved.before != digest_of(fix.before):
            return None
        if approved.text is None:
            return approved if approved.digest == digest_of(fix.after) else None
        return None if self._judge(fix, approved.text).problems else approved

    def _proposal(self, fix: ServiceFix) -> Preview:
        text = "\n".join(filter(None, (f"change the peers in {fix.path}", self._outdated_sentence(fix))))
        return Preview(fix.node, text, fix.diff)

    def _outdated_sentence(self, fix: ServiceFix) -> str:
        """A sentence, if something was approved that is not done any more."""
        approved = self._approved.get(fix.node)
        return "" if approved is None else _OUTDATED.format(by=approved.by)

    async def _ask(self, fix: ServiceFix) -> str | None:
        """The text that the unit gets, or None if the unit is to be left as it is.

        The answer is recorded before anything is done.
        """
        operator, locked, outdated = self.context.operator, why_locked(fix), self._outdated_sentence(fix)
        if outdated:
            self.context.note(self.name, fix.node, outdated, {"severity": "warning"})
        preview = self._proposal(fix)
        draft = UnitDraft("" if locked else fix.after, locked, partial(self._judge, fix))
        answer = await operator.approve_unit(fix.node, preview, draft)
        own = answer.text if answer.given and answer.text != fix.after else None
        text, diff = (fix.after, "") if own is None else (own, self._see_that_it_may_be(fix, own, locked))
        word = Answer.NO if not answer.given else Answer.YES if own is None else Answer.EDITED
        data = decision(word, operator.name, fix.path, fix.before, text, diff)
        self.context.decided(self.name, fix.node, _SAID[word], data)
        return text if answer.given else None

    def _judge(self, fix: ServiceFix, text: str) -> Judged:
        nodes = self._report.everyone
        facts = next(node for node in nodes if node.name == fix.node)
        return judge(text, fix, facts, nodes, self.context.plan.node(fix.node))

    def _see_that_it_may_be(self, fix: ServiceFix, text: str, locked: str) -> str:
        """Lets nothing else through; whoever edited the text was told before. Gives the difference."""
        judged = self._judge(fix, text)
        if problems := (locked,) if locked else judged.problems:
            raise StepFailed(
                f"the edited unit is refused: {' '.join(problems)}",
                node=fix.node,
                safe=_AS_IT_WAS,
                advice="Retry: it is asked again.",
            )
        return judged.diff

    async def _replace(self, node_run: NodeRun, path: str, text: str) -> None:
        name, content = posixpath.basename(path), text.encode()
        await node_run.change(STAGE_FILE, f"services/{name}", digest_of(text), stdin=content)
        if path == node_run.plan.unit_path:
            output = await node_run.change(VERIFY_UNIT, f"{_STAGED}/{name}", name, accept=(0, 76))
            if output.status == 76:
                complaint = read_facts(output.stdout).line("said")
                self._take_back(node_run.plan.name, text)
                raise StepFailed(
                    f"systemd refuses the new unit: {complaint}",
                    node=node_run.plan.name,
                    safe=_AS_IT_WAS,
                    advice="Correct the unit on the node, then try again.",
                )
        await node_run.change(
            REPLACE, node_run.unit_name, node_run.hold_file, _SLOT, f"{_STAGED}/{name}", path, "644", "", ""
        )
        await node_run.change(RELOAD)

    def _take_back(self, node: str, text: str) -> None:
        """Takes the approval back.

        A retry would refuse the text again, so the operator is asked again and can edit it.
        """
        message = "the approval is void, for systemd refuses what was approved"
        self.context.note(self.name, node, message, {REFUSED: digest_of(text), "severity": "warning"})

    async def verify(self, node: str) -> Evidence:
        state = await self.context.node_run(node).state()
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
        await node_run.change(UNREPLACE, node_run.unit_name, node_run.hold_file, _SLOT)
        await node_run.change(RELOAD)

    async def gate(self) -> tuple[str, ...]:
        """The last gate before the start, because nodes may have been left out since the data was chosen."""
        report = await compare_nodes(self.context)
        tell_what_is_unknown(self.context, self.name, report)
        blocking = tuple(mismatch.message for mismatch in blocking_on_run(self.context, report))
        return (*blocking, *await standstill(self.context))


def _text_of(yes: Approved, fix: ServiceFix) -> str:
    return fix.after if yes.text is None else yes.text
