"""What earlier looks at archives told.

It is on disk, by ETag and size, because a changed object is another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from platformdirs import user_cache_path
from pydantic import TypeAdapter, ValidationError

from loomtui.backups.model import Backup, BackupKind, Compression, Contents, Fault
from loomtui.backups.prepared.reference import Outline
from loomtui.inventory.model import S3Settings
from loomtui.private import make_private

#: Part of the path: raise it when what is kept, or how it is found out, changes.
VERSION = "4"
#: Entries that nobody used for so long are dropped.
KEEP_SECONDS = 90 * 24 * 3600

T = TypeVar("T")


@dataclass(frozen=True)
class Kind:
    """The short entry, which is enough for a list."""

    kind: BackupKind
    compression: Compression | None
    certain: bool
    fault: Fault | None = None  # of its bytes: what S3 did not give may be given another time


class Cache:
    """Files of mode 0600 below the user's cache folder. A cache that cannot be read or written is no error.

    Texts of config files are never in it: they may hold passwords.
    """

    def __init__(self, s3: S3Settings) -> None:
        self._store = [s3.endpoint or "", s3.bucket]
        self._folder = user_cache_path("loomtui") / "archives" / VERSION
        self._kinds = _Entries(self._folder, "kind", TypeAdapter(Kind))
        self._contents = _Entries(self._folder, "contents", TypeAdapter(Contents))
        self._outlines = _Entries(self._folder, "outline", TypeAdapter(Outline))
        self._staged = _Entries(self._folder, "staged", TypeAdapter(Contents))

    def kind(self, backup: Backup) -> Kind | None:
        return self._kinds.get(self._name(backup))

    def keep_kind(self, backup: Backup) -> None:
        self._kinds.put(
            self._name(backup), Kind(backup.kind, backup.compression, backup.certain, backup.fault)
        )

    def contents(self, backup: Backup) -> Contents | None:
        """What a whole read told, unless the archive offers config files, because their texts are needed."""
        return self._contents.get(self._name(backup))

    def keep_contents(self, contents: Contents) -> None:
        self.keep_kind(contents.backup)
        if not contents.config_items:
            self._contents.put(self._name(contents.backup), contents)

    def outline(self, key: str, etag: str, size: int) -> Outline | None:
        """Of the manifest with this key."""
        return self._outlines.get(self._named(key, etag, size)) if etag else None

    def keep_outline(self, key: str, etag: str, size: int, outline: Outline) -> None:
        if etag:
            self._outlines.put(self._named(key, etag, size), outline)

    def staged(self, backup: Backup) -> Contents | None:
        """What a node told of the archive when it had unpacked it."""
        return self._staged.get(self._name(backup))

    def keep_staged(self, contents: Contents) -> None:
        self._staged.put(self._name(contents.backup), contents)

    def prune(self) -> None:
        """Drops entries that nobody has used for long."""
        oldest = time.time() - KEEP_SECONDS
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _name(self, backup: Backup) -> str:
        version = backup.etag or backup.last_modified.isoformat()  # some stores give no ETag
        return self._named(backup.key, version, backup.size_bytes)

    def _named(self, key: str, version: str, size: int) -> str:
        identity = json.dumps([*self._store, key, version, size])
        return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()


class _Entries(Generic[T]):
    def __init__(self, folder: Path, suffix: str, adapter: TypeAdapter[T]) -> None:
        self._folder = folder
        self._suffix = suffix
        self._adapter = adapter

    def get(self, name: str) -> T | None:
        path = self._path(name)
        try:
            entry = self._adapter.validate_json(path.read_bytes())
            os.utime(path)
        except (OSError, ValidationError):
            return None
        return entry

    def put(self, name: str, entry: T) -> None:
        with contextlib.suppress(OSError):
            make_private(self._folder)
            descriptor, temporary = tempfile.mkstemp(dir=self._folder)  # mode 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(self._adapter.dump_json(entry))
                Path(temporary).replace(self._path(name))
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.{self._suffix}.json"
