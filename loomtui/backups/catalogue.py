"""The backups in S3: what is there, what each one holds, and how a node gets one."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from loomtui.aio import Door
from loomtui.backups import bzip2, names
from loomtui.backups.cache import Cache
from loomtui.backups.clocks import Stamp, TakenBy, read_clock
from loomtui.backups.compression import unpack
from loomtui.backups.deadlines import read_seconds, within
from loomtui.backups.failures import changed, withheld
from loomtui.backups.looking import Looker, Progress, refusal_of
from loomtui.backups.model import Backup, Compression, Contents, Fault, FaultKind
from loomtui.backups.names import read_key
from loomtui.backups.prepared.finding import PreparedBackups
from loomtui.backups.staged import StagedArchives
from loomtui.backups.store import Store, StoredObject
from loomtui.errors import ArchiveRejected, ObjectUnreadable, StoreUnreachable
from loomtui.inventory.model import S3Settings
from loomtui.text import clean_line

#: How long a presigned URL works, in seconds, where the caller does not say.
PRESIGN_SECONDS = 6 * 3600
#: How far a guess reads: the first bytes, then up to so many. A block of bzip2 may take 900 kB.
GUESS_BYTES = (64 * 1024, 1024**2, 4 * 1024**2)
#: Deadlines in seconds: of a short request with its retries, and of the next chunk of a transfer.
REQUEST_SECONDS = 180.0
CHUNK_SECONDS = 300.0
#: Whole reads that stay in memory, texts of config files included.
_KEPT = 16
_REPORT_SECONDS = 0.1

_T = TypeVar("_T")


class Catalogue:
    """One bucket. All `async` methods ask S3 in threads of their own and have deadlines.

    Every one of them raises StoreUnreachable if S3 cannot be used (down, no credentials, no bucket, wrong
    region, no permission, clocks apart), CallError if the AWS profile or the settings are wrong, and
    ObjectUnreadable if S3 can be used, but does not give this object, or gives another version.
    """

    def __init__(self, s3: S3Settings) -> None:
        self._s3 = s3
        self._store = Store(s3)
        self._cache = Cache(s3)
        self._looker = Looker(self._store, self._cache)
        self._door = Door("s3", workers=8)
        self.staged = StagedArchives(self._cache, self._door)
        self._transfers = Door(
            "s3-transfer", workers=64
        )  # hours each: they must not keep short calls waiting
        self._looked: dict[tuple[str, str, int], Contents] = {}
        self.prepared = PreparedBackups(self._store, self._cache, s3.prefix, self._door, self._transfers)

    async def list(self) -> tuple[Backup, ...]:
        """All objects below the prefix, newest first. Their kinds are those known from earlier looks.

        Times are UTC: each host's offset is told from all its backups. If it cannot be told, the backups of
        one host are ordered by the times in their keys.
        """
        return await self._ask(self._list)

    async def find(self, key: str) -> Backup:
        """The backup with exactly this key. Raises LoomtuiError if there is none."""
        return await self._ask(partial(self._find, key))

    async def guess(self, backup: Backup) -> Backup:
        """The same backup with kind, compression and fault from the first few MiB.

        UNKNOWN means that they do not tell.

        DATA may turn out to be FULL, because in most archives the databases come first. If S3 does not give
        an object, or it is damaged so early, that is a fault of the object, not an error.
        """
        try:
            return await self._of_one(backup.key, self._ask(partial(self._looker.guess, backup, GUESS_BYTES)))
        except ObjectUnreadable as error:
            return replace(backup, fault=Fault(FaultKind.UNREADABLE, error.what))

    async def look(
        self, backup: Backup, progress: Progress | None = None, *, fresh: bool = False
    ) -> Contents:
        """Reads the whole archive and checks it.

        `progress` is called with the stored bytes read so far and in all.

        With `fresh`, it is read even if what it holds is known already. Raises DamagedArchive, which is an
        ArchiveRejected with what can be told of the archive, if it must not be restored (truncated, corrupt,
        hostile), and ObjectUnreadable if S3 does not give it.
        """
        report = _reporter(progress)
        contents = None if fresh else await self._known(backup)
        if contents is None:
            contents = await self._of_one(backup.key, self._whole(backup, report))
        else:
            report(backup.size_bytes, backup.size_bytes)
        self._remember(contents)
        return contents

    def meant_as_backup(self, backup: Backup) -> bool:
        """Whether it looks like a backup by its key, or by its first bytes, which are those of an archive."""
        named = names.meant_as_backup(backup.key, self._s3.prefix)
        return named or (backup.compression is not None and not names.lies_beside(backup.key))

    def may_be_of(self, backup: Backup, source: str) -> bool:
        """Whether its key begins as those of this host's backups do, however it ends."""
        return names.may_be_of(backup.key, self._s3.prefix, source)

    def presign(self, backup_key: str, seconds: int = PRESIGN_SECONDS) -> str:
        """A URL with which anybody may GET the object for `seconds`.

        It is a secret, so send it over stdin only.

        Add the header `If-Match: ETAG` (with its quotes) to the GET to refuse a changed object. A store that
        answers 412 although `check` finds the object unchanged does not know this header. With temporary
        credentials the URL ends when they do.
        """
        return self._store.presign(backup_key, seconds)

    async def check(self, key: str, etag: str, size_bytes: int) -> None:
        """Raises ObjectUnreadable if S3 does not give the object any more, or gives another version."""
        await self._of_one(key, self._ask(partial(self._store.check, key, etag, size_bytes)))

    def stream(self, key: str, etag: str) -> AsyncGenerator[bytes, None]:
        """The stored bytes, in chunks of at most 1 MiB, never more than a few ahead of the reader."""
        return self._transfer(key, etag, lambda chunks: chunks)

    def decompressed(
        self,
        key: str,
        etag: str,
        compression: Compression,
        sha256: str,
        tell: Callable[[str], None] = lambda _sha256: None,
    ) -> AsyncGenerator[bytes, None]:
        """The tar inside, for nodes that lack the decompressor. Raises ArchiveRejected if it is corrupt.

        After its last byte it raises LoomtuiError if the stored bytes were not those with this SHA-256; it is
        empty where nobody knows it. `tell` gets it as it is.
        """

        def through(chunks: Iterator[bytes]) -> Iterator[bytes]:
            checked = _check_digest(chunks, key, sha256, tell)
            return _name_in_refusals(key, unpack(checked, compression, threads=bzip2.workers()))

        return self._transfer(key, etag, through)

    async def close(self) -> None:
        """Gives the connections back."""
        self._store.close()

    async def _ask(self, call: Callable[[], _T]) -> _T:
        return await within(REQUEST_SECONDS, self._door, call)

    async def _of_one(self, key: str, asking: Coroutine[None, None, _T]) -> _T:
        """What is asked about one object.

        If S3 fails at it but still lists the bucket, ObjectWithheld is raised: the others may well be given.
        """
        try:
            return await asking
        except ObjectUnreadable:
            raise
        except StoreUnreachable as error:
            if await self._answers():
                raise withheld(error, key) from error
            raise

    async def _answers(self) -> bool:
        with suppress(StoreUnreachable):
            return await self._ask(self._store.answers)
        return False

    async def _known(self, backup: Backup) -> Contents | None:
        contents = self._looked.get(_identity(backup)) or await self._ask(
            partial(self._cache.contents, backup)
        )
        if contents is None:
            return None
        now = replace(
            backup, kind=contents.backup.kind, compression=contents.backup.compression, certain=True
        )
        return replace(contents, backup=now)

    def _remember(self, contents: Contents) -> None:
        self._looked.pop(_identity(contents.backup), None)
        self._looked[_identity(contents.backup)] = contents
        while len(self._looked) > _KEPT:
            self._looked.pop(next(iter(self._looked)))

    async def _whole(self, backup: Backup, report: Progress) -> Contents:
        stop = threading.Event()
        look = partial(self._looker.look, backup, report, stop)
        try:
            return await within(read_seconds(backup.size_bytes), self._transfers, look)
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
        originals = self.prepared.set_apart(self._store.objects())
        return newest_first(timed(self._backup(stored) for stored in originals))

    def _find(self, key: str) -> Backup:
        """The backup, with the time that the host's other backups give it if these may be listed."""
        wanted = self._backup(self._store.head(key))
        with suppress(StoreUnreachable):
            others = self.prepared.set_apart(self._store.objects())
            backups = [wanted, *(self._backup(other) for other in others if other.key != key)]
            return timed(backup for backup in backups if backup.source == wanted.source)[0]
        return timed([wanted])[0]

    def _backup(self, stored: StoredObject) -> Backup:
        source, named_at, compression = read_key(stored.key, self._s3.prefix)
        backup = Backup(
            key=stored.key,
            source=source,
            taken_at=stored.modified,
            last_modified=stored.modified,
            size_bytes=stored.size,
            etag=stored.etag,
            compression=compression,
            named_at=named_at,
        )
        return self._looker.known(backup) or backup


