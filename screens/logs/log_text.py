"""What the logs screen says about its lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from textual.content import Content

from loomtui.matching import Matcher
from loomtui.wording.quantities import count
from screens.input import keys
from screens.logs.log_buffer import Entry, LogBuffer
from screens.logs.log_place import LogPlace
from screens.text import content
from screens.text.words import Tone

_GAP = "  "


class View(Protocol):
    """What the texts are about; see LogView."""

    buffer: LogBuffer
    position: LogPlace
    search: Matcher


def status(view: View, end_reason: str, width: int) -> Content:
    """One line. What matters least comes last, because it is cut off first."""
    buffer = view.buffer
    if buffer.paused:
        waiting_lines, key = count(buffer.waiting, "new line"), keys.name("logs.pause")
        parts = [content.line(f"‖ paused, {waiting_lines}: {key} goes on", Tone.WARN)]
    elif view.position.following:
        parts = [content.line("● following", Tone.GOOD)]
    else:
        parts = [content.line(f"■ not following: {keys.name('logs.follow')} follows", Tone.WARN)]
    if end_reason:
        parts.append(content.line(end_reason, Tone.BAD))
    selected = len(view.position.selection)
    if selected:
        parts.append(content.line(f"{count(selected, 'line')} selected", Tone.ACCENT))
    if not view.search.empty:
        parts.append(content.line(f"find {view.search.typed}", Tone.ACCENT))
    if not buffer.filter.empty:
        parts.append(content.line(f"filter {buffer.filter.typed}", Tone.ACCENT))
    parts.append(content.line(f"{len(buffer.shown):,} of {buffer.kept:,} lines", Tone.DIM))
    if buffer.skipped:
        parts.append(content.line(f"{buffer.skipped:,} older lines skipped", Tone.WARN))
    return Content(_GAP).join(parts).truncate(width, ellipsis=True)


def legend(buffer: LogBuffer, names: Iterable[str], width: int) -> Content:
    """Which digit is which node, and which nodes are hidden."""
    parts = []
    for number, name in enumerate(names, 1):
        digit = f"{keys.name(f'logs.node{number}')} " if number <= 9 else ""
        hidden = name in buffer.hidden
        parts.append(
            content.line(f"{digit}{name}{' hidden' if hidden else ''}", Tone.WARN if hidden else Tone.DIM)
        )
    return Content(_GAP).join(parts).truncate(width, ellipsis=True)


def meaning(entry: Entry | None) -> Content:
    if entry is None:
        return content.line("No lines yet. A healthy node is almost silent.", Tone.DIM)
    explanation = entry.explanation
    if explanation is None:
        key = keys.name("logs.open")
        return content.line(f"Not a message that loomtui knows; {key} shows the whole line.", Tone.DIM)
    title_line = content.line(f"{entry.node}: {explanation.title}", Tone.STRONG)
    return content.lines([title_line, content.line(f"{explanation.meaning} {explanation.advice.text}")])


def line_text(entry: Entry) -> Content:
    """The whole line, and what is known of it."""
    parts: list[Content | str] = [content.text(entry.whole), ""]
    explanation = entry.explanation
    if explanation is None:
        return content.lines([*parts, content.text("Not a message that loomtui knows.", Tone.DIM)])
    return content.lines(
        [
            *parts,
            content.fact("It is", content.text(explanation.title, Tone.STRONG)),
            content.fact("Severity", explanation.severity.value),
            content.fact("It means", explanation.meaning),
            content.fact("Do next", explanation.advice.text or "Nothing."),
            *(content.fact("Node ID", node_id) for node_id in explanation.ids),
        ]
    )


def file_text(entries: Iterable[Entry]) -> str:
    """Lines of a file: time (UTC), node, text."""
    return "".join(f"{entry.at:%Y-%m-%dT%H:%M:%S.%fZ} {entry.node} {entry.whole}\n" for entry in entries)
