"""The SHA-256 of every file of an archive, while it is read."""

from __future__ import annotations

import hashlib
from typing import Protocol

from loomtui.backups.model import Member
from loomtui.backups.prepared.manifest import ManifestFile


class Packer(Protocol):
    """Gets the same bytes, and at a file's end its digest and its index in the manifest."""

    def begin(self, member: Member) -> None: ...

    def piece(self, data: memoryview) -> None: ...

    def end(self, index: int, file: ManifestFile) -> None: ...


class FileDigests:
    """A Taker (`loomtui.backups.archive`). `files` has every file so far, in the archive's order."""

    def __init__(self, packer: Packer | None = None) -> None:
        self.files: list[ManifestFile] = []
        self._packer = packer
        self._digest = hashlib.sha256()

    def begin(self, member: Member) -> None:
        self._digest = hashlib.sha256()
        if self._packer is not None:
            self._packer.begin(member)

    def piece(self, data: memoryview) -> None:
        self._digest.update(data)
        if self._packer is not None:
            self._packer.piece(data)

    def end(self, member: Member) -> None:
        file = ManifestFile(member.path, member.size, self._digest.hexdigest(), member.mtime)
        self.files.append(file)
        if self._packer is not None:
            self._packer.end(len(self.files) - 1, file)
