"""The backups in S3: what is there, what each holds, and how a node gets one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from loomtui.backups.model import Backup, Compression, Contents
from loomtui.inventory.model import S3Settings

#: How long a presigned URL works, in seconds, where the caller does not say.
PRESIGN_SECONDS = 6 * 3600

Progress = Callable[[int, int], None]


class Catalogue:
    """One bucket. All methods that are `async` ask S3 in threads of their own and have deadlines.

    Every one of them raises StoreUnreachable when S3 cannot be used (down, no credentials, no bucket, wrong
    region, no permission, clocks apart) and LoomtuiError when the object is gone or has changed.
    """

    def __init__(self, s3: S3Settings) -> None:
        self._s3 = s3

    async def list(self) -> tuple[Backup, ...]:
        """All objects below the prefix, newest first. Kinds are those known from earlier looks."""
        raise NotImplementedError

    async def find(self, key: str) -> Backup:
        """The backup with this very key. Raises LoomtuiError when there is none."""
        raise NotImplementedError

    async def guess(self, backup: Backup) -> Backup:
        """The same with `kind` and `compression` from the first few MiB. UNKNOWN where they do not tell."""
        raise NotImplementedError

    async def look(
        self, backup: Backup, progress: Progress | None = None, *, fresh: bool = False
    ) -> Contents:
        """Reads the whole archive and checks it. `progress` is called with stored bytes read and in all.

        `fresh`: read it even when what it holds is known already. Raises ArchiveRejected when it must not be
        restored: truncated, corrupt, hostile.
        """
        raise NotImplementedError

    def presign(self, backup_key: str, seconds: int = PRESIGN_SECONDS) -> str:
        """A URL with which anybody may GET the object for `seconds` (a secret: over stdin only).

        Add the header `If-Match: ETAG` (with its quotes) to the GET to refuse a changed object.
        """
        raise NotImplementedError

    def stream(self, key: str, etag: str) -> AsyncIterator[bytes]:
        """The stored bytes, in chunks of at most 1 MiB, never more than a few ahead of the reader."""
        raise NotImplementedError

    def decompressed(self, key: str, etag: str, compression: Compression) -> AsyncIterator[bytes]:
        """The tar inside, for nodes that lack the decompressor. Raises ArchiveRejected when it is corrupt."""
        raise NotImplementedError

    async def close(self) -> None:
        """Gives the connections back."""
        raise NotImplementedError
