"""What was prepared of a backup, as far as it still fits the backup."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from loomtui.aio import Door
from loomtui.backups.cache import Cache
from loomtui.backups.damage import DamagedArchive
from loomtui.backups.deadlines import read_seconds, within
from loomtui.backups.failures import changed
from loomtui.backups.model import Backup, Contents, Damaged, Fault, FaultKind
from loomtui.backups.prepared import document
from loomtui.backups.prepared.checking import ManifestInvalid, members_of
from loomtui.backups.prepared.manifest import Manifest
from loomtui.backups.prepared.places import is_manifest, is_prepared, manifest_key, parts_folder
from loomtui.backups.prepared.reference import ManifestRef, Outline, PreparedState
from loomtui.backups.store import Store, StoredObject
from loomtui.errors import ArchiveRejected, ObjectUnreadable, ObjectWithheld
from loomtui.text import clean_line

_ADVICE = "Choose another backup, or read it again: loomtui backups verify KEY"
_REQUEST_SECONDS = 180.0


@dataclass(frozen=True)
class Prepared:
    """A manifest that holds together and is of exactly this version of the backup."""

    ref: ManifestRef
    manifest: Manifest

    def contents(self, backup: Backup) -> Contents:
        """As a whole read gives it, but without the texts of config files.

        Raises DamagedArchive if whoever read the backup found that it must not be restored.
        """
        manifest = self.manifest
        if manifest.refusal is not None:
            raise _refused(backup, manifest, manifest.refusal)
        digests = {file.path: file.sha256 for file in manifest.files}
        return Contents(
            backup=replace(backup, kind=manifest.kind, compression=manifest.source.compression, certain=True),
            sha256=manifest.source.sha256,
            file_count=len(manifest.files),
            unpacked_bytes=sum(file.size_bytes for file in manifest.files),
            members=members_of(manifest),
            data_items=manifest.data_items,
            config_items=manifest.config_items,
            app_height=manifest.app_height,
            store_height=manifest.store_height,
            node_key=manifest.node_key,
            validator=manifest.validator,
            digests={item.target: digests[item.source] for item in manifest.own_items},
            warnings=manifest.warnings,
            state_height=manifest.state_height,
            chain_id=manifest.chain_id,
            own_items=manifest.own_items,
            chain=manifest.chain,
            genesis_doc=manifest.genesis_doc,
            manifest=self.ref,
            has_twin=manifest.has_twin,
        )


def _refused(backup: Backup, manifest: Manifest, refusal: str) -> DamagedArchive:
    told = f"{refusal} (by its manifest of {manifest.made_at:%Y-%m-%d %H:%M} UTC)"
    error = ArchiveRejected(told, archive=clean_line(backup.key, limit=200), advice=_ADVICE)
    bad = replace(
        backup,
        kind=manifest.kind,
        compression=manifest.source.compression or backup.compression,
        fault=Fault(FaultKind.REJECTED, told),
    )
    return DamagedArchive(error, Damaged(bad, ()))


@dataclass(frozen=True)
class Unusable:
    """There is a manifest, but the backup counts as unprepared."""

    reason: str  # a sentence without the key; showable


class PreparedBackups:
    """The manifests below one prefix. It only reads, with the rights that reading backups takes.

    Its methods raise what Catalogue's raise. A manifest that S3 does not give is none.
    """

    def __init__(self, store: Store, cache: Cache, prefix: str, short: Door, transfers: Door) -> None:
        self._store = store
        self._cache = cache
        self._prefix = prefix
        self._short = short
        self._transfers = transfers
        self._listed: Mapping[str, StoredObject] | None = None  # by key; None: nothing was listed yet

    def set_apart(self, objects: Iterable[StoredObject]) -> tuple[StoredObject, ...]:
        """The listed objects without those that loomtui wrote beside the backups.

        A manifest that is not among them is asked for no more.
        """
        listed = tuple(objects)
        self._listed = {stored.key: stored for stored in listed if is_manifest(stored.key)}
        return tuple(stored for stored in listed if not is_prepared(stored.key))

    async def find(self, backup: Backup) -> Prepared | None:
        """None: there is no manifest that can be used."""
        found = await self.examine(backup)
        return found if isinstance(found, Prepared) else None

    async def examine(self, backup: Backup) -> Prepared | Unusable | None:
        """None: there is no manifest, or it may not be read."""
        key = manifest_key(backup.key)
        try:
            stored = await self._look_up(key)
            if stored is None:
                return None
            if stored.size > document.MAX_MANIFEST_BYTES:
                return Unusable(f"it has {stored.size:,} bytes")
            data = await self._get(stored.key, stored.etag, stored.size)
        except ObjectWithheld as error:
            return Unusable(error.what)
        except ObjectUnreadable:
            return None
        return self._judge(backup, stored, data)

    async def listed(self, backups: Sequence[Backup]) -> Mapping[str, PreparedState]:
        """What is prepared, by the keys of the backups, as far as outlines tell."""
        keys = self._listed
        wanted = [backup for backup in backups if keys is None or manifest_key(backup.key) in keys]
        outlines = await asyncio.gather(*(self.outline(backup) for backup in wanted))
        states = {
            backup.key: PreparedState.TWIN if outline.has_twin else PreparedState.MANIFEST
            for backup, outline in zip(wanted, outlines, strict=True)
            if outline is not None
        }
        return {backup.key: states.get(backup.key, PreparedState.NONE) for backup in backups}

    async def told(self, backups: Sequence[Backup]) -> tuple[Backup, ...]:
        """The same backups with what is prepared of them."""
        states = await self.listed(backups)
        return tuple(replace(backup, prepared=states[backup.key]) for backup in backups)

    async def outline(self, backup: Backup) -> Outline | None:
        """Of its manifest, if that is of this version of the backup. It is read once, then kept."""
        try:
            stored = await self._look_up(manifest_key(backup.key))
            if stored is None:
                return None
            found = await within(_REQUEST_SECONDS, self._short, partial(self._outline, stored))
        except ObjectUnreadable:
            return None
        is_fitting = found is not None and _is_of(backup, found.source_size, found.source_etag, found.made_at)
        return found if is_fitting else None

    def _outline(self, stored: StoredObject) -> Outline | None:
        known = self._cache.outline(stored.key, stored.etag, stored.size)
        if known is not None:
            return known
        length = min(stored.size, document.HEAD_BYTES)
        found = document.outline(self._store.range(stored.key, stored.etag, 0, length)) if length else None
        if found is not None:
            self._cache.keep_outline(stored.key, stored.etag, stored.size, found)
        return found

    async def etag_of_manifest(self, backup: Backup) -> str | None:
        """Of whatever lies where the manifest belongs. None: nothing, or it may not be looked at."""
        try:
            stored = await self._look_up(manifest_key(backup.key))
        except ObjectUnreadable:
            return None
        return stored.etag if stored is not None else None

    async def load(self, ref: ManifestRef) -> Prepared:
        """Exactly this manifest. Raises ObjectChanged if it is another one by now."""
        data = await self._get(ref.key, ref.etag, ref.size_bytes)
        try:
            manifest = document.read(data)
        except ManifestInvalid:
            raise changed(ref.key) from None
        if document.reference(manifest, ref.key, ref.etag, data).sha256 != ref.sha256:
            raise changed(ref.key)
        return Prepared(ref, manifest)

    async def _look_up(self, key: str) -> StoredObject | None:
        if self._listed is not None:
            return self._listed.get(key)
        return await within(_REQUEST_SECONDS, self._short, partial(self._store.head, key))

    async def _get(self, key: str, etag: str, size: int) -> bytes:
        stop = threading.Event()

        def get() -> bytes:
            return b"".join(self._store.read(key, etag, size, stop))

        try:
            return await within(read_seconds(size), self._transfers, get)
        finally:
            stop.set()

    def _judge(self, backup: Backup, stored: StoredObject, data: bytes) -> Prepared | Unusable:
        try:
            manifest = document.read(data)
        except ManifestInvalid as error:
            return Unusable(f"it is damaged, or not loomtui's: {error}")
        if manifest.source.key != backup.key:
            return Unusable("it is of another backup")
        source = manifest.source
        if not _is_of(backup, source.size_bytes, source.etag, manifest.made_at):
            return Unusable("the backup has changed since it was prepared")
        folder = parts_folder(self._prefix)
        if manifest.twin and not all(part.key.startswith(folder) for part in manifest.twin.parts):
            return Unusable("a part of its twin lies elsewhere than the prefix says")
        return Prepared(document.reference(manifest, stored.key, stored.etag, data), manifest)


def _is_of(backup: Backup, size: int, etag: str, made_at: datetime) -> bool:
    """Whether a manifest is of this version. Where S3 gives no ETags, the time of the last change tells."""
    if size != backup.size_bytes:
        return False
    if etag and backup.etag:
        return etag == backup.etag
    return made_at >= backup.last_modified
