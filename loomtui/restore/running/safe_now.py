"""What is safe when a run fails, by how far it had come: a text is only said where it is true."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loomtui.errors import NOTHING_CHANGED, LoomtuiError
from loomtui.restore.events import StepName
from loomtui.wording.quantities import joined

#: As long as nothing was stopped. Preflight takes a lock and fetches archives, beside everything else.
NOTHING_STOPPED = "No service was stopped, and no file was replaced."
NOTHING_REPLACED = "No file of any node was replaced; what was stopped is held."
REPLACED = "What was replaced on a node is kept there in the run's folder; every node is held."
STARTED = "What was replaced on a node is kept there in the run's folder; what was started is not held."
_GIVEN_UP = "That is without the old databases of {}, which the plan gives up."
#: Of a rollback that failed on a node.
NOT_PUT_BACK = "What is not put back yet is kept on the node, in the run's folder."


def safe_now(has_begun: Callable[[StepName], bool], gives_up: Sequence[str] = ()) -> str:
    """What is true of every node of the run, given which steps have begun.

    `gives_up`: nodes whose old databases the plan gives up.
    """
    if has_begun(StepName.DATA):
        kept = STARTED if has_begun(StepName.START) else REPLACED
        return f"{kept} {_GIVEN_UP.format(joined(gives_up))}" if gives_up else kept
    return NOTHING_REPLACED if has_begun(StepName.STOP) else NOTHING_STOPPED


def say_safe(error: LoomtuiError, safe: str) -> None:
    """Puts it into an error that says nothing of its own.

    "Nothing was changed" is true of what failed, and not of the whole run.
    """
    if error.safe in ("", NOTHING_CHANGED):
        error.safe = safe
