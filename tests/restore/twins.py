"""Twins of archives that the tests make, packed as `loomtui backups prepare --twin` packs them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from loomtui.backups.archive import Reading, read
from loomtui.backups.contents import assemble
from loomtui.backups.model import Backup
from loomtui.backups.prepared import document, twins
from loomtui.backups.prepared.digests import FileDigests
from loomtui.backups.prepared.earlier import EarlierParts
from loomtui.backups.prepared.finding import Prepared
from loomtui.backups.prepared.making import manifest_of
from loomtui.backups.prepared.manifest import Manifest
from tests.backups.manifests import AUTHOR


@dataclass
class Shelf:
    """Where parts are put: by key, their bytes."""

    parts: dict[str, bytes] = field(default_factory=dict)

    def holds(self, key: str, size: int, md5: bytes | None = None) -> bool:
        return len(self.parts.get(key, b"")) == size

    def put_part(self, key: str, body: IO[bytes], md5: bytes) -> None:
        self.parts[key] = body.read()


def prepare(
    backup: Backup, body: bytes, spool: Path, shelf: Shelf, earlier: Sequence[Manifest] = ()
) -> Prepared:
    """A manifest of the archive, with a twin on the shelf."""
    reading = Reading()
    packer = twins.TwinPacker(shelf, "", spool, EarlierParts(earlier))
    digests = FileDigests(packer)
    read((body,), reading, taker=digests)
    contents = assemble(backup, reading, hashlib.sha256(body).hexdigest())
    twin = packer.finish(digests.files, contents.data_items)
    packer.close()
    manifest = manifest_of(contents, digests.files, reading.files, AUTHOR, twin)
    return pinned(manifest)


def pinned(manifest: Manifest) -> Prepared:
    data = document.dump(manifest)
    key = f"{manifest.source.key}.loomtui.json"
    return Prepared(document.reference(manifest, key, '"manifest"', data), replace(manifest))
