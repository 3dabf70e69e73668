"""The backups in S3, newest first; enter reads one whole and says what it holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.widgets import DataTable, Static

from loomtui.backups.model import Backup, BackupKind
from loomtui.errors import LoomtuiError
from screens import content, keys
from screens.base import LoomScreen
from screens.contents import ContentsScreen
from screens.modals.text import error_text
from screens.widgets.table import Table
from screens.words import NOTHING, Tone, ago, count, cut, size

if TYPE_CHECKING:
    from rich.text import Text
    from textual.widget import Widget

KIND_TONES = {BackupKind.UNKNOWN: Tone.DIM}
_KINDS: tuple[frozenset[BackupKind], ...] = (
    frozenset(BackupKind),
    frozenset({BackupKind.DATA, BackupKind.FULL}),
    frozenset({BackupKind.CONFIG, BackupKind.FULL}),
)
_KIND_NAMES = ("all", "data", "config")
_COLUMNS = (
    ("taken", "Taken (UTC)"),
    ("age", "Age"),
    ("kind", "Kind"),
    ("source", "From"),
    ("size", "Size"),
    ("key", "Key"),
)


class BackupsScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Backups"
    HELP: ClassVar[str] = (
        "All archives below the prefix, newest first. 'Kind' is a guess from the first part of each archive "
        "(data, config, full) until it was read whole: then a ✓ stands beside it. Enter reads the marked "
        "archive whole, checks it and lists it; escape gives that up. The time is the key's, which is the "
        "node's own clock."
    )
    BINDINGS = keys.bindings(keys.BACKUPS, keys.REFRESH)

    class Listed(Message):
        def __init__(self, backups: tuple[Backup, ...]) -> None:
            super().__init__()
            self.backups = backups

    class Guessed(Message):
        def __init__(self, backup: Backup) -> None:
            super().__init__()
            self.backup = backup

    class Failed(Message):
        def __init__(self, error: LoomtuiError) -> None:
            super().__init__()
            self.error = error

    def __init__(self) -> None:
        super().__init__()
        self._backups: dict[str, Backup] = {}
        self._kind = 0

    def body(self) -> Iterable[Widget]:
        yield Static(content.text("Asking S3 …", Tone.DIM), id="note")
        yield Table(id="backups")

    def on_mount(self) -> None:
        super().on_mount()
        table = self.query_one(Table)
        for key, title in _COLUMNS:
            table.add_column(table.cell(title, Tone.DIM), key=key)
        table.focus()
        self.action_refresh_now()

    def action_refresh_now(self) -> None:
        self._say("Asking S3 …")
        self.run_worker(self._list(), group="backups", exclusive=True, exit_on_error=False)

    async def _list(self) -> None:
        try:
            backups = await self.desk.engine.backups()
            self.post_message(self.Listed(backups))
            for backup in backups:
                if backup.kind is BackupKind.UNKNOWN:
                    self.post_message(self.Guessed(await self.desk.engine.guess(backup)))
        except LoomtuiError as error:
            self.post_message(self.Failed(error))

    def on_backups_screen_listed(self, message: Listed) -> None:
        self._backups = {backup.key: backup for backup in message.backups}
        self._fill()

    def on_backups_screen_guessed(self, message: Guessed) -> None:
        self._backups[message.backup.key] = message.backup
        self._fill()

    def on_backups_screen_failed(self, message: Failed) -> None:
        self.query_one("#note", Static).update(error_text(message.error))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_open_backup()

    def available(self, action: str) -> bool | None:
        if action in ("open_backup", "next_kind") and not self._backups:
            return False
        return super().available(action)

    def action_open_backup(self) -> None:
        marked = self.query_one(Table).marked
        if marked is not None and marked in self._backups:
            self.app.push_screen(ContentsScreen(self._backups[marked]))

    def action_next_kind(self) -> None:
        self._kind = (self._kind + 1) % len(_KINDS)
        self.query_one(Table).clear()
        self._fill()

    def _fill(self) -> None:
        table = self.query_one(Table)
        wanted = _KINDS[self._kind]
        shown = [backup for backup in self._backups.values() if backup.kind in wanted]
        for backup in shown:
            table.put(backup.key, self._cells(table, backup))
        for key in {row.value for row in table.rows} - {backup.key for backup in shown}:
            if key is not None:
                table.remove_row(key)
        self._say(self._summary(len(shown)))
        self.refresh_bindings()

    def _summary(self, shown: int) -> str:
        s3 = self.desk.engine.inventory.s3
        place = f"s3://{s3.bucket}/{s3.prefix}"
        if not self._backups:
            return f"No backup in {place}. Check bucket and prefix in the inventory; f5 asks again."
        return f"{count(len(self._backups), 'backup')} in {place}; {shown} shown: {_KIND_NAMES[self._kind]}"

    def _say(self, text: str) -> None:
        self.query_one("#note", Static).update(content.line(text, Tone.DIM))

    def _cells(self, table: Table, backup: Backup) -> dict[str, Text]:
        kind = f"{backup.kind.value}{' ✓' if backup.certain else ''}"
        return {
            "taken": table.cell(f"{backup.taken_at:%Y-%m-%d %H:%M}"),
            "age": table.cell(ago(backup.taken_at, self.desk.now()), right=True),
            "kind": table.cell(kind, KIND_TONES.get(backup.kind, Tone.PLAIN)),
            "source": table.cell(cut(backup.source or NOTHING, 20)),
            "size": table.cell(size(backup.size_bytes), right=True),
            "key": table.cell(backup.key, Tone.DIM),
        }
