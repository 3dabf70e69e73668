"""Finds and removes what was prepared of backups that are gone. It blocks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loomtui.backups.prepared import document
from loomtui.backups.prepared.checking import ManifestInvalid
from loomtui.backups.prepared.places import backup_key, is_manifest, is_part, parts_folder
from loomtui.backups.prepared.writing import WritableStore
from loomtui.backups.store import StoredObject
from loomtui.errors import LoomtuiError
from loomtui.inventory.model import S3Settings
from loomtui.text import clean_line

#: A part that is younger may be of a backup that is being prepared just now.
YOUNG = timedelta(days=1)


@dataclass(frozen=True)
class Prunable:
    """What is of no use any more."""

    manifests: tuple[StoredObject, ...] = ()  # of backups that are gone
    parts: tuple[StoredObject, ...] = ()  # that no other manifest names
    young_parts: int = 0  # that none names either, but that are left for now
    unread: tuple[str, ...] = ()  # manifests that cannot be read: while there are some, no part is removed

    @property
    def keys(self) -> tuple[str, ...]:
        """In the order in which they may be removed: a manifest never names a part that is gone."""
        return tuple(one.key for one in (*self.manifests, *self.parts))

    @property
    def size_bytes(self) -> int:
        return sum(one.size for one in (*self.manifests, *self.parts))


class Pruner:
    """Removes manifests below the inventory's prefix alone; all in its folder tell which parts are used."""

    def __init__(self, s3: S3Settings) -> None:
        self._prefix = s3.prefix
        self._store = WritableStore(s3)

    def look(self, stop: threading.Event) -> Prunable:
        objects = self._objects()
        manifests = {key: stored for key, stored in objects.items() if is_manifest(key)}
        orphans = [
            stored
            for key, stored in manifests.items()
            if key.startswith(self._prefix) and backup_key(key) not in objects
        ]
        kept = [stored for stored in manifests.values() if stored not in orphans]
        named: set[str] = set()
        unread = []
        for stored in kept:
            try:
                named |= self._parts_of(stored, stop)
            except (ManifestInvalid, LoomtuiError):
                unread.append(stored.key)
        folder = parts_folder(self._prefix)
        unnamed = [
            stored
            for key, stored in objects.items()
            if is_part(key) and key.startswith(folder) and key not in named
        ]
        now = datetime.now(UTC)
        old = () if unread else tuple(one for one in unnamed if now - one.modified >= YOUNG)
        young = sum(now - one.modified < YOUNG for one in unnamed)
        return Prunable(tuple(orphans), old, young, tuple(unread))

    def prune(self, shown: Prunable, stop: threading.Event) -> Prunable:
        """Removes what was shown and still is of no use, and gives it."""
        wanted = set(shown.keys)
        now = self.look(stop)
        found = Prunable(
            tuple(one for one in now.manifests if one.key in wanted),
            tuple(one for one in now.parts if one.key in wanted),
            now.young_parts,
            now.unread,
        )
        for key in found.keys:
            if stop.is_set():
                raise LoomtuiError("removing was given up")
            self._store.delete(key)
        return found

    def close(self) -> None:
        self._store.close()

    def _objects(self) -> Mapping[str, StoredObject]:
        """Everything in the folder of the prefix, by key."""
        folder = self._prefix[: self._prefix.rfind("/") + 1]
        return {one.key: one for one in self._store.below(folder) if not one.key.endswith("/")}

    def _parts_of(self, stored: StoredObject, stop: threading.Event) -> set[str]:
        """Raises ManifestInvalid, LoomtuiError."""
        if stored.size > document.MAX_MANIFEST_BYTES:
            raise ManifestInvalid(f"{clean_line(stored.key)} is too large")
        manifest = document.read(b"".join(self._store.read(stored.key, stored.etag, stored.size, stop)))
        return {part.key for part in manifest.twin.parts} if manifest.twin else set()
