"""What can still be told of an archive that must not be restored."""

from __future__ import annotations

from collections.abc import Iterator

from loomtui.backups.archive import Reading, read
from loomtui.backups.layouts import guess_kind
from loomtui.backups.model import BackupKind, Damaged
from loomtui.errors import ArchiveRejected


class DamagedArchive(ArchiveRejected):
    """An archive that was read as far as possible."""

    def __init__(self, error: ArchiveRejected, damaged: Damaged) -> None:
        super().__init__(error.reason, archive=error.archive, advice=error.advice)
        self.damaged = damaged


class _EndOfHead(Exception):
    """The part that was asked for ends here, but not the archive."""


def damage_in(head: bytes, *, complete: bool) -> str | None:
    """Why the archive with this beginning is rejected.

    None means that nothing is wrong so far, and it has to be read whole.

    `complete` says that `head` is all of it.
    """
    try:
        read(_pieces(head, complete=complete), Reading())
    except ArchiveRejected as error:
        return error.reason
    except _EndOfHead:
        return None
    return None


def kind_so_far(reading: Reading) -> BackupKind:
    """The kind, judged by what was read before the damage."""
    kind = guess_kind(reading.members, reading.files, complete=False)
    if kind is BackupKind.UNKNOWN:
        kind = guess_kind(reading.members, reading.files, complete=True)
    return kind


def _pieces(head: bytes, *, complete: bool) -> Iterator[bytes]:
    yield head
    if not complete:
        raise _EndOfHead
