"""The logs of all nodes, merged by time, live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from loomtui.errors import LoomtuiError
from loomtui.matching import Matcher
from loomtui.times import HOW, read_time
from screens import clipboard
from screens.base import LoomScreen
from screens.input import keys
from screens.logs.live_log import LiveLog
from screens.logs.log_buffer import Entry
from screens.logs.log_text import legend, line_text, meaning, saved, status
from screens.logs.log_view import LogView
from screens.modals.ask import InputDialog, NodesDialog
from screens.modals.text import TextDialog
from screens.saving import save_text
from screens.text import content
from screens.text.words import count, time_of

if TYPE_CHECKING:
    from textual.widget import Widget

_SLICE_SECONDS = 0.008  # of a search, before other work has its turn


class LogsScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Logs"
    HELP: ClassVar[str] = (
        "One stream of all nodes, by time (UTC). The digit in front of a node's name hides or shows it, "
        "{logs.nodes} lets you choose among all. Lines that are known carry a sign: · harmless, ▲ warning, ✗ "
        "error, ‼ act now; the line at the bottom says what the marked one means. {logs.find} finds a "
        "regular expression; {logs.next} and {logs.previous} go from one hit to the next, and while nothing "
        "is sought, from one known line to the next. {logs.filter} shows only what matches, with ! in front "
        "it hides what matches. Moving up ends following; {logs.follow} follows again. {logs.pause} pauses: "
        "nothing moves, new lines are counted and come when you go on. {logs.go} goes to a time, also one "
        "before the oldest line that is here. {logs.select} begins to select, {logs.copy} copies and "
        "{logs.save} saves the selected lines, or all that are shown."
    )
    BINDINGS = keys.bindings(keys.LOGS)

    def __init__(self) -> None:
        super().__init__()
        self._ended = ""
        self._seeking = False

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield LiveLog(self.context.engine.inventory.names, id="log")
        yield Static(id="meaning")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(LogView).focus()
        self._say()

    @property
    def view(self) -> LiveLog:
        return self.query_one(LiveLog)

    def on_live_log_ended(self, message: LiveLog.Ended) -> None:
        self._ended = str(message.error) if message.error else "the stream ended"
        self._say()

    def on_log_view_changed(self, event: LogView.Changed) -> None:
        self._say()

    def action_toggle_follow(self) -> None:
        if self.view.following:
            self.view.stay()
        else:
            self.view.following = True
        self.view.change()

    def action_toggle_pause(self) -> None:
        self.view.buffer.pause(not self.view.buffer.paused)
        self.view.change()

    def action_toggle_wrap(self) -> None:
        self.view.wrap = not self.view.wrap
        self.view.change()

    def action_toggle_time(self) -> None:
        self.view.show_time = not self.view.show_time
        self.view.change()

    # ── which lines ─────────────────────────────────────────────────────────────────────────────────────

    def action_toggle_node(self, digit: int) -> None:
        names = self.context.engine.inventory.names
        if digit <= len(names):
            self._hide(self.view.buffer.hidden ^ {names[digit - 1]})

    def action_show_nodes(self) -> None:
        names = self.context.engine.inventory.names
        shown = tuple(name for name in names if name not in self.view.buffer.hidden)

        def chosen(nodes: tuple[str, ...] | None) -> None:
            if nodes is not None:
                self._hide(frozenset(names) - set(nodes))

        self.app.push_screen(
            NodesDialog("Whose lines?", "The others are hidden, not lost.", names, shown), chosen
        )

    def _hide(self, nodes: frozenset[str]) -> None:
        self.view.buffer.select(hidden=nodes)
        self.view.change()

    def action_filter(self) -> None:
        self._ask(
            "Filter the logs",
            "A regular expression, case ignored, on node name and text. ! in front hides what matches. "
            "Empty shows everything.",
            self.view.buffer.filter.typed,
            "missmatch|refused",
            self._filtered,
        )

    def _ask(self, title: str, text: str, value: str, hint: str, use: Callable[[str], None]) -> None:
        """`use` raises ValueError for what it cannot take; nothing has changed then."""

        def answered(typed: str | None) -> None:
            if typed is None:
                return
            try:
                use(typed.strip())
            except ValueError as error:
                content.tell(self, str(error), severity="warning")

        self.app.push_screen(InputDialog(title, text, value=value, hint=hint), answered)

    def _filtered(self, typed: str) -> None:
        self.view.buffer.select(typed=typed)
        self.view.change()

    # ── going somewhere ─────────────────────────────────────────────────────────────────────────────────

    def action_find(self) -> None:
        self._ask(
            "Find in the logs",
            "A regular expression, case ignored. It goes to the newest hit at or before the marked line; n "
            "and N to the next and the one before. Empty seeks nothing.",
            self.view.sought.typed,
            "height=1204551",
            self._find,
        )

    def _find(self, typed: str) -> None:
        sought = Matcher(typed)
        self.view.sought = sought
        self.view.change()
        if not sought.empty:
            here, shown = self.view.cursor, self.view.buffer.shown
            self._seek_match([*shown[here::-1], *shown[here + 1 :]] if shown else ())

    def action_next_match(self, by: int) -> None:
        if self.view.sought.empty:
            self.action_next_known(by)
        else:
            self._seek_match(self._from_here(by))

    def action_next_known(self, by: int) -> None:
        self._seek(self._from_here(by), lambda entry: entry.known, "a known message")

    def _from_here(self, by: int) -> Sequence[Entry]:
        here, shown = self.view.cursor, self.view.buffer.shown
        if by > 0:
            return shown[here + 1 :]
        return shown[here - 1 :: -1] if here > 0 else ()

    def _seek_match(self, entries: Sequence[Entry]) -> None:
        sought = self.view.sought
        self._seek(entries, lambda entry: entry.matches(sought), sought.typed)

    def _seek(self, entries: Sequence[Entry], wanted: Callable[[Entry], bool], what: str) -> None:
        """A search may take seconds in many lines: keys work meanwhile, and another search ends it."""
        self.run_worker(
            self._go_to_first(entries, wanted, what), group="seek", exclusive=True, exit_on_error=False
        )

    async def _go_to_first(
        self, entries: Sequence[Entry], wanted: Callable[[Entry], bool], what: str
    ) -> None:
        turn = time.monotonic()
        for entry in entries:
            if wanted(entry):
                self.view.move_to(self.view.buffer.place_of(entry), in_middle=True)
                return
            if time.monotonic() - turn > _SLICE_SECONDS:
                await asyncio.sleep(0)
                turn = time.monotonic()
        content.tell(self, f"No line there with {what}.", seconds=3)

    def action_go_to_time(self) -> None:
        marked = self.view.marked
        self._ask(
            "Go to a time",
            f"{HOW}. What is older than the lines here is read from the nodes' journals.",
            f"{marked.at:%H:%M:%S}" if marked else "",
            "14:30",
            self._go_to_time,
        )

    def _go_to_time(self, typed: str) -> None:
        moment = read_time(typed, self.context.now())
        oldest = self.view.buffer.oldest
        if oldest is None or moment < oldest:
            content.tell(self, f"Reading the journals from {time_of(moment)} on.")
            self.view.read_since(moment)
        else:
            self.view.stay()
            self.view.move_to(self.view.buffer.place_at(moment), in_middle=True)
            self.view.stay()

    # ── taking lines out ────────────────────────────────────────────────────────────────────────────────

    def action_open_line(self) -> None:
        entry = self.view.marked
        if entry is not None:
            self.app.push_screen(TextDialog(f"{entry.node}, {time_of(entry.at)}", line_text(entry)))

    def action_select(self) -> None:
        self.view.toggle_selection()

    def _taken(self) -> Sequence[Entry]:
        return self.view.selection or self.view.buffer.shown

    def action_copy(self) -> None:
        save = f", or save them with {keys.name('logs.save')}" if self.context.offers("save") else ""
        what = "the selected lines" if self.view.selection else "the lines"
        fewer = f"Select some with {keys.name('logs.select')}{save}."
        clipboard.copy(self, saved(self._taken()), what, otherwise=fewer)

    def action_save(self) -> None:
        lines = self._taken()
        try:
            path = save_text("logs", "txt", saved(lines), self.context.now())
        except LoomtuiError as error:
            self.show_error(error, "Not saved")
            return
        content.tell(self, f"{count(len(lines), 'line')} saved as {path}, readable by you alone.", seconds=12)

    def _say(self) -> None:
        """Without a new layout of the screen: it is said ten times a second."""
        if not self.is_attached:
            return
        view, names = self.view, self.context.engine.inventory.names
        width = self.size.width - 4
        note = content.lines([status(view, self._ended, width), legend(view.buffer, names, width)])
        self.query_one("#note", Static).update(note, layout=False)
        self.query_one("#meaning", Static).update(meaning(view.marked), layout=False)
