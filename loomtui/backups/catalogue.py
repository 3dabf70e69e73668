"""The backups in S3: what is there, what each holds, and how a node gets one."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from loomtui.aio import Door
from loomtui.backups.archive import Reading, read
from loomtui.backups.cache import Cache
from loomtui.backups.compression import unpack
from loomtui.backups.contents import assemble
from loomtui.backups.failures import changed
from loomtui.backups.layouts import guess_kind
from loomtui.backups.model import Backup, BackupKind, Compression, Contents
from loomtui.backups.names import read_key
from loomtui.backups.store import Store, StoredObject
from loomtui.errors import ArchiveRejected, StoreUnreachable
from loomtui.inventory.model import S3Settings
from loomtui.text import clean_line

#: How long a presigned URL works, in seconds, where the caller does not say.
PRESIGN_SECONDS = 6 * 3600
#: How far a guess reads: the first bytes, then up to so many. A block of bzip2 may take 900 kB.
GUESS_BYTES = (64 * 1024, 1024**2, 4 * 1024**2)
#: Deadlines in seconds: of a short request with its retries, of the next chunk of a transfer, and of a whole
#: read, which grows with the archive (by the slowest transfer that is worth waiting for).
REQUEST_SECONDS = 180.0
CHUNK_SECONDS = 300.0
SLOWEST_BYTES_A_SECOND = 100_000
#: Whole reads that stay in memory, texts of config files included.
_KEPT = 16
_REPORT_SECONDS = 0.1

Progress = Callable[[int, int], None]
_T = TypeVar("_T")


class Catalogue:
    """One bucket. All methods that are `async` ask S3 in threads of their own and have deadlines.

    Every one of them raises StoreUnreachable when S3 cannot be used (down, no credentials, no bucket, wrong
    region, no permission, clocks apart), CallError when the AWS profile or the settings are wrong, and
    LoomtuiError when the object is gone or has changed.
    """

    def __init__(self, s3: S3Settings) -> None:
        self._s3 = s3
        self._store = Store(s3)
        self._cache = Cache(s3)
        self._door = Door("s3", workers=8)
        self._transfers = Door(
            "s3-transfer", workers=64
        )  # hours each: they must not keep short calls waiting
        self._looked: dict[tuple[str, str, int], Contents] = {}

    async def list(self) -> tuple[Backup, ...]:
        """All objects below the prefix, newest first. Kinds are those known from earlier looks.

        Of one host they are ordered by the time in the key, between hosts by S3's clock: the times in keys
        are local times of the nodes.
        """
        return await self._ask(self._list)

    async def find(self, key: str) -> Backup:
        """The backup with this very key. Raises LoomtuiError when there is none."""
        return await self._ask(lambda: self._backup(self._store.head(key)))

    async def guess(self, backup: Backup) -> Backup:
        """The same with `kind` and `compression` from the first few MiB. UNKNOWN where they do not tell.

        DATA may turn out to be FULL: in most archives the databases come first.
        """
        return await self._ask(partial(self._guess, backup))

    async def look(
        self, backup: Backup, progress: Progress | None = None, *, fresh: bool = False
    ) -> Contents:
        """Reads the whole archive and checks it. `progress` is called with stored bytes read and in all.

        `fresh`: read it even when what it holds is known already. Raises ArchiveRejected when it must not be
        restored: truncated, corrupt, hostile.
        """
        report = _reporter(progress)
        contents = None if fresh else await self._known(backup)
        if contents is None:
            contents = await self._whole(backup, report)
        else:
            report(backup.size_bytes, backup.size_bytes)
        self._remember(contents)
        return contents

    def presign(self, backup_key: str, seconds: int = PRESIGN_SECONDS) -> str:
        """A URL with which anybody may GET the object for `seconds` (a secret: over stdin only).

        Add the header `If-Match: ETAG` (with its quotes) to the GET to refuse a changed object. With
        temporary credentials the URL ends when they do.
        """
        return self._store.presign(backup_key, seconds)

    def stream(self, key: str, etag: str) -> AsyncGenerator[bytes, None]:
        """The stored bytes, in chunks of at most 1 MiB, never more than a few ahead of the reader."""
        return self._transfer(key, etag, lambda chunks: chunks)

    def decompressed(
        self, key: str, etag: str, compression: Compression, sha256: str
    ) -> AsyncGenerator[bytes, None]:
        """The tar inside, for nodes that lack the decompressor. Raises ArchiveRejected when it is corrupt.

        Behind its last byte it raises LoomtuiError when the stored bytes were not those with this SHA-256.
        """
        return self._transfer(
            key, etag, lambda chunks: _named(key, unpack(_proved(chunks, key, sha256), compression))
        )

    async def close(self) -> None:
        """Gives the connections back."""
        self._store.close()
        self._door.close()
        self._transfers.close()

    async def _ask(self, call: Callable[[], _T]) -> _T:
        return await _within(REQUEST_SECONDS, self._door, call)

    async def _known(self, backup: Backup) -> Contents | None:
        found = self._looked.get(_identity(backup)) or await self._ask(partial(self._cache.contents, backup))
        if found is None:
            return None
        now = replace(backup, kind=found.backup.kind, compression=found.backup.compression, certain=True)
        return replace(found, backup=now)

    def _remember(self, contents: Contents) -> None:
        self._looked.pop(_identity(contents.backup), None)
        self._looked[_identity(contents.backup)] = contents
        while len(self._looked) > _KEPT:
            self._looked.pop(next(iter(self._looked)))

    async def _whole(self, backup: Backup, report: Progress) -> Contents:
        stop = threading.Event()
        seconds = 600 + backup.size_bytes / SLOWEST_BYTES_A_SECOND
        try:
            return await _within(seconds, self._transfers, partial(self._look, backup, report, stop))
        finally:
            stop.set()

    async def _transfer(
        self, key: str, etag: str, through: Callable[[Iterator[bytes]], Iterator[bytes]]
    ) -> AsyncGenerator[bytes, None]:
        stop = threading.Event()
        chunks = self._transfers.stream(
            lambda: through(self._store.read(key, etag, None, stop)), timeout=CHUNK_SECONDS
        )
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        except TimeoutError:
            raise StoreUnreachable(
                f"the transfer of {clean_line(key)} stands still", advice="Try again."
            ) from None
        finally:
            stop.set()

    def _list(self) -> tuple[Backup, ...]:
        self._cache.prune()
        return newest_first(self._backup(found) for found in self._store.objects())

    def _backup(self, found: StoredObject) -> Backup:
        source, taken_at, compression = read_key(found.key, self._s3.prefix)
        backup = Backup(
            key=found.key,
            source=source,
            taken_at=taken_at or found.modified,
            last_modified=found.modified,
            size_bytes=found.size,
            etag=found.etag,
            compression=compression,
        )
        known = self._cache.kind(backup)
        if known is None:
            return backup
        return replace(backup, kind=known.kind, compression=known.compression, certain=known.certain)

    def _guess(self, backup: Backup) -> Backup:
        known = self._cache.kind(backup)
        if known is not None:
            return replace(backup, kind=known.kind, compression=known.compression, certain=known.certain)
        head = b""
        guessed = backup
        for limit in GUESS_BYTES:
            wanted = min(limit, backup.size_bytes) - len(head)
            if wanted > 0:
                head += self._store.range(backup.key, backup.etag, len(head), wanted)
            guessed = _guess_from(backup, head)
            if guessed.kind is not BackupKind.UNKNOWN or len(head) >= backup.size_bytes:
                break
        self._cache.keep_kind(guessed)
        return guessed

    def _look(self, backup: Backup, report: Progress, stop: threading.Event) -> Contents:
        digest = hashlib.sha256()
        reading = Reading()
        stored = self._store.read(backup.key, backup.etag, backup.size_bytes, stop)
        try:
            read(_measured(stored, digest.update, report, backup.size_bytes), reading)
            contents = assemble(backup, reading, digest.hexdigest())
        except ArchiveRejected as error:
            raise _about(backup.key, error) from error
        self._cache.keep_contents(contents)
        return contents


def newest_first(backups: Iterable[Backup]) -> tuple[Backup, ...]:
    """Of one host by the time in the key, between hosts by S3's clock."""
    hosts: dict[str | None, list[Backup]] = {}
    for backup in sorted(backups, key=lambda one: (one.taken_at, one.last_modified, one.key)):
        hosts.setdefault(backup.source, []).append(backup)
    merged = []
    while hosts:
        host = max(
            hosts, key=lambda name: (hosts[name][-1].last_modified, hosts[name][-1].taken_at, name or "")
        )
        merged.append(hosts[host].pop())
        if not hosts[host]:
            del hosts[host]
    return tuple(merged)


