"""A bucket in which backups are prepared, night after night."""

from __future__ import annotations

import io
import random
import tarfile
from typing import IO, TYPE_CHECKING

import zstandard

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.looking import Progress
from loomtui.backups.model import Backup, Compression
from loomtui.backups.prepared.finding import Prepared
from loomtui.backups.prepared.manifest import Manifest
from loomtui.backups.prepared.preparations import Preparations
from loomtui.backups.prepared.preparing import PreparedBackup
from loomtui.inventory.model import S3Settings
from tests.backups.making import data_tar, node_key, pack, priv_validator
from tests.backups.manifests import AUTHOR

if TYPE_CHECKING:
    from tests.backups.conftest import Bucket

FIRST, SECOND = "2018-09-06--155501-n1.tar.gz", "2018-09-07--155501-n1.tar.gz"


def tables(*numbers: int, size: int = 5000) -> list[tuple[str, bytes]]:
    """Tables that LevelDB never changes under their name: the content follows from the number."""
    return [(f"app.db/{number:06}.ldb", random.Random(number).randbytes(size)) for number in numbers]


def night(*numbers: int) -> bytes:
    keys = (
        ("chaindata/config/node_key.json", node_key()),
        ("chaindata/config/priv_validator.json", priv_validator()),
    )
    other = [(f"chaindata/data/state.db/{name}", "x") for name in ("CURRENT", "x", "000009.ldb")]
    return data_tar(*tables(*numbers), *keys, *other, ("app.db/LOG", "x"), ("leftover/000001.ldb", "x"))


class Depot:
    """A bucket, and who prepares what is in it."""

    def __init__(self, bucket: Bucket, settings: S3Settings) -> None:
        self.bucket = bucket
        self.catalogue = Catalogue(settings)
        self.preparations = Preparations(self.catalogue, settings, lambda: AUTHOR)

    def put(self, key: str, tar: bytes) -> None:
        self.bucket.put(key, pack(tar, Compression.GZIP))

    async def prepare(self, key: str, *, twin: bool = True) -> PreparedBackup:
        backup = next(one for one in await self.catalogue.list() if one.key == key)
        return await self.preparations.prepare(backup, lambda _done, _total: None, twin=twin)

    async def prepare_all(self, *, twin: bool = False) -> dict[str, PreparedBackup]:
        def report(_backup: Backup) -> Progress:
            return lambda _done, _total: None

        return {done.key: done async for done in self.preparations.prepare_all(report, twin=twin)}

    async def found(self, key: str) -> Prepared:
        backup = next(one for one in await self.catalogue.list() if one.key == key)
        found = await self.catalogue.prepared.examine(backup)
        assert isinstance(found, Prepared), found
        return found

    async def manifest(self, key: str) -> Manifest:
        return (await self.found(key)).manifest

    def get(self, key: str) -> bytes:
        return self.bucket.client.get_object(Bucket=self.bucket.settings.bucket, Key=key)["Body"].read()

    def all_keys(self) -> set[str]:
        listed = self.bucket.client.list_objects_v2(Bucket=self.bucket.settings.bucket)
        return {one["Key"] for one in listed.get("Contents", [])}

    def parts(self) -> set[str]:
        return {key for key in self.all_keys() if "/parts/" in key}

    async def close(self) -> None:
        self.preparations.close()
        await self.catalogue.close()


def unpacked(part: bytes) -> dict[str, bytes]:
    """As `zstd -d | tar x` does it."""
    stream = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(part), read_across_frames=True)
    with tarfile.open(fileobj=io.BytesIO(stream.read())) as archive:
        return {member.name: _read(archive.extractfile(member)) for member in archive}


def _read(file: IO[bytes] | None) -> bytes:
    return file.read() if file else b""


def files_of(tar: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {member.name: _read(archive.extractfile(member)) for member in archive}
