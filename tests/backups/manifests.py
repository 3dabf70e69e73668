"""Manifests of archives that the tests make."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from loomtui.backups.archive import Reading, read
from loomtui.backups.compression import detect
from loomtui.backups.contents import assemble
from loomtui.backups.model import Backup, Contents
from loomtui.backups.prepared.checking import files_for_twin
from loomtui.backups.prepared.digests import FileDigests
from loomtui.backups.prepared.making import Author, manifest_of
from loomtui.backups.prepared.manifest import Frame, Manifest, Part, Twin
from loomtui.backups.prepared.places import part_key

AUTHOR = Author(datetime(2026, 11, 29, 3, 0, tzinfo=UTC), "cron@depot", "1.0")


def backup_of(body: bytes, key: str = "2018-09-06--155501-n1.tar.bz2") -> Backup:
    at = datetime(2018, 9, 6, 15, 55, 1, tzinfo=UTC)
    etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    return Backup(key, "n1", at, at, len(body), etag)


def looked_at(body: bytes, backup: Backup | None = None) -> tuple[Contents, Manifest]:
    """What a whole read tells of the archive, and the manifest of it."""
    reading, digests = Reading(), FileDigests()
    read((body,), reading, taker=digests)
    contents = assemble(backup or backup_of(body), reading, hashlib.sha256(body).hexdigest())
    assert reading.compression is detect(body)
    return contents, manifest_of(contents, digests.files, reading.files, AUTHOR)


def twin_of(manifest: Manifest, *, files_a_frame: int = 3, prefix: str = "") -> Twin:
    """Frames of nothing, that name every file of the databases once."""
    last = sorted(files_for_twin(manifest.files, manifest.data_items))
    groups = [tuple(last[at : at + files_a_frame]) for at in range(0, len(last), files_a_frame)]
    frames = tuple(Frame(10 * at, 10, "0" * 64, files) for at, files in enumerate(groups))
    half = len(frames) // 2
    parts = []
    for number, some in enumerate((frames[:half], frames[half:])):
        if some:
            parts.append(Part(part_key(prefix, f"{number:032x}"), 10 * len(frames), "1" * 64, some))
    return Twin(tuple(parts))
