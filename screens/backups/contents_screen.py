"""Shows one archive, read whole and checked."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from loomtui.backups.damage import DamagedArchive
from loomtui.backups.model import Backup, Contents, Damaged, Member, taken_words
from loomtui.errors import LoomtuiError
from loomtui.wording.quantities import NOTHING, ago, bar, number, size, span, time_of
from loomtui.wording.states import prepared_words
from screens import clipboard
from screens.input import keys
from screens.loading_screen import LoadingScreen
from screens.modals.text import error_text
from screens.text import content
from screens.text.words import Tone
from screens.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.widget import Widget

_LISTED = 2_000
_BAR_CELLS = 40


def _give_up_hint() -> str:
    return f"{keys.name('screen.back')} gives it up"


class ContentsScreen(LoadingScreen):
    NAME_SHOWN: ClassVar[str] = "Backup"
    HELP: ClassVar[str] = (
        "loomtui reads the archive to its end, checks its checksums, and lists what it holds: databases with "
        "their heights, config files, and everything that would be refused. Press {screen.back} to stop "
        "reading."
    )
    BINDINGS = keys.bindings(keys.COPY)
    LOADING: ClassVar[Content | str] = "Reading the archive …  {screen.back} gives it up"

    class Read(Message):
        def __init__(self, done: int, total: int) -> None:
            super().__init__()
            self.done = done
            self.total = total

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, ContentsScreen.Read)

    class Looked(Message):
        def __init__(self, contents: Contents) -> None:
            super().__init__()
            self.contents = contents

    def __init__(self, backup: Backup, *, fresh: bool = False) -> None:
        """With `fresh`, the archive is read even if it is known already what it holds."""
        super().__init__()
        self.backup = backup
        self._fresh = fresh
        self._reading_since: float | None = None  # of the reading, by the monotonic clock

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield Pane(id="facts")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(".frame").border_title = content.line(self.backup.key)
        self.query_one(Pane).focus()
        self.begin_loading()

    async def load(self) -> None:
        def report_progress(done: int, total: int) -> None:
            self.post_message(self.Read(done, total))

        contents = await self.context.engine.contents(self.backup, report_progress, fresh=self._fresh)
        self.post_message(self.Looked(contents))

    def on_contents_screen_read(self, message: Read) -> None:
        text = f" {size(message.done)} of {size(message.total)}{self._speed_text(message)}  {_give_up_hint()}"
        progress_bar = Content.styled(bar(message.done, message.total, _BAR_CELLS), Tone.ACCENT.value)
        self.say(content.row("Reading ", progress_bar, text))

    def _speed_text(self, message: Read) -> str:
        """The speed, once there is something to measure."""
        now = time.monotonic()
        if self._reading_since is None:
            self._reading_since = now
        seconds = now - self._reading_since
        if seconds < 1 or not 0 < message.done < message.total:
            return ""
        rate = message.done / seconds
        return f", {size(rate)}/s, {span((message.total - message.done) / rate)} left"

    def on_contents_screen_looked(self, message: Looked) -> None:
        self.say(content.line("✓ read to its end; its checksums are right", Tone.GOOD))
        self.query_one(Pane).show(
            contents_text(message.contents, ago(self.backup.taken_at, self.context.now()))
        )

    def failed(self, error: LoomtuiError) -> None:
        self.say(content.line("✗ not to be restored", Tone.BAD))
        text = error_text(error)
        if isinstance(error, DamagedArchive):
            text = content.lines([text, Content(""), damaged_text(error.damaged)])
        self.query_one(Pane).show(text)

    def action_copy(self) -> None:
        clipboard.copy(self, self.query_one(Pane).text.plain)


def contents_text(contents: Contents, age: str) -> Content:
    return content.lines([*_summary(contents, age), "", *_items(contents), "", *_members(contents.members)])


def damaged_text(damaged: Damaged) -> Content:
    """What can still be read of an archive that must not be restored."""
    backup = damaged.backup
    return content.lines(
        [
            content.fact("Kind", f"{backup.kind.value}, as far as it can be read"),
            content.fact("From", backup.source or "not told by its key"),
            content.fact("Taken", f"{time_of(backup.taken_at)}: {taken_words(backup)}"),
            content.fact("Stored", size(backup.size_bytes)),
            Content(""),
            *_members(damaged.members),
        ]
    )


def _summary(contents: Contents, age: str) -> Iterator[Content]:
    backup = contents.backup
    yield content.fact("Kind", content.text(backup.kind.value, Tone.STRONG))
    yield content.fact("From", backup.source or "not told by its key")
    yield content.fact("Taken", f"{time_of(backup.taken_at)}, {age} ago")
    yield content.fact("Time by", taken_words(backup))
    yield content.fact(
        "Stored", f"{size(backup.size_bytes)}, {backup.compression.value if backup.compression else NOTHING}"
    )
    yield content.fact("Unpacked", f"{size(contents.unpacked_bytes)}, {number(contents.file_count)} files")
    yield content.fact("SHA-256", contents.sha256)
    if contents.manifest is not None:
        words = prepared_words(contents.manifest, has_twin=contents.has_twin)
        yield content.fact("Prepared", f"{words}; this is what its manifest tells")
    if contents.data_items:
        yield content.fact(
            "Heights", f"app {number(contents.app_height)}, block store {number(contents.store_height)}"
        )
    if contents.node_key is not None:
        yield content.fact("Node ID", contents.node_key.node_id or contents.node_key.problem or NOTHING)
    if contents.validator is not None:
        signing = contents.validator.signing
        yield content.fact("Validator", contents.validator.address or contents.validator.problem or NOTHING)
        yield content.fact("Last signed", f"height {number(signing.height)}" if signing else NOTHING)
    for warning in contents.warnings:
        yield content.fact("Attention", content.text(f"▲ {warning}", Tone.WARN))


def _items(contents: Contents) -> Iterator[Content]:
    for title, items in (("Databases", contents.data_items), ("Config files", contents.config_items)):
        if items:
            yield content.text(title, Tone.ACCENT)
        for item in items:
            target = "the unit file" if item.target == "UNIT" else item.target
            yield content.line(f"  {target}  ← {item.source}")


def _members(members: Sequence[Member]) -> Iterator[Content]:
    yield content.text("In the archive", Tone.ACCENT)
    for member in members[:_LISTED]:
        link = f" → {member.link}" if member.link else ""
        yield content.line(f"{member.type.value:<9}  {size(member.size):>12}  {member.path}{link}")
    if len(members) > _LISTED:
        yield content.line(f"… and {len(members) - _LISTED:,} more", Tone.DIM)
