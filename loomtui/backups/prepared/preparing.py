"""Prepares one backup: reads it once, judges it whole, and writes beside it what that told. It blocks.

Nothing counts before the manifest, which is written last. What was uploaded before is found by what it holds
the next time, so a process may be killed at any moment.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from platformdirs import user_cache_path

from loomtui.backups.cache import Cache
from loomtui.backups.damage import DamagedArchive
from loomtui.backups.looking import Looker, Progress
from loomtui.backups.model import Backup
from loomtui.backups.prepared import document
from loomtui.backups.prepared.checking import ManifestInvalid, why_no_twin
from loomtui.backups.prepared.digests import FileDigests
from loomtui.backups.prepared.earlier import EarlierParts
from loomtui.backups.prepared.finding import Prepared
from loomtui.backups.prepared.making import Author, manifest_of, refusal_manifest
from loomtui.backups.prepared.manifest import Manifest
from loomtui.backups.prepared.places import manifest_key
from loomtui.backups.prepared.reference import PreparedState
from loomtui.backups.prepared.twins import PART_BYTES, TwinPacker
from loomtui.backups.prepared.writing import WritableStore
from loomtui.errors import LoomtuiError
from loomtui.inventory.model import S3Settings
from loomtui.private import make_private
from loomtui.wording.quantities import size

#: What `TwinPacker` may have on disk (a part of each group, and one that is being uploaded), and the files
#: that end its parts.
SPOOL_BYTES = 3 * PART_BYTES + 256 * 1024**2
_LEAST_SPOOL_BYTES = 64 * 1024**2


class Preparation(StrEnum):
    PREPARED = "prepared"
    ALREADY = "already"  # by an earlier call, or by another process meanwhile
    BAD = "bad"  # it must not be restored; its manifest says so
    FAILED = "failed"  # S3, this machine: it can be tried again


@dataclass(frozen=True)
class PreparedBackup:
    """What came of one backup."""

    key: str
    preparation: Preparation
    reason: str = ""  # why it is bad or failed, or why it has no twin
    has_twin: bool = False
    read_bytes: int = 0  # of the backup
    uploaded_bytes: int = 0  # parts and manifest
    error: LoomtuiError | None = None  # with which it failed

    @property
    def state(self) -> PreparedState:
        """What is beside it now."""
        if self.preparation is Preparation.FAILED:
            return PreparedState.NONE
        return PreparedState.TWIN if self.has_twin else PreparedState.MANIFEST


@dataclass(frozen=True)
class Task:
    backup: Backup
    before: str | None  # ETag of the manifest that is replaced; None: there is none
    earlier: tuple[Manifest, ...] = ()  # whose parts may be used again, the newest first
    twin: bool = False
    stop: threading.Event = field(default_factory=threading.Event)


class Preparer:
    """Raises LoomtuiError for what can be tried again."""

    def __init__(self, s3: S3Settings, author: Callable[[], Author]) -> None:
        self._prefix = s3.prefix
        self._store = WritableStore(s3)
        self._looker = Looker(self._store, Cache(s3))
        self._author = author

    def prepare(self, task: Task, report: Progress) -> PreparedBackup:
        packer = self._packer(task) if task.twin else None
        try:
            return self._prepare(task, report, packer)
        except OSError as error:  # S3's and the archive's come as LoomtuiError
            raise LoomtuiError(
                f"the parts cannot be kept in {_spool()} until they are uploaded: {error.strerror}",
                advice=f"{size(SPOOL_BYTES)} are needed there; XDG_CACHE_HOME names another place.",
            ) from error
        finally:
            if packer is not None:
                packer.close()

    def close(self) -> None:
        self._store.close()

    def _prepare(self, task: Task, report: Progress, packer: TwinPacker | None) -> PreparedBackup:
        backup, digests = task.backup, FileDigests(packer)
        try:
            told = self._looker.read(backup, report, task.stop, digests)
        except DamagedArchive as error:
            manifest = refusal_manifest(error.damaged.backup, error.reason, self._author())
            uploaded = self._write(task, manifest)
            return PreparedBackup(backup.key, Preparation.BAD, error.reason, False, 0, uploaded)
        items = told.contents.data_items
        no_twin = why_no_twin(told.contents.members, items) or (packer.impossible if packer else None)
        twin = packer.finish(digests.files, items) if packer and not no_twin else None
        author = self._author()
        manifest = manifest_of(told.contents, digests.files, told.configs, author, twin, no_twin)
        uploaded = self._write(task, manifest) + (packer.uploaded_bytes if packer else 0)
        why_not = (no_twin or "") if packer else ""
        return PreparedBackup(
            backup.key, Preparation.PREPARED, why_not, twin is not None, backup.size_bytes, uploaded
        )

    def _write(self, task: Task, manifest: Manifest) -> int:
        """Gives its size. The backup is looked at once more, because reading it took its time."""
        data = document.dump(manifest)
        try:
            document.read(data)  # whoever reads it will not be kinder
        except ManifestInvalid as error:
            raise LoomtuiError(f"what is in the backup fits no manifest: {error}") from error
        self._store.check(task.backup.key, task.backup.etag, task.backup.size_bytes)
        self._store.put_manifest(manifest_key(task.backup.key), data, task.before)
        return len(data)

    def _packer(self, task: Task) -> TwinPacker:
        spool = _spool()
        needed = min(SPOOL_BYTES, _LEAST_SPOOL_BYTES + 3 * task.backup.size_bytes)
        try:
            make_private(spool)
            free = shutil.disk_usage(spool).free
        except OSError as error:
            raise LoomtuiError(f"{spool} cannot be used: {error.strerror}") from error
        if free < needed:
            raise LoomtuiError(
                f"there is too little room in {spool} for the parts until they are uploaded: "
                f"{size(free)} are free, {size(needed)} are needed",
                advice="Make room, or name another place with XDG_CACHE_HOME.",
            )
        return TwinPacker(self._store, self._prefix, spool, EarlierParts(task.earlier))


def _spool() -> Path:
    return user_cache_path("loomtui") / "parts"


def is_enough(found: Prepared | None, *, twin: bool) -> bool:
    """Whether the backup has all that is asked for."""
    if found is None:
        return False
    manifest = found.manifest
    return not twin or manifest.has_twin or bool(manifest.no_twin or manifest.refusal)
