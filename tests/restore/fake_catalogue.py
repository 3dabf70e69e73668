"""Backups and manifests in memory, in the place of S3."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from loomtui.aio import Door
from loomtui.backups.archive import Reading, read
from loomtui.backups.cache import Cache
from loomtui.backups.catalogue import Catalogue
from loomtui.backups.compression import unpack
from loomtui.backups.contents import assemble
from loomtui.backups.model import Backup, BackupKind, Compression, Contents, Fault, FaultKind
from loomtui.backups.prepared.document import dump, outline
from loomtui.backups.prepared.finding import Prepared, PreparedBackups, Unusable
from loomtui.backups.prepared.reference import ManifestRef, Outline
from loomtui.backups.staged import StagedArchives
from loomtui.errors import ArchiveRejected, LoomtuiError, ObjectChanged
from loomtui.inventory.model import S3Settings
from loomtui.text import clean_line
from tests.restore.serving import Store


class FakePrepared(PreparedBackups):
    """Manifests in memory; there are none unless a test puts some here."""

    def __init__(self) -> None:
        self.by_key: dict[str, Prepared | Unusable] = {}
        self._listed = None

    async def examine(self, backup: Backup) -> Prepared | Unusable | None:
        return self.by_key.get(backup.key)

    async def load(self, ref: ManifestRef) -> Prepared:
        for found in self.by_key.values():
            if isinstance(found, Prepared) and found.ref == ref:
                return found
        raise ObjectChanged(f"{ref.key} has changed")

    async def outline(self, backup: Backup) -> Outline | None:
        found = self.by_key.get(backup.key)
        if not isinstance(found, Prepared):
            return None
        data = dump(found.manifest)
        return outline(data)


class MemoryCache(Cache):
    """What nodes told of archives, and what is wrong with these."""

    def __init__(self) -> None:
        self.told: dict[str, Contents] = {}
        self.faults: dict[str, Fault | None] = {}

    def staged(self, backup: Backup) -> Contents | None:
        return self.told.get(backup.key)

    def keep_staged(self, contents: Contents) -> None:
        self.told[contents.backup.key] = contents

    def keep_kind(self, backup: Backup) -> None:
        self.faults[backup.key] = backup.fault


class FakeCatalogue(Catalogue):
    """Objects in memory, looked into by the real readers."""

    prepared: FakePrepared

    def __init__(self) -> None:
        self._s3 = S3Settings(bucket="backups")
        self.prepared = FakePrepared()
        self.cache = MemoryCache()
        self.staged = StagedArchives(self.cache, Door("s3-of-tests", workers=2))
        self.objects: dict[str, bytes] = {}
        self.backups: dict[str, Backup] = {}
        self.calls: list[tuple[str, str]] = []
        self.guessed: dict[str, BackupKind] = {}  # key -> what its first bytes tell, where the rest is bad
        self.rejected: dict[str, str] = {}  # key -> what only a whole read finds
        self.unreadable: dict[str, str] = {}  # key -> why S3 does not give it
        self.trouble: LoomtuiError | None = None  # raised in the middle of a relayed stream
        self.url: Callable[[str], str] = lambda key: f"http://127.0.0.1:1/{key}"

    def add(self, key: str, body: bytes, source: str | None, at: datetime, **changes: Any) -> Backup:
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        backup = Backup(key, source, at, at, len(body), etag, BackupKind.UNKNOWN, Compression.GZIP)
        self.objects[key] = body
        self.backups[key] = replace(backup, **changes)
        return self.backups[key]

    async def list(self) -> tuple[Backup, ...]:
        return tuple(self.backups.values())

    async def find(self, key: str) -> Backup:
        if key not in self.backups:
            raise LoomtuiError(f"there is no {key}")
        return self.backups[key]

    async def guess(self, backup: Backup) -> Backup:
        self.calls.append(("guess", backup.key))
        if backup.key in self.unreadable:
            return replace(backup, fault=Fault(FaultKind.UNREADABLE, self.unreadable[backup.key]))
        if (fault := self.cache.faults.get(backup.key)) is not None:
            return replace(backup, fault=fault)
        guessed = self.guessed.get(backup.key)
        return replace(backup, kind=guessed or self._contents(backup).backup.kind)

    async def look(
        self,
        backup: Backup,
        progress: Callable[[int, int], None] | None = None,
        *,
        fresh: bool = False,
    ) -> Contents:
        self.calls.append(("look", backup.key))
        if progress:
            progress(backup.size_bytes, backup.size_bytes)
        if backup.key in self.rejected:
            raise ArchiveRejected(self.rejected[backup.key], archive=backup.key)
        return self._contents(backup)

    def _contents(self, backup: Backup) -> Contents:
        body, reading = self.objects[backup.key], Reading()
        try:
            read((body,), reading)
            return assemble(backup, reading, hashlib.sha256(body).hexdigest())
        except ArchiveRejected as error:
            raise ArchiveRejected(error.reason, archive=clean_line(backup.key)) from error

    def presign(self, backup_key: str, seconds: int = 0) -> str:
        self.calls.append(("presign", backup_key))
        return self.url(backup_key)

    async def check(self, key: str, etag: str, size_bytes: int) -> None:
        self.calls.append(("check", key))
        if self.backups[key].etag != etag:
            raise ObjectChanged(f"{key} has changed")

    def offer_by(self, store: Store) -> None:
        """Nodes get all backups from this server."""
        self.url = store.url
        for key, body in self.objects.items():
            store.objects[key] = (body, self.backups[key].etag.strip('"'))

    async def decompressed(
        self,
        key: str,
        etag: str,
        compression: Compression,
        sha256: str,
        tell: Callable[[str], None] = lambda _sha256: None,
    ) -> AsyncGenerator[bytes, None]:
        self.calls.append(("decompressed", key))
        assert etag == self.backups[key].etag
        try:
            data = b"".join(unpack((self.objects[key],), compression))
        except ArchiveRejected as error:
            raise ArchiveRejected(error.reason, archive=clean_line(key)) from error
        for start in range(0, len(data), 4096):
            if self.trouble is not None and start:
                raise self.trouble
            yield data[start : start + 4096]
        found = hashlib.sha256(self.objects[key]).hexdigest()
        tell(found)
        if sha256 not in ("", found):
            raise ObjectChanged(f"{key} has changed")

    async def close(self) -> None:
        """Nothing is open."""
