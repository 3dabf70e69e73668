"""Calls the operator when a run waits, fails or ends while nobody types."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from screens import terminal_calls
from screens.restore.calling_text import WORKS, end_title, question_notice, question_title
from screens.settings import Calls
from screens.terminal import LastingDriver

if TYPE_CHECKING:
    from textual.driver import Driver

    from screens.context import AppContext
    from screens.restore.run_controller import RunController
    from screens.restore.screen_operator import Question

#: How long nobody has typed when the terminal calls.
QUIET_SECONDS = 10.0
LOOK_SECONDS = 1.0


class Terminal(Protocol):
    """What the calls go to."""

    def write(self, data: str) -> None: ...

    def show_title(self, title: str) -> None: ...


def terminal_of(driver: Driver | None) -> Terminal | None:
    """None: it is no terminal that somebody sits at."""
    return driver if isinstance(driver, LastingDriver) else None


@dataclass(frozen=True)
class _Situation:
    """How a run stands."""

    title: str
    question: Question | None = None
    calls: bool = False  # the operator is needed, or the run is over
    text: str = ""  # of the notification

    def is_as(self, other: _Situation | None) -> bool:
        """Whether it is still the same: a question that is put again is another one."""
        return other is not None and self.title == other.title and self.question is other.question


class Attention:
    """Looks once a second. `terminal` is None until the screens have one, and where nobody sits at it."""

    def __init__(
        self,
        context: AppContext,
        terminal: Callable[[], Terminal | None],
        calls: Calls,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._terminal = terminal
        self._calls = calls
        self._clock = clock
        self._situation: _Situation | None = None
        self._since = self._typed_at = clock()
        self._has_called = self._has_announced = False

    def typed(self) -> None:
        """Somebody is there. Whoever answers only later is called again."""
        self._typed_at = self._clock()

    def look(self) -> None:
        controller = self._context.controller
        if controller is None or (situation := _situation(controller, self._context.cluster)) is None:
            return
        if not situation.is_as(self._situation):
            self._situation, self._since = situation, self._clock()
            self._has_called = self._has_announced = False
            self._show_title(situation.title)
        if not situation.calls:
            return
        quiet = self._clock() - max(self._since, self._typed_at)
        if quiet >= QUIET_SECONDS and not self._has_called:
            self._has_called = True
            self._call(situation.text)
        self._announce(controller, situation, quiet)

    def _announce(self, controller: RunController, situation: _Situation, quiet: float) -> None:
        """By the inventory's `notify`. The engine itself announces how a run ends."""
        notify = self._context.engine.inventory.notify
        if notify is None or situation.question is None or controller.handle is None or self._has_announced:
            return
        if quiet >= notify.after:
            self._has_announced = True
            controller.handle.announce(question_notice(situation.question))

    def _show_title(self, title: str) -> None:
        terminal = self._terminal()
        if terminal is not None and self._calls is not Calls.OFF:
            terminal.show_title(title)

    def _call(self, text: str) -> None:
        terminal = self._terminal()
        if terminal is None or self._calls in (Calls.OFF, Calls.TITLE):
            return
        terminal.write(terminal_calls.BELL)
        if self._calls is Calls.ALL and (sequence := terminal_calls.notification(text, os.environ)):
            terminal.write(sequence)


def _situation(controller: RunController, cluster: str) -> _Situation | None:
    """None: there is no run."""
    question, view = controller.pending, controller.view
    if controller.handle is None or view is None:
        return None
    if question is not None:
        text = f"{cluster}: the restore {question_notice(question).sentence}"
        return _Situation(f"{question_title(question)}: {cluster}", question, calls=True, text=text)
    if controller.busy:
        return _Situation(f"{WORKS}: {cluster}")
    title = f"{end_title(view.outcome, failed=controller.error is not None)}: {cluster}"
    return _Situation(title, calls=True, text=f"restore {title}")
