"""The logs of all nodes, merged by time, live."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.widgets import Static

from screens import content, keys
from screens.base import LoomScreen
from screens.log_buffer import Entry
from screens.modals.ask import InputDialog
from screens.modals.text import TextDialog
from screens.widgets.live_log import LiveLog
from screens.widgets.log_view import LogView
from screens.words import Tone, count, time_of

if TYPE_CHECKING:
    from textual.widget import Widget


class LogsScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Logs"
    HELP: ClassVar[str] = (
        "One stream of all nodes, by time (UTC). The digit in front of a node's name hides or shows it. "
        "Lines that are known carry a sign: · harmless, ▲ warning, ✗ error, ‼ act now; the line at the "
        "bottom says what the marked one means, n and N go from one to the next. / filters by a regular "
        "expression, with ! in front it hides what matches. Moving up ends following; G or s follows again. "
        "p pauses and counts."
    )
    BINDINGS = keys.bindings(keys.LOGS, keys.COPY)

    def __init__(self) -> None:
        super().__init__()
        self._ended = ""

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield LiveLog(self.desk.engine.inventory.names, id="log")
        yield Static(id="meaning")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(LogView).focus()
        self._say()

    def on_live_log_ended(self, message: LiveLog.Ended) -> None:
        self._ended = str(message.error) if message.error else "the stream ended"
        self._say()

    def on_log_view_changed(self, event: LogView.Changed) -> None:
        self._say()

    def action_toggle_follow(self) -> None:
        view = self.query_one(LogView)
        view.following = not view.following
        view.change()

    def action_toggle_pause(self) -> None:
        view = self.query_one(LogView)
        view.buffer.pause(not view.buffer.paused)
        view.change()

    def action_toggle_wrap(self) -> None:
        view = self.query_one(LogView)
        view.wrap = not view.wrap
        view.change()

    def action_toggle_time(self) -> None:
        view = self.query_one(LogView)
        view.show_time = not view.show_time
        view.change()

    def action_toggle_node(self, digit: int) -> None:
        names = self.desk.engine.inventory.names
        if digit <= len(names):
            view = self.query_one(LogView)
            view.buffer.select(hidden=view.buffer.hidden ^ {names[digit - 1]})
            view.change()

    def action_filter(self) -> None:
        current = self.query_one(LogView).buffer.filter.typed
        self.app.push_screen(
            InputDialog(
                "Filter the logs",
                "A regular expression, case ignored, on node name and text. ! in front hides what matches. "
                "Empty shows everything.",
                value=current,
                hint="missmatch|refused",
            ),
            self._filtered,
        )

    def _filtered(self, typed: str | None) -> None:
        if typed is None:
            return
        view = self.query_one(LogView)
        try:
            view.buffer.select(typed=typed)
        except ValueError as error:
            content.tell(self, f"{typed}: {error}", severity="warning")
            return
        view.change()

    def action_next_match(self, by: int) -> None:
        view = self.query_one(LogView)
        shown = view.buffer.shown
        places = range(view.cursor + 1, len(shown)) if by > 0 else range(view.cursor - 1, -1, -1)
        found = next((place for place in places if shown[place].known), None)
        if found is not None:
            view.move_to(found)

    def action_open_line(self) -> None:
        entry = self.query_one(LogView).marked
        if entry is not None:
            self.app.push_screen(TextDialog(f"{entry.node}, {time_of(entry.at)}", line_text(entry)))

    def action_copy(self) -> None:
        lines = (
            f"{entry.at:%Y-%m-%dT%H:%M:%SZ} {entry.node} {entry.whole}"
            for entry in self.query_one(LogView).buffer.shown
        )
        self.app.copy_to_clipboard("\n".join(lines))
        content.tell(self, "The shown lines are in the clipboard.")

    def _say(self) -> None:
        view = self.query_one(LogView)
        self.query_one("#note", Static).update(self._status(view))
        self.query_one("#meaning", Static).update(_meaning(view.marked))

    def _status(self, view: LogView) -> Content:
        buffer = view.buffer
        parts = [
            content.line(
                "● following" if view.following else "■ not following: s follows",
                Tone.GOOD if view.following else Tone.WARN,
            )
        ]
        if buffer.paused:
            parts.append(content.line(f"paused, {count(buffer.waiting, 'new line')}: p goes on", Tone.WARN))
        if buffer.filter.typed:
            parts.append(content.line(f"filter {buffer.filter.typed}", Tone.ACCENT))
        if buffer.hidden:
            parts.append(content.line(f"hidden: {', '.join(sorted(buffer.hidden))}", Tone.WARN))
        parts.append(content.line(f"{len(buffer.shown):,} of {buffer.kept:,} lines", Tone.DIM))
        if buffer.skipped:
            parts.append(content.line(f"{buffer.skipped:,} older lines skipped", Tone.WARN))
        if self._ended:
            parts.append(content.line(self._ended, Tone.BAD))
        return Content("  ").join(parts)


def _meaning(entry: Entry | None) -> Content:
    if entry is None:
        return content.line("No lines yet. A healthy node is almost silent.", Tone.DIM)
    if entry.explanation is None:
        return content.line("Not a message that loomtui knows; enter shows the whole line.", Tone.DIM)
    known = entry.explanation
    return content.lines(
        [
            content.line(f"{entry.node}: {known.title}", Tone.STRONG),
            content.line(f"{known.meaning} {known.advice}"),
        ]
    )


def line_text(entry: Entry) -> Content:
    """The whole line, and what is known of it."""
    parts: list[Content | str] = [content.text(entry.whole), ""]
    if entry.explanation is None:
        return content.lines([*parts, content.text("Not a message that loomtui knows.", Tone.DIM)])
    known = entry.explanation
    return content.lines(
        [
            *parts,
            content.fact("It is", content.text(known.title, Tone.STRONG)),
            content.fact("Severity", known.severity.value),
            content.fact("It means", known.meaning),
            content.fact("Do next", known.advice or "Nothing."),
            *(content.fact("Node ID", node_id) for node_id in known.ids),
        ]
    )
