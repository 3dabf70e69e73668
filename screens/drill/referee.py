"""What the app does in a drill: the briefing, hints, the end. Nothing of it reaches the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loomtui.drill.desk import Desk
from loomtui.restore.events import Outcome
from screens import workers
from screens.context import AppContext
from screens.drill.briefing_screen import BriefingScreen
from screens.drill.debriefing_screen import DebriefingScreen
from screens.drill.looking import in_thread
from screens.modals.ask import ChoiceDialog
from screens.modals.text import TextDialog
from screens.stack import return_to

if TYPE_CHECKING:
    from textual.app import App

#: Seconds between two looks whether the drill is over.
LOOK_SECONDS = 2.0


class Referee:
    """Made only where there is a drill."""

    def __init__(self, app: App[Any], context: AppContext, drill: Desk) -> None:
        self._app = app
        self._context = context
        self._drill = drill
        self._is_looking = False

    def begin(self) -> None:
        self._app.set_interval(LOOK_SECONDS, self._look_if_over)
        self.briefing()

    def do(self, what: str) -> None:
        """`hint`, `end` or `briefing`, as the keys have it."""
        {"hint": self.hint, "end": self.end, "briefing": self.briefing}[what]()

    def briefing(self) -> None:
        if not return_to(self._app, BriefingScreen):
            self._app.push_screen(BriefingScreen())

    def hint(self) -> None:
        """Says what it costs, and asks."""
        hint = self._drill.next_hint
        if hint is None or self._drill.debriefing is not None:
            self._app.push_screen(TextDialog("Hints", "There is no further hint."))
            return
        number, there_are = len(self._drill.hints) + 1, len(self._drill.scenario.hints)
        self._app.push_screen(
            ChoiceDialog(
                f"Hint {number} of {there_are}",
                f"It costs {hint.costs} of 100 points.",
                (
                    ("", "Go on without", "nothing is told"),
                    ("tell", "Tell it", f"{hint.costs} points less"),
                ),
            ),
            lambda answer: self._tell(number) if answer == "tell" else None,
        )

    def _tell(self, number: int) -> None:
        hint = self._drill.tell_hint()
        if hint is not None:
            self._app.push_screen(TextDialog(f"Hint {number}", hint.says))

    def end(self) -> None:
        """Asks how it ends; a drill that is over is debriefed again."""
        if self._drill.debriefing is not None:
            self._debrief()
            return
        controller = self._context.controller
        busy = controller is not None and controller.busy
        at_work = " A restore is at work: it is judged as it stands now." if busy else ""
        self._app.push_screen(
            ChoiceDialog(
                "End the drill?",
                f"Afterwards nothing counts any more.{at_work}",
                (
                    ("", "Go on", "the clock runs"),
                    ("over", "It is over", "the nodes are looked at, and the drill is judged"),
                    ("give-up", "Give up", "it counts as not solved; the shortest way is told"),
                ),
            ),
            self._ended,
        )

    def _ended(self, answer: str | None) -> None:
        if answer:
            self._debrief(gave_up=answer == "give-up")

    def _debrief(self, *, gave_up: bool = False) -> None:
        if not return_to(self._app, DebriefingScreen):
            self._app.push_screen(DebriefingScreen(gave_up=gave_up))

    def _look_if_over(self) -> None:
        """Whether it is solved: once a run has ended well, and only one look at a time."""
        controller = self._context.controller
        view = controller.view if controller is not None else None
        if view is None or view.outcome is not Outcome.RESTORED:
            return
        if not self._is_looking and self._drill.debriefing is None:
            self._is_looking = True
            workers.start(self._app, self._look, group="referee", exclusive=False)

    async def _look(self) -> None:
        try:
            solved = await in_thread(self._drill.is_solved)
        finally:
            self._is_looking = False
        if solved and self._drill.debriefing is None:
            self._debrief()
