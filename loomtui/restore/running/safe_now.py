"""What is safe when a run fails, by how far it had come: a text is only said where it is true."""

from __future__ import annotations

from collections.abc import Callable

from loomtui.errors import NOTHING_CHANGED, LoomtuiError
from loomtui.restore.events import StepName

#: As long as nothing was stopped. Preflight takes a lock and fetches archives, beside everything else.
NOTHING_STOPPED = "No service was stopped, and no file was replaced."
NOTHING_REPLACED = "No file of any node was replaced; what was stopped is held."
REPLACED = "What was replaced on a node is kept there in the run's folder; every node is held."
STARTED = "What was replaced on a node is kept there in the run's folder; what was started is not held."
#: Of a rollback that failed on a node.
NOT_PUT_BACK = "What is not put back yet is kept on the node, in the run's folder."


def safe_now(has_begun: Callable[[StepName], bool]) -> str:
    """What is true of every node of the run, given which steps have begun."""
    if has_begun(StepName.START):
        return STARTED
    if has_begun(StepName.DATA):
        return REPLACED
    return NOTHING_REPLACED if has_begun(StepName.STOP) else NOTHING_STOPPED


def say_safe(error: LoomtuiError, safe: str) -> None:
    """Puts it into an error that says nothing of its own.

    "Nothing was changed" is true of what failed, and not of the whole run.
    """
    if error.safe in ("", NOTHING_CHANGED):
        error.safe = safe
