"""Which backups are prepared, and in which order; one that fails does not end the others."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from loomtui.aio import Door
from loomtui.backups.catalogue import Catalogue
from loomtui.backups.deadlines import read_seconds, within
from loomtui.backups.looking import Progress
from loomtui.backups.model import Backup, BackupKind
from loomtui.backups.prepared.finding import Prepared
from loomtui.backups.prepared.making import Author
from loomtui.backups.prepared.manifest import Manifest
from loomtui.backups.prepared.places import is_prepared
from loomtui.backups.prepared.preparing import Preparation, PreparedBackup, Preparer, Task, is_enough
from loomtui.backups.prepared.pruning import Prunable, Pruner
from loomtui.errors import CallError, LoomtuiError, ObjectChanged
from loomtui.inventory.model import S3Settings
from loomtui.text import clean_line

#: Twins of the same host whose parts are looked at for files that did not change.
_EARLIER_TWINS = 2
_DATA = frozenset({BackupKind.DATA, BackupKind.FULL})

T = TypeVar("T")


class Preparations:
    """Calls raise LoomtuiError."""

    def __init__(self, catalogue: Catalogue, s3: S3Settings, author: Callable[[], Author]) -> None:
        self._catalogue = catalogue
        self._preparer = Preparer(s3, author)
        self._pruner = Pruner(s3)
        self._door = Door("s3-prepare", workers=1)

    async def latest(self) -> Backup:
        """The newest object that is meant as a data backup, whatever it is worth."""
        for backup in await self._catalogue.list():
            guessed = await self._catalogue.guess(backup)
            if guessed.kind in _DATA and self._catalogue.meant_as_backup(guessed):
                return guessed
        raise CallError("there is no data backup", advice="See what there is: loomtui backups")

    async def prepare(
        self, backup: Backup, report: Progress, *, twin: bool, backups: Sequence[Backup] = ()
    ) -> PreparedBackup:
        """`backups`: all that there are, where somebody has listed them already."""
        if is_prepared(backup.key):
            raise CallError(f"{clean_line(backup.key, limit=200)} is no backup: loomtui prepared it itself")
        found = await self._catalogue.prepared.examine(backup)
        if isinstance(found, Prepared) and is_enough(found, twin=twin):
            return _already(backup, found)
        before = await self._catalogue.prepared.etag_of_manifest(backup)
        earlier = await self._earlier(backup, backups or await self._catalogue.list()) if twin else ()
        task = Task(backup, before, earlier, twin)
        try:
            work = partial(self._preparer.prepare, task, report)
            done = await self._run(work, backup.size_bytes, task.stop)
            await self._catalogue.list()  # the next one may take over parts of this one
            return done
        except ObjectChanged:
            await self._catalogue.list()
            meanwhile = await self._catalogue.prepared.find(backup)
            if meanwhile is not None and is_enough(meanwhile, twin=twin):
                return _already(backup, meanwhile)
            raise

    async def prepare_all(
        self, report: Callable[[Backup], Progress], *, twin: bool
    ) -> AsyncIterator[PreparedBackup]:
        """Every backup that was not prepared yet, newest first; one that fails does not end the others."""
        backups = await self._catalogue.list()
        for backup in backups:
            try:
                guessed = await self._catalogue.guess(backup)
                if not self._catalogue.meant_as_backup(guessed):
                    continue
                found = await self._catalogue.prepared.find(guessed)
                if is_enough(found, twin=twin):
                    continue
                yield await self.prepare(guessed, report(guessed), twin=twin, backups=backups)
            except LoomtuiError as error:
                yield PreparedBackup(backup.key, Preparation.FAILED, error.what, error=error)
                await self._catalogue.list()  # where S3 gives nothing any more, the others are not tried

    async def prunable(self) -> Prunable:
        stop = threading.Event()
        return await self._run(partial(self._pruner.look, stop), 0, stop)

    async def prune(self, shown: Prunable) -> Prunable:
        stop = threading.Event()
        return await self._run(partial(self._pruner.prune, shown, stop), shown.size_bytes, stop)

    def close(self) -> None:
        self._preparer.close()
        self._pruner.close()

    async def _run(self, call: Callable[[], T], size_bytes: int, stop: threading.Event) -> T:
        """The bytes of a backup may go up as often as they come down."""
        try:
            return await within(read_seconds(4 * size_bytes), self._door, call)
        finally:
            stop.set()

    async def _earlier(self, backup: Backup, backups: Sequence[Backup]) -> tuple[Manifest, ...]:
        """The newest twins of the same host."""
        earlier: list[Manifest] = []
        for other in backups:
            if len(earlier) == _EARLIER_TWINS:
                break
            if other.source == backup.source and other.key != backup.key:
                found = await self._catalogue.prepared.find(other)
                if found is not None and found.manifest.twin is not None:
                    earlier.append(found.manifest)
        return tuple(earlier)


def _already(backup: Backup, found: Prepared) -> PreparedBackup:
    refusal = found.manifest.refusal
    if refusal is not None:
        return PreparedBackup(backup.key, Preparation.BAD, refusal)
    manifest = found.manifest
    return PreparedBackup(backup.key, Preparation.ALREADY, manifest.no_twin or "", manifest.has_twin)