def timed(backups: Iterable[Backup]) -> tuple[Backup, ...]:
    """The same backups in the same order, with the times that each host's backups tell together."""
    dated = list(backups)
    hosts: dict[str, list[int]] = defaultdict(list)
    for at, backup in enumerate(dated):
        if backup.source is not None and backup.named_at is not None:
            hosts[backup.source].append(at)
    for places in hosts.values():
        ones = [dated[at] for at in places]
        stamps = [Stamp(one.named_at or one.last_modified, one.last_modified, one.size_bytes) for one in ones]
        for at, reading in zip(places, read_clock(stamps), strict=True):
            dated[at] = replace(
                dated[at], taken_at=reading.taken_at, taken_by=reading.by, utc_offset=reading.offset
            )
    return tuple(dated)


def newest_first(backups: Iterable[Backup]) -> tuple[Backup, ...]:
    """Ordered by when they were taken, or if a host's clock is not known, by the times in its keys."""
    hosts: dict[str | None, list[Backup]] = defaultdict(list)
    for backup in backups:
        hosts[backup.source].append(backup)
    for ones in hosts.values():
        is_clock_known = any(one.taken_by is not TakenBy.LAST_MODIFIED for one in ones)
        ones.sort(
            key=lambda one, is_clock_known=is_clock_known: (  # type: ignore[misc]
                one.taken_at if is_clock_known else one.named_at or one.taken_at,
                one.last_modified,
                one.key,
            )
        )
    merged = []
    while hosts:
        host = max(
            hosts, key=lambda name: (hosts[name][-1].taken_at, hosts[name][-1].last_modified, name or "")
        )
        merged.append(hosts[host].pop())
        if not hosts[host]:
            del hosts[host]
    return tuple(merged)


def _identity(backup: Backup) -> tuple[str, str, int]:
    return backup.key, backup.etag or backup.last_modified.isoformat(), backup.size_bytes


def _check_digest(
    chunks: Iterable[bytes], key: str, sha256: str, tell: Callable[[str], None]
) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    tell(digest.hexdigest())
    if sha256 and digest.hexdigest() != sha256:
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


def _name_in_refusals(key: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except ArchiveRejected as error:
        raise refusal_of(key, error) from error
