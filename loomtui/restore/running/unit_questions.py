"""What the operator is asked about the units of a run: what is proposed, what stands, what may be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from loomtui.errors import StepFailed
from loomtui.loom.references import KeyReport
from loomtui.restore.events import StepName
from loomtui.restore.planning.identities import ServiceFix, digest_of, service_fixes
from loomtui.restore.record.recorder import WAITED
from loomtui.restore.running.approvals import REFUSED, Answer, Approved, approved, decided, decision
from loomtui.restore.running.operator import Judged, Preview, UnitDraft, answered
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.unit_edits import judge, why_locked

_UNPLANNED = "the plan does not show this change: the unit, or an identity that it names, has changed since"
_OUTDATED = "what {by} approved before is not done: the unit, or an identity that it names, has changed since"
_SAID = {
    Answer.YES: "the change of the unit was approved",
    Answer.EDITED: "the change of the unit was edited, and approved so",
    Answer.NO: "the change of the unit was declined; it stays as it is",
}


class UnitQuestions:
    """The questions about one state of all nodes."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self.report = KeyReport(True, (), ())
        self._fixes: dict[str, ServiceFix] = {}
        self._approved: Mapping[str, Approved] = {}

    def take(self, report: KeyReport) -> None:
        """From now on it is about this state, and what was answered so far counts."""
        self.report = report
        self._fixes = {fix.node: fix for fix in service_fixes(report)}
        self._approved = approved(self._context.events())

    def needs_change(self, node: str) -> bool:
        """Whether loomtui would write its unit otherwise, whatever was approved."""
        return node in self._fixes and self._fixes[node].needed

    def fix_to_make(self, node: str) -> ServiceFix | None:
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

    def standing_yes(self, fix: ServiceFix) -> Approved | None:
        """The yes to this very change, given in an earlier try or before an interruption."""
        approved = self._approved.get(fix.node)
        if approved is None or approved.before != digest_of(fix.before):
            return None
        if approved.text is None:
            return approved if approved.digest == digest_of(fix.after) else None
        return None if self._judge(fix, approved.text).problems else approved

    def proposal(self, fix: ServiceFix) -> Preview:
        other = self._outdated_sentence(fix) or ("" if self._is_planned(fix) else _UNPLANNED)
        return Preview(
            fix.node, "\n".join(filter(None, (f"change the peers in {fix.path}", other))), fix.diff
        )

    def _is_planned(self, fix: ServiceFix) -> bool:
        """Whether the plan shows this very change, from the same text to the same text."""
        shown = self._context.plan.node(fix.node).unit_change
        now = (fix.path, digest_of(fix.before), digest_of(fix.after))
        return shown is not None and (shown.path, shown.before, shown.after) == now

    def _outdated_sentence(self, fix: ServiceFix) -> str:
        """A sentence, if something was approved that is not done any more."""
        approved = self._approved.get(fix.node)
        return "" if approved is None else _OUTDATED.format(by=approved.by)

    async def _ask(self, fix: ServiceFix, safe: str) -> str | None:
        """The text that the unit gets, or None if the unit is to be left as it is.

        The answer is recorded before anything is done.
        """
        operator, locked, outdated = self._context.operator, why_locked(fix), self._outdated_sentence(fix)
        if outdated:
            self._context.note(StepName.SERVICES, fix.node, outdated, {"severity": "warning"})
        preview = self.proposal(fix)
        planned = self._is_planned(fix) and fix.node not in decided(self._context.events())
        draft = UnitDraft("" if locked else fix.after, locked, partial(self._judge, fix), planned)
        answer, waited = await answered(operator.approve_unit(fix.node, preview, draft))
        own = answer.text if answer.given and answer.text != fix.after else None
        text, diff = (
            (fix.after, "") if own is None else (own, self._see_that_it_may_be(fix, own, locked, safe))
        )
        word = Answer.NO if not answer.given else Answer.YES if own is None else Answer.EDITED
        data = decision(word, operator.name, fix.path, fix.before, text, diff)
        self._context.decided(StepName.SERVICES, fix.node, _SAID[word], data | {WAITED: waited})
        return text if answer.given else None

    def _judge(self, fix: ServiceFix, text: str) -> Judged:
        nodes = self.report.everyone
        facts = next(node for node in nodes if node.name == fix.node)
        return judge(text, fix, facts, nodes, self._context.plan.node(fix.node))

    def _see_that_it_may_be(self, fix: ServiceFix, text: str, locked: str, safe: str) -> str:
        """Lets nothing else through; whoever edited the text was told before. Gives the difference."""
        judged = self._judge(fix, text)
        if problems := (locked,) if locked else judged.problems:
            raise StepFailed(
                f"the edited unit is refused: {' '.join(problems)}",
                node=fix.node,
                safe=safe,
                advice="Retry: it is asked again.",
            )
        return judged.diff

    async def text_for(self, fix: ServiceFix, safe: str) -> str | None:
        """The text that the unit gets; it is asked for unless there is a valid approval.

        `safe`: what holds if the operator's own text is refused. Raises StepFailed then.
        """
        standing = self.standing_yes(fix)
        return await self._ask(fix, safe) if standing is None else text_of(standing, fix)

    def take_back(self, node: str, text: str) -> None:
        """Takes the approval back.

        A retry would refuse the text again, so the operator is asked again and can edit it.
        """
        message = "the approval is void, for systemd refuses what was approved"
        self._context.note(
            StepName.SERVICES, node, message, {REFUSED: digest_of(text), "severity": "warning"}
        )


def text_of(yes: Approved, fix: ServiceFix) -> str:
    return fix.after if yes.text is None else yes.text
