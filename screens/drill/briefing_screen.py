"""What the operator is told at the beginning of a drill, and the hints that were told since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.content import Content

from loomtui.drill.desk import Desk
from loomtui.wording.quantities import count, span
from screens.base import LoomScreen
from screens.input import keys
from screens.text import content
from screens.text.words import Tone
from screens.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.widget import Widget

_SCROLLBAR = 2


class BriefingScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Briefing"
    HELP: ClassVar[str] = (
        "This is a drill on a practice cluster of this machine. You are told what a pager and a colleague on "
        "the phone would tell, and no more. The clock in the top line runs from the alarm on, against what "
        "an incident may cost. {briefing.begin} goes to the cluster; {drill.briefing} comes back here from "
        "any screen."
    )
    BINDINGS = keys.bindings(keys.BRIEFING)

    def body(self) -> Iterable[Widget]:
        yield Pane(id="told")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Pane).focus()

    def action_begin(self) -> None:
        self.action_back()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        drill = self.context.drill
        pane = self.query_one(Pane)
        if drill is not None:
            pane.show(briefing_text(drill, max(40, pane.size.width - _SCROLLBAR)))


def briefing_text(drill: Desk, width: int) -> Content:
    return content.lines(_lines(drill, width))


def _lines(drill: Desk, width: int) -> Iterator[Content | str]:
    yield content.text("This is a drill. No real node is touched.", Tone.WARN)
    yield ""
    told = list(drill.briefing)
    if drill.scenario.pager:
        yield content.fact_beside("Pager", content.text(told.pop(0), Tone.STRONG), width, _LABEL)
        yield ""
    for name, paragraph in zip(["What is so", *[""] * len(told)], told, strict=False):
        yield content.fact_beside(name, paragraph, width, _LABEL)
        yield ""
    yield content.fact_beside("Objectives", _objectives(drill), width, _LABEL)
    yield ""
    yield content.fact_beside("What to do", _instruction(drill), width, _LABEL)
    for number, hint in enumerate(drill.hints, 1):
        yield ""
        yield content.fact_beside(f"Hint {number}", hint.says, width, _LABEL)


_LABEL = 11


def _objectives(drill: Desk) -> str:
    agreed = drill.objectives
    parts = []
    if agreed.downtime_seconds is not None:
        parts.append(f"the chain moves again within {span(agreed.downtime_seconds)} of the alarm")
    if agreed.data_loss_seconds is not None:
        parts.append(f"no more than {span(agreed.data_loss_seconds)} of its blocks are lost")
    return f"{', '.join(parts)}." if parts else "None were agreed."


def _instruction(drill: Desk) -> str:
    there_are = len(drill.scenario.hints)
    hints = (
        f"{count(there_are, 'hint')} can be had with {{drill.hint}}; they cost points." if there_are else ""
    )
    return keys.fill_key_names(
        "Find out what is wrong, and put it right, as you would in an incident. "
        f"{hints} {{drill.end}} ends the drill when you think that it is over, or gives it up."
    )
