"""The logs of all nodes, merged by time, live."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from loomtui.errors import LoomtuiError
from loomtui.times import HOW
from loomtui.wording.quantities import count, time_of
from screens import clipboard
from screens.base import LoomScreen
from screens.input import keys
from screens.logs import log_search
from screens.logs.live_log import LiveLog
from screens.logs.log_text import file_text, legend, line_text, meaning, status
from screens.logs.log_view import LogView
from screens.modals.ask import InputDialog, NodesDialog
from screens.modals.text import TextDialog
from screens.saving import save_text
from screens.text import content

if TYPE_CHECKING:
    from textual.widget import Widget


class LogsScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Logs"
    HELP: ClassVar[str] = (
        "The logs of all nodes are one stream, by time (UTC). The digit in front of a node's name hides or "
        "shows it; {logs.nodes} lets you choose among all. Known lines carry a sign: · harmless, ▲ warning, "
        "✗ error, ‼ act now; the line at the bottom says what the marked one means. {logs.find} finds a "
        "regular expression. {logs.next} and {logs.previous} go from one hit to the next; while you seek "
        "nothing, they go from one known line to the next. {logs.filter} shows only what matches; with ! in "
        "front it hides what matches. Moving up ends following; {logs.follow} follows again. {logs.pause} "
        "pauses: nothing moves, and new lines are counted and come when you go on. {logs.go} goes to a time, "
        "even to one before the oldest line here. {logs.select} begins to select; {logs.copy} copies and "
        "{logs.save} saves the selected lines, or all that are shown."
    )
    BINDINGS = keys.bindings(keys.LOGS)

    def __init__(self) -> None:
        super().__init__()
        self._end_reason = ""

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield LiveLog(self.context.engine.inventory.names, id="log")
        yield Static(id="meaning")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(LogView).focus()
        self._show_note()

    @property
    def view(self) -> LiveLog:
        return self.query_one(LiveLog)

    def on_live_log_ended(self, message: LiveLog.Ended) -> None:
        self._end_reason = str(message.error) if message.error else "the stream ended"
        self._show_note()

    def on_log_view_changed(self, event: LogView.Changed) -> None:
        self._show_note()

    def action_switch(self, what: str) -> None:
        """`follow`, `pause`, `wrap` or `time`."""
        view = self.view
        if what == "follow":
            view.position.toggle_following()
        elif what == "pause":
            view.buffer.pause(not view.buffer.paused)
        elif what == "wrap":
            view.wrap = not view.wrap
        elif what == "time":
            view.show_time = not view.show_time
        view.change()

    # ── which lines ─────────────────────────────────────────────────────────────────────────────────────

    def action_toggle_node(self, digit: int) -> None:
        names = self.context.engine.inventory.names
        if digit <= len(names):
            self._select(hidden=self.view.buffer.hidden ^ {names[digit - 1]})

    def action_show_nodes(self) -> None:
        names = self.context.engine.inventory.names
        shown = tuple(name for name in names if name not in self.view.buffer.hidden)

        def hide_others(nodes: tuple[str, ...] | None) -> None:
            if nodes is not None:
                self._select(hidden=frozenset(names) - set(nodes))

        self.app.push_screen(
            NodesDialog("Whose lines?", "The others are hidden, not lost.", names, shown), hide_others
        )

    def _select(self, *, typed: str | None = None, hidden: frozenset[str] | None = None) -> None:
        self.view.buffer.select(typed=typed, hidden=hidden)
        self.view.change()

    def action_filter(self) -> None:
        self._ask(
            "Filter the logs",
            "A regular expression, case ignored, on node name and text. ! in front hides what matches. "
            "Empty shows everything.",
            self.view.buffer.filter.typed,
            "missmatch|refused",
            lambda typed: self._select(typed=typed),
        )

    def _ask(self, title: str, text: str, value: str, hint: str, use: Callable[[str], None]) -> None:
        """`use` raises ValueError for what it cannot take; then nothing has changed."""

        def use_answer(typed: str | None) -> None:
            if typed is None:
                return
            try:
                use(typed.strip())
            except ValueError as error:
                content.tell(self, str(error), severity="warning")

        self.app.push_screen(InputDialog(title, text, value=value, hint=hint), use_answer)

    # ── going somewhere ─────────────────────────────────────────────────────────────────────────────────

    def action_find(self) -> None:
        self._ask(
            "Find in the logs",
            "A regular expression, case ignored. It goes to the newest hit at or before the marked line; "
            f"{keys.name('logs.next')} and {keys.name('logs.previous')} go to the next and the one before. "
            "Empty seeks nothing.",
            self.view.search.typed,
            "height=1204551",
            lambda typed: log_search.find(self.view, typed),
        )

    def action_next_match(self, by: int) -> None:
        log_search.go_to_match(self.view, by)

    def action_next_known(self, by: int) -> None:
        log_search.go_to_known(self.view, by)

    def action_go_to_time(self) -> None:
        marked = self.view.position.marked
        self._ask(
            "Go to a time",
            f"{HOW}. What is older than the lines here is read from the nodes' journals.",
            f"{marked.at:%H:%M:%S}" if marked else "",
            "14:30",
            lambda typed: log_search.go_to_time(self.view, typed, self.context.now()),
        )

    # ── taking lines out ────────────────────────────────────────────────────────────────────────────────

    def action_open_line(self) -> None:
        entry = self.view.position.marked
        if entry is not None:
            self.app.push_screen(TextDialog(f"{entry.node}, {time_of(entry.at)}", line_text(entry)))

    def action_select(self) -> None:
        self.view.toggle_selection()

    def action_copy(self) -> None:
        save_hint = f", or save them with {keys.name('logs.save')}" if self.context.offers("save") else ""
        subject = "the selected lines" if self.view.position.selection else "the lines"
        alternative = f"Select some with {keys.name('logs.select')}{save_hint}."
        clipboard.copy(self, file_text(self.view.position.selected_or_all), subject, alternative=alternative)

    def action_save(self) -> None:
        lines = self.view.position.selected_or_all
        try:
            path = save_text("logs", "txt", file_text(lines), self.context.now())
        except LoomtuiError as error:
            self.show_error(error, "Not saved")
            return
        content.tell(self, f"{count(len(lines), 'line')} saved as {path}, readable by you alone.", seconds=12)

    def _show_note(self) -> None:
        """Says it without a new layout of the screen, because this happens ten times a second."""
        if not self.is_attached:
            return
        view, names = self.view, self.context.engine.inventory.names
        width = self.size.width - 4
        note = content.lines([status(view, self._end_reason, width), legend(view.buffer, names, width)])
        self.query_one("#note", Static).update(note, layout=False)
        self.query_one("#meaning", Static).update(meaning(view.position.marked), layout=False)
