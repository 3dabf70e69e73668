"""Work beside the screen that wants it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from textual.dom import DOMNode
from textual.worker import Worker

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


def start(
    owner: DOMNode,
    work: Work,
    *,
    group: str,
    name: str = "",
    exclusive: bool = True,
    exit_on_error: bool = False,
) -> Worker[None]:
    """Starts what ends with its owner, and if `exclusive` with the next of its group.

    It is given as a function, because a coroutine that never gets its turn, where the app ends at once, would
    be complained about on the terminal.
    """
    worker: Worker[None] = owner.run_worker(
        work, name=name, group=group, exclusive=exclusive, exit_on_error=exit_on_error
    )
    return worker
