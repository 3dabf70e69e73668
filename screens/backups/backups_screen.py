"""The backups in S3 on a time axis and as a list, and what a restore would take for the cursor's moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.message import Message
from textual.widgets import DataTable, Static

from loomtui.backups.model import Backup, BackupKind
from loomtui.backups.prepared.reference import PreparedState
from loomtui.times import HOW, read_time
from loomtui.wording.quantities import NOTHING, ago, count, size
from screens.backups.axis import BackupAxis
from screens.backups.backup_list import BackupList
from screens.backups.backup_text import gaps_text, separated, taking_text
from screens.backups.contents_screen import ContentsScreen
from screens.input import keys
from screens.modals.ask import InputDialog
from screens.navigation import navigation_of
from screens.table_screen import TableScreen
from screens.text import content
from screens.text.words import Tone, cut
from screens.widgets.pane import Pane
from screens.widgets.table import Table

if TYPE_CHECKING:
    from rich.text import Text
    from textual.content import Content
    from textual.widget import Widget

_GUESSES_AT_ONCE = 8
_PREPARED = {PreparedState.NONE: NOTHING, PreparedState.MANIFEST: "manifest", PreparedState.TWIN: "twin"}


class BackupsScreen(TableScreen):
    NAME_SHOWN: ClassVar[str] = "Backups"
    HELP: ClassVar[str] = (
        "This screen shows all archives below the prefix. On the axis each row is a host and a kind: ● is "
        "one backup, a digit means so many, and ░ is a gap that is longer than usual. {axis.left} and "
        "{axis.right} move the cursor from backup to backup. ◆ marks what a restore to that moment would "
        "take; the pair for each node is below it. {backups.time} takes a time; {axis.closer} and "
        "{axis.wider} show less or more of the axis. {backups.list} shows the list. 'Kind' is a guess from "
        "the first part of an archive until the archive is read whole; then it has a ✓. ✗ marks what cannot "
        "be used, with the reason. Press {backups.open} to look into the marked archive; {backups.verify} "
        "reads it whole again and checks it; {screen.back} stops that. 'Prepared' says what lies beside it "
        "in S3 (loomtui backups prepare): a manifest, by which a plan takes seconds, and perhaps a twin, "
        "which nodes fetch faster. Times are UTC: each host's offset is told from all its backups; a time "
        "with ? is not sure."
    )
    BINDINGS = keys.bindings(keys.BACKUPS)
    LOADING: ClassVar[Content | str] = "Asking S3 …"
    COLUMNS: ClassVar[Sequence[tuple[str, str]]] = (
        ("taken", "Taken (UTC)"),
        ("age", "Age"),
        ("kind", "Kind"),
        ("source", "From"),
        ("size", "Size"),
        ("prepared", "Prepared"),
        ("key", "Key"),
    )

    class Listed(Message):
        def __init__(self, backups: tuple[Backup, ...]) -> None:
            super().__init__()
            self.backups = backups

    class Guessed(Message):
        def __init__(self, backup: Backup) -> None:
            super().__init__()
            self.backup = backup

    def __init__(self) -> None:
        super().__init__()
        self._backups = BackupList()
        self._listed = False  # the list is what is looked at

    def body(self) -> Iterable[Widget]:
        yield Static(content.text("Asking S3 …", Tone.DIM), id="note")
        yield BackupAxis(self.context.now(), id="axis")
        yield Pane(id="taking")
        yield Table(id="backups")

    def prepare(self) -> None:
        self._focus_view(listed=False)

    # ── asking S3 ───────────────────────────────────────────────────────────────────────────────────────

    async def load(self) -> None:
        """Looks at each archive's first part, a few at a time, because the keys do not tell the kinds."""
        slots = asyncio.Semaphore(_GUESSES_AT_ONCE)

        async def guess(backup: Backup) -> None:
            async with slots:
                self.post_message(self.Guessed(await self.context.engine.guess(backup)))

        backups = await self.context.engine.backups()
        self.post_message(self.Listed(backups))
        unknown = (backup for backup in backups if backup.kind is BackupKind.UNKNOWN)
        await asyncio.gather(*(guess(backup) for backup in unknown))

    def on_backups_screen_listed(self, message: Listed) -> None:
        self._backups.replace_all(message.backups)
        self._fill()

    def on_backups_screen_guessed(self, message: Guessed) -> None:
        if self._backups.update(message.backup):
            self._fill()

    # ── what is looked at ───────────────────────────────────────────────────────────────────────────────

    def action_toggle_list(self) -> None:
        self._focus_view(listed=not self._listed)

    def _focus_view(self, *, listed: bool) -> None:
        """If there is room, both are shown, and this only says where the keys go."""
        self._listed = listed
        self.set_class(listed, "-list")
        (self.query_one(Table) if listed else self.query_one(BackupAxis)).focus()
        self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        self._listed = self.query_one(Table).has_focus
        self.refresh_bindings()

    def action_next_kind(self) -> None:
        self._backups.next_kind()
        self.query_one(Table).clear()
        self._fill()

    def on_backup_axis_moved(self, message: BackupAxis.Moved) -> None:
        self._fill()

    def action_go_to_time(self) -> None:
        axis = self.query_one(BackupAxis)
        self.app.push_screen(
            InputDialog(
                "Which moment?",
                f"{HOW}. Empty: now.",
                value=f"{axis.cursor_time:%Y-%m-%d %H:%M:%S}" if axis.cursor_time else "",
                hint="2026-11-20 14:30",
            ),
            self._take_time,
        )

    def _take_time(self, typed: str | None) -> None:
        if typed is None:
            return
        try:
            time = read_time(typed, self.context.now()) if typed.strip() else None
        except ValueError as error:
            content.tell(self, str(error), severity="warning")
            return
        self.query_one(BackupAxis).go_to(time)

    # ── acts ────────────────────────────────────────────────────────────────────────────────────────────

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_open_backup()

    def available(self, action: str) -> bool | None:
        if action in ("open_backup", "next_kind", "toggle_list", "restore_from") and not self._backups:
            return False
        return super().available(action)

    def _marked_backup(self) -> Backup | None:
        if not self._listed:
            return self.query_one(BackupAxis).marked
        return self._backups.find(self.query_one(Table).marked)

    def action_open_backup(self, fresh: bool = False) -> None:
        """With `fresh`, the archive is read again."""
        backup = self._marked_backup()
        if backup is None:
            content.tell(self, "There is no backup of this row at that moment or before.", severity="warning")
            return
        self.app.push_screen(ContentsScreen(backup, fresh=fresh))

    def action_restore_from(self) -> None:
        navigation_of(self).restore_from(self.query_one(BackupAxis).cursor_time)

    # ── showing ─────────────────────────────────────────────────────────────────────────────────────────

    def _fill(self) -> None:
        table = self.query_one(Table)
        backups = self._backups.shown
        for backup in backups:
            table.put(backup.key, backup_cells(table, backup, self.context.now()))
        for key in {row.value for row in table.rows} - {backup.key for backup in backups}:
            if key is not None:
                table.remove_row(key)
        self.say(self._summary_text(len(backups)))
        self._show_axis()
        self.refresh_bindings()

    def _show_axis(self) -> None:
        axis, now = self.query_one(BackupAxis), self.context.now()
        series = self._backups.series
        taking = self._backups.taking(self.context.engine.inventory.nodes, axis.cursor_time)
        axis.show(series, taking.keys, now)
        self.set_class(not series, "-empty")
        if not series:
            self.query_one(Pane).show(content.text(""))
            return
        pane = self.query_one(Pane)
        width = max(40, pane.size.width - 2)
        text = taking_text(taking, axis.cursor_time, now, width, writable=self.context.writable)
        pane.show(content.lines(separated((text, gaps_text(series, now)))))

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._show_axis)

    def _summary_text(self, shown_count: int) -> str:
        s3 = self.context.engine.inventory.s3
        location = f"s3://{s3.bucket}/{s3.prefix}"
        if not self._backups:
            refresh_hint = f"{keys.name('screen.refresh')} asks again"
            return f"No backup in {location}. Check bucket and prefix in the inventory; {refresh_hint}."
        window_text = self.query_one(BackupAxis).window_text
        shown_text = f"{shown_count} shown (kind: {self._backups.kind}, time: {window_text})"
        return f"{count(len(self._backups), 'backup')} in {location}; {shown_text}"


def backup_cells(table: Table, backup: Backup, now: datetime) -> dict[str, Text]:
    """One row. ✓ beside the kind means that it was read whole, ✗ that it cannot be used."""
    mark = " ✗" if backup.fault is not None else " ✓" if backup.certain else ""
    tone = Tone.BAD if backup.fault else Tone.DIM if backup.kind is BackupKind.UNKNOWN else Tone.PLAIN
    key_text = backup.key if backup.fault is None else f"{backup.key}: {backup.fault.reason}"
    return {
        "taken": table.cell(f"{backup.taken_at:%Y-%m-%d %H:%M}{'' if backup.taken_by.sure else '?'}"),
        "age": table.cell(ago(backup.taken_at, now), right=True),
        "kind": table.cell(f"{backup.kind.value}{mark}", tone),
        "source": table.cell(cut(backup.source or NOTHING, 20)),
        "size": table.cell(size(backup.size_bytes), right=True),
        "prepared": table.cell(_PREPARED[backup.prepared]),
        "key": table.cell(key_text, Tone.DIM),
    }
