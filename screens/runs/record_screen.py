"""One run as it went: its timeline, what it cost, who decided what, and what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.widgets import Static

from loomtui.errors import LoomtuiError
from loomtui.restore.report import Chronicle, Form
from screens import clipboard
from screens.base import LoomScreen
from screens.input import keys
from screens.modals.text import error_text
from screens.runs.record_text import chronicle_text
from screens.saving import save_text
from screens.text import content
from screens.text.words import Tone
from screens.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.widget import Widget

    from loomtui.restore.record.run_store import RunSummary

_LOOK_SECONDS = 2.0
_SCROLLBAR = 2


class RunRecordScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Run"
    HELP: ClassVar[str] = (
        "This screen shows one run from its record. The timeline has a lane for each node, then one for each "
        "step: the digit is the step, ✗ marks where it failed, ? where the operator decided; below you see "
        "how long the cluster was down. Short steps are drawn wider and long waits are cut (≈), so that you "
        "can see all of them; the times above are exact. {record.copy} copies the report as text for an "
        "incident channel; {record.save} saves it as one HTML page that needs nothing else."
    )
    BINDINGS = keys.bindings(keys.RUN_RECORD)

    def __init__(self, run: RunSummary) -> None:
        super().__init__()
        self.run = run
        self._chronicle: Chronicle | None = None

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield Pane(id="facts")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(".frame").border_title = content.line(f"Run {self.run.id}")
        self.query_one(Pane).focus()
        if self.run.outcome is None:
            self.set_interval(_LOOK_SECONDS, self._read_chronicle)  # another loomtui may be working on it
        self.call_after_refresh(self._read_chronicle)

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._show)

    def _read_chronicle(self) -> None:
        try:
            self._chronicle = self.context.engine.chronicle(self.run.id)
        except LoomtuiError as error:
            self._chronicle = None
            self.query_one(Pane).show(error_text(error))
        self._show()

    def _show(self) -> None:
        chronicle = self._chronicle
        note = self.query_one("#note", Static)
        note.display = chronicle is not None and chronicle.began is None
        note.update(content.line("Nothing happened in this run yet.", Tone.DIM))
        if chronicle is not None:
            pane = self.query_one(Pane)
            pane.show(chronicle_text(chronicle, max(40, pane.size.width - _SCROLLBAR)))
        self.refresh_bindings()

    def available(self, action: str) -> bool | None:
        if action in ("copy", "save"):
            return self._chronicle is not None or None
        return super().available(action)

    def action_copy(self) -> None:
        self._with_report("md", self._copy)

    def _copy(self, text: str) -> None:
        clipboard.copy(self, text, "the report, as text for an incident channel,")

    def action_save(self) -> None:
        self._with_report("html", self._save)

    def _save(self, text: str) -> None:
        path = save_text(f"report-{self.run.id}", "html", text, self.context.now())
        content.tell(self, f"Saved as {path}, readable by you alone.", seconds=12)

    def _with_report(self, form: Form, use: Callable[[str], None]) -> None:
        try:
            use(self.context.engine.report(self.run.id, form))
        except LoomtuiError as error:
            self.show_error(error, "No report")
