"""Takes the databases out of an archive while it is read, and nothing else: no configuration, no key."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from loomtui.backups.layouts import may_be_data
from loomtui.backups.members import parts_of
from loomtui.backups.model import Contents, Member, MemberType
from loomtui.errors import Refused
from loomtui.wording.quantities import size

#: So much of the disk is left to others, and to the node that will be started.
RESERVE_BYTES = 512 * 1024**2
#: What the replaced validators said to each other, of no use to the new one.
_WAL = ("chaindata", "data", "cs.wal")


def see_room(folder: Path, needed: int) -> None:
    """Raises Refused if so many bytes do not fit: that says nothing of the backup."""
    free = shutil.disk_usage(folder).free
    if needed + RESERVE_BYTES > free:
        raise Refused(
            f"there is no room to unpack the backup: {size(free)} are free in {folder}, and "
            f"{size(needed + RESERVE_BYTES)} are needed",
            advice="Name a folder on another disk with TMPDIR.",
        )


class DataTaker:
    """Writes every file that can be of a database below `folder`, under its name in the archive.

    The archive's reader refuses names that lead elsewhere before they come here. Raises Refused where there
    is no room.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None

    def begin(self, member: Member) -> None:
        if not _is_wanted(member.path):
            return
        see_room(self._folder, member.size)
        path = self._folder.joinpath(*parts_of(member.path))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)

    def piece(self, data: memoryview) -> None:
        if self._file is None:
            return
        while data:
            data = data[os.write(self._file, data) :]

    def end(self, member: Member) -> None:
        self.close()

    def close(self) -> None:
        """Also in the middle of a file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def place(contents: Contents, unpacked: Path, home: Path) -> None:
    """Moves the databases from below `unpacked`, which ends, to where a node in `home` has them."""
    for member in contents.members:
        if member.type is MemberType.HARDLINK and _is_wanted(member.path) and member.link != member.path:
            path = unpacked.joinpath(*parts_of(member.path))
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.hardlink_to(unpacked.joinpath(*parts_of(member.link)))
    for item in contents.data_items:
        target = home / item.target
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        source = unpacked.joinpath(*parts_of(item.source))
        source.mkdir(parents=True, exist_ok=True, mode=0o700)  # a database may be an empty folder
        source.rename(target)
    shutil.rmtree(unpacked)


def _is_wanted(path: str) -> bool:
    parts = parts_of(path)
    is_wal = any(parts[at : at + len(_WAL)] == _WAL for at in range(len(parts)))
    return may_be_data(path) and not is_wal
