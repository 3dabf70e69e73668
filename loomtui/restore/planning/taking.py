"""What a restore would take for a moment, as far as the list of backups tells. Nothing is read for it.

The plan decides: it reads the archives whole, and passes over those that cannot be used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loomtui.backups.model import Backup, BackupKind
from loomtui.inventory.model import Node

_DATA = frozenset({BackupKind.DATA, BackupKind.FULL})
_CONFIG = frozenset({BackupKind.CONFIG, BackupKind.FULL})


@dataclass(frozen=True)
class Taking:
    data: Backup | None  # for all nodes
    #: By node. The data archive itself where it is of the node's own host; None: the node keeps its config.
    configs: Mapping[str, Backup | None]

    @property
    def keys(self) -> frozenset[str]:
        backups = (self.data, *self.configs.values())
        return frozenset(backup.key for backup in backups if backup is not None)


def what_is_taken(backups: Sequence[Backup], nodes: Sequence[Node], before: datetime | None) -> Taking:
    """Takes `backups` in the catalogue's order, newest first, and goes through them as `Chooser` does."""
    usable = [backup for backup in backups if backup.fault is None]
    there = [backup for backup in usable if before is None or backup.taken_by_then(before)]
    data = next((backup for backup in there if backup.kind in _DATA), None)
    configs = {
        node.name: next(
            (backup for backup in there if backup.kind in _CONFIG and backup.source == node.backup_source),
            data if data is not None and data.source == node.backup_source else None,
        )
        for node in nodes
    }
    return Taking(data, configs)
