"""After a drill: what it was worth, the shortest way, and where the way was lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from loomtui.drill.debriefing import Debriefing
from screens import clipboard
from screens.drill.debriefing_text import debriefing_text
from screens.drill.looking import in_thread
from screens.input import keys
from screens.loading_screen import LoadingScreen
from screens.saving import save_text
from screens.text import content
from screens.text.words import Tone
from screens.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.widget import Widget

_SCROLLBAR = 2


class DebriefingScreen(LoadingScreen):
    NAME_SHOWN: ClassVar[str] = "Debriefing"
    HELP: ClassVar[str] = (
        "The drill was judged on the nodes themselves: what a run says of itself does not count. Above is "
        "what it was worth, and what has cost points; then the first move that led away from the shortest "
        "way, and that way. {debriefing.copy} copies all of it as text; {debriefing.save} saves it as a page "
        "with the earlier drills of this scenario. {screen.back} goes back to the cluster, where nothing "
        "counts any more; {app.quit} leaves, and the practice cluster is removed."
    )
    BINDINGS = keys.bindings(keys.DEBRIEFING)
    LOADING: ClassVar[Content | str] = content.line("Looking at the nodes …", Tone.STRONG)

    class Judged(Message):
        def __init__(self, told: Debriefing) -> None:
            super().__init__()
            self.told = told

    def __init__(self, *, gave_up: bool = False) -> None:
        super().__init__()
        self._gave_up = gave_up
        self.told: Debriefing | None = None

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield Pane(id="debriefing")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Pane).focus()
        self.begin_loading()

    async def load(self) -> None:
        drill = self.context.drill
        if drill is not None:
            self.post_message(self.Judged(await in_thread(drill.debrief, gave_up=self._gave_up)))

    def on_debriefing_screen_judged(self, message: Judged) -> None:
        self.told = message.told
        self.query_one(".frame").border_title = content.line(f"Debriefing: {message.told.title}")
        self.query_one("#note").display = False
        self._show()
        self.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        pane = self.query_one(Pane)
        if self.told is not None:
            pane.show(debriefing_text(self.told, max(40, pane.size.width - _SCROLLBAR)))

    def available(self, action: str) -> bool | None:
        if action in ("copy", "save"):
            return self.told is not None or None
        return super().available(action)

    def action_copy(self) -> None:
        from loomtui.drill.debriefing_markdown import debriefing_markdown

        if self.told is not None:
            clipboard.copy(self, debriefing_markdown(self.told), "the debriefing, as text for a channel,")

    def action_save(self) -> None:
        from loomtui.drill.drill_page import debriefing_page

        if self.told is not None:
            stem = f"drill-{self.told.entry.scenario}"
            path = save_text(stem, "html", debriefing_page(self.told), self.context.now())
            content.tell(self, f"Saved as {path}, readable by you alone.", seconds=12)
