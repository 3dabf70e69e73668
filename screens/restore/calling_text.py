"""What a run wants of its operator, in words for those who do not see the screens. Knows no widget."""

from __future__ import annotations

from loomtui.restore.events import Outcome, StepName
from loomtui.restore.running.notices import Happening, Notice
from loomtui.restore.running.operator import FailureQuestion
from loomtui.wording.quantities import joined
from loomtui.wording.states import STEP_TITLES
from screens.restore.screen_operator import (
    PlanQuestion,
    Question,
    StepQuestion,
    UnitQuestion,
)

_ANSWER = "Answer at the screens of this run."

#: In the title of the window, before the cluster's name.
WORKS = "at work"
_WAITS = "● waits for you"
_FAILED = "✗ failed"
_ENDS = {
    Outcome.RESTORED: "✓ restored",
    Outcome.ROLLED_BACK: "✓ rolled back",
    Outcome.STOPPED: "stopped",
    None: "stopped",
}


def question_title(question: Question) -> str:
    return _FAILED if isinstance(question, FailureQuestion) else _WAITS


def end_title(outcome: Outcome | None, *, failed: bool) -> str:
    return _FAILED if failed else _ENDS[outcome]


def question_notice(question: Question) -> Notice:
    """The question, for those who are not at the keyboard."""
    match question:
        case StepQuestion(step=step, previews=previews):
            return Notice(
                Happening.WAITS, f"waits before the step {_titled(step)}", step, tuple(previews), _ANSWER
            )
        case PlanQuestion(completed=plan):
            nodes = tuple(node.name for node in plan.nodes)
            return Notice(Happening.WAITS, "waits for a look at its completed plan", None, nodes, _ANSWER)
        case UnitQuestion(node=node):
            sentence = f"waits for the approval of the unit of {node}"
            return Notice(Happening.WAITS, sentence, StepName.SERVICES, (node,), _ANSWER)
        case FailureQuestion(step=step, failures=failures):
            first = next(iter(failures.values()))
            sentence = f"has failed in the step {_titled(step)} on {joined(tuple(failures))}: {first.what}"
            return Notice(Happening.FAILED, sentence, step, tuple(failures), first.advice or _ANSWER)


def _titled(step: StepName) -> str:
    return f"'{STEP_TITLES[step]}'"
