"""Looks into one archive: its beginning, or all of it. It blocks, so it runs in the catalogue's threads."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from loomtui.backups import bzip2
from loomtui.backups.archive import Reading, Taker, read
from loomtui.backups.cache import Cache
from loomtui.backups.contents import assemble
from loomtui.backups.damage import DamagedArchive, damage_in, kind_so_far
from loomtui.backups.layouts import FileFacts, guess_kind
from loomtui.backups.model import Backup, BackupKind, Contents, Damaged, Fault, FaultKind
from loomtui.backups.store import Store
from loomtui.errors import ArchiveRejected
from loomtui.text import clean_line

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class WholeRead:
    contents: Contents
    configs: Mapping[str, FileFacts]  # what was read of config files, by path


class Looker:
    """Remembers on disk what it found. Raises what Store raises, and DamagedArchive."""

    def __init__(self, store: Store, cache: Cache) -> None:
        self._store = store
        self._cache = cache

    def known(self, backup: Backup) -> Backup | None:
        known = self._cache.kind(backup)
        if known is None:
            return None
        return replace(
            backup,
            kind=known.kind,
            compression=known.compression,
            certain=known.certain,
            fault=known.fault,
        )

    def guess(self, backup: Backup, sizes: Iterable[int]) -> Backup:
        """What the first bytes tell; `sizes` says how many of them are read at most, time after time."""
        known = self.known(backup)
        if known is not None:
            return known
        head = b""
        guessed = backup
        for limit in sizes:
            wanted = min(limit, backup.size_bytes) - len(head)
            if wanted > 0:
                head += self._store.range(backup.key, backup.etag, len(head), wanted)
            guessed = _guess_from(backup, head)
            decided = guessed.kind is not BackupKind.UNKNOWN or guessed.fault is not None
            if decided or len(head) >= backup.size_bytes:
                break
        self._cache.keep_kind(guessed)
        return guessed

    def look(self, backup: Backup, report: Progress, stop: threading.Event) -> Contents:
        return self.read(backup, report, stop).contents

    def read(
        self, backup: Backup, report: Progress, stop: threading.Event, taker: Taker | None = None
    ) -> WholeRead:
        """`taker` gets every file of it meanwhile."""
        digest = hashlib.sha256()
        reading = Reading()
        stored = self._store.read(backup.key, backup.etag, backup.size_bytes, stop)
        try:
            stored = _digest_and_report(stored, digest.update, report, backup.size_bytes)
            read(stored, reading, taker=taker, threads=bzip2.workers())
            contents = assemble(backup, reading, digest.hexdigest())
        except ArchiveRejected as error:
            bad = replace(
                backup,
                kind=kind_so_far(reading),
                compression=reading.compression or backup.compression,
                certain=False,
                fault=Fault(FaultKind.REJECTED, error.what),
            )
            self._cache.keep_kind(bad)
            raise DamagedArchive(
                refusal_of(backup.key, error), Damaged(bad, tuple(reading.members))
            ) from error
        self._cache.keep_contents(contents)
        return WholeRead(contents, reading.files)


def refusal_of(key: str, error: ArchiveRejected) -> ArchiveRejected:
    return ArchiveRejected(error.reason, archive=clean_line(key, limit=200), advice=error.advice)


def _guess_from(backup: Backup, head: bytes) -> Backup:
    """What the first bytes tell. `look` reports damage."""
    reading = Reading()
    with suppress(ArchiveRejected):
        read((head,), reading, check=False)
    complete = reading.complete and len(head) == backup.size_bytes
    kind = guess_kind(reading.members, reading.files, complete=complete)
    compression = reading.compression or backup.compression
    reason = damage_in(head, complete=len(head) == backup.size_bytes)
    if reason is None:
        return replace(backup, kind=kind, compression=compression)
    fault = Fault(FaultKind.REJECTED, reason)
    return replace(backup, kind=kind_so_far(reading), compression=compression, fault=fault)


def _digest_and_report(
    chunks: Iterable[bytes], digest: Callable[[bytes], None], report: Progress, total: int
) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        digest(chunk)
        done += len(chunk)
        report(done, total)
        yield chunk