async def _within(seconds: float, door: Door, call: Callable[[], _T]) -> _T:
    try:
        return await door.run(call, timeout=seconds)
    except TimeoutError:
        raise StoreUnreachable(
            f"S3 did not finish within {seconds:.0f} seconds", advice="Try again."
        ) from None


def _identity(backup: Backup) -> tuple[str, str, int]:
    return backup.key, backup.etag, backup.size_bytes


def _guess_from(backup: Backup, head: bytes) -> Backup:
    """What the first bytes tell. Damage is for `look` to report."""
    reading = Reading()
    with suppress(ArchiveRejected):
        read((head,), reading, check=False)
    complete = reading.complete and len(head) == backup.size_bytes
    kind = guess_kind(reading.members, reading.files, complete=complete)
    return replace(backup, kind=kind, compression=reading.compression or backup.compression)


def _measured(
    chunks: Iterable[bytes], digest: Callable[[bytes], None], report: Progress, total: int
) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        digest(chunk)
        done += len(chunk)
        report(done, total)
        yield chunk


def _proved(chunks: Iterable[bytes], key: str, sha256: str) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise changed(key)


def _reporter(progress: Progress | None) -> Progress:
    """Calls `progress` in the event loop, at most ten times a second and for the last byte."""
    loop = asyncio.get_running_loop()
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if progress is not None and not loop.is_closed() and (done >= total or now - last >= _REPORT_SECONDS):
            last = now
            loop.call_soon_threadsafe(progress, done, total)

    return report


def _named(key: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except ArchiveRejected as error:
        raise _about(key, error) from error


def _about(key: str, error: ArchiveRejected) -> ArchiveRejected:
    return ArchiveRejected(f"{clean_line(key, limit=200)}: {error.what}", advice=error.advice)
