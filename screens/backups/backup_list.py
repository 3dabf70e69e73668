"""The backups that are known, and which of them are shown. Knows no widget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from loomtui.backups.model import Backup, BackupKind
from loomtui.backups.series import Series, series_of
from loomtui.inventory.model import Node
from loomtui.restore.planning.taking import Taking, what_is_taken

_KINDS: tuple[tuple[str, frozenset[BackupKind]], ...] = (
    ("all", frozenset(BackupKind)),
    ("data", frozenset({BackupKind.DATA, BackupKind.FULL})),
    ("config", frozenset({BackupKind.CONFIG, BackupKind.FULL})),
)


class BackupList:
    """The backups in the catalogue's order, newest first; of one kind, or of all."""

    def __init__(self) -> None:
        self._backups: dict[str, Backup] = {}
        self._kind_index = 0

    def __len__(self) -> int:
        return len(self._backups)

    def replace_all(self, backups: Iterable[Backup]) -> None:
        """Replaces those that were known."""
        self._backups = {backup.key: backup for backup in backups}

    def update(self, backup: Backup) -> bool:
        """Takes what more is known of one backup. False means that it is not in the list."""
        if backup.key not in self._backups:
            return False
        self._backups[backup.key] = backup
        return True

    def find(self, key: str | None) -> Backup | None:
        return self._backups.get(key or "")

    def next_kind(self) -> None:
        self._kind_index = (self._kind_index + 1) % len(_KINDS)

    @property
    def kind(self) -> str:
        """`all`, `data` or `config`."""
        return _KINDS[self._kind_index][0]

    @property
    def shown(self) -> tuple[Backup, ...]:
        _, kinds = _KINDS[self._kind_index]
        return tuple(backup for backup in self._backups.values() if backup.kind in kinds)

    @property
    def series(self) -> tuple[Series, ...]:
        """The series of the backups that are shown."""
        return series_of(self.shown)

    def taking(self, nodes: Sequence[Node], time: datetime | None) -> Taking:
        """What a restore to that moment would take, of all kinds. None means now."""
        return what_is_taken(tuple(self._backups.values()), nodes, time)
