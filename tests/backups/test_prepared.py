"""Finding what was prepared, over the real S3 protocol."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.model import Backup, Compression
from loomtui.backups.prepared import document
from loomtui.backups.prepared.document import dump
from loomtui.backups.prepared.finding import Prepared, Unusable
from loomtui.backups.prepared.manifest import Manifest
from loomtui.backups.prepared.places import (
    backup_key,
    is_manifest,
    is_part,
    is_prepared,
    manifest_key,
    part_key,
    parts_folder,
)
from loomtui.errors import ObjectChanged
from tests.backups.conftest import Bucket, Opener
from tests.backups.making import data_tar, pack
from tests.backups.manifests import looked_at, twin_of
from tests.backups.peculiar import Refusal, peculiar

KEY = "2018-09-06--155501-n1.tar.gz"
BODY = pack(data_tar(), Compression.GZIP)


async def put_backup(bucket: Bucket, catalogue: Catalogue, key: str = KEY) -> Backup:
    bucket.put(key, BODY)
    return await catalogue.find(key)


def manifest_for(backup: Backup) -> Manifest:
    return looked_at(BODY, backup)[1]


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("prefix", "folder"),
    [
        ("", ".loomtui/parts/"),
        ("loom/nightly/", "loom/nightly/.loomtui/parts/"),
        ("loom/cluster-", "loom/.loomtui/parts/"),
        ("cluster-", ".loomtui/parts/"),
    ],
)
def test_parts_lie_in_the_folder_of_the_prefix(prefix: str, folder: str) -> None:
    assert parts_folder(prefix) == folder
    assert is_part(part_key(prefix, "0" * 32))
    assert is_prepared(part_key(prefix, "0" * 32))


def test_a_manifest_lies_beside_its_backup() -> None:
    assert backup_key(manifest_key(KEY)) == KEY
    assert is_manifest(manifest_key(KEY))
    assert not is_prepared(KEY)
    assert not is_part(".loomtui/parts/../../x.tar.zst")
    assert not is_part(f".loomtui/parts/{'0' * 31}/.tar.zst")


# ── finding ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_manifest_tells_what_a_read_would(bucket: Bucket, catalogue: Catalogue) -> None:
    backup = await put_backup(bucket, catalogue)
    assert await catalogue.prepared.find(backup) is None
    manifest = manifest_for(backup)
    bucket.put(manifest_key(KEY), dump(manifest))
    await catalogue.list()
    found = await catalogue.prepared.find(backup)
    assert found is not None
    assert found.manifest == manifest
    contents = await catalogue.look(backup)
    assert found.contents(backup) == replace(contents, texts={}, manifest=found.ref)
    assert await catalogue.prepared.load(found.ref) == found


async def test_no_part_and_no_manifest_is_ever_listed_as_a_backup(
    bucket: Bucket, catalogue: Catalogue
) -> None:
    backup = await put_backup(bucket, catalogue)
    bucket.put(manifest_key(KEY), dump(manifest_for(backup)))
    bucket.put(part_key("", "0" * 32), b"x")
    assert [one.key for one in await catalogue.list()] == [KEY]


async def test_it_is_found_without_a_listing(bucket: Bucket, catalogue: Catalogue, opened: Opener) -> None:
    backup = await put_backup(bucket, catalogue)
    bucket.put(manifest_key(KEY), dump(manifest_for(backup)))
    assert await opened(bucket.settings).prepared.find(backup) is not None
    assert await opened(bucket.settings).prepared.find(replace(backup, key="another")) is None


async def test_a_manifest_of_another_version_of_the_backup_does_not_count(
    bucket: Bucket, catalogue: Catalogue
) -> None:
    backup = await put_backup(bucket, catalogue)
    bucket.put(manifest_key(KEY), dump(manifest_for(backup)))
    bucket.put(KEY, BODY + b"\0")
    (newer,) = await catalogue.list()
    found = await catalogue.prepared.examine(newer)
    assert found == Unusable("the backup has changed since it was prepared")
    assert await catalogue.prepared.find(newer) is None
    assert await catalogue.prepared.find(replace(newer, size_bytes=backup.size_bytes)) is None


async def test_where_s3_gives_no_etags_times_tell(bucket: Bucket, catalogue: Catalogue) -> None:
    backup = replace(await put_backup(bucket, catalogue), etag="")
    manifest = manifest_for(backup)
    bucket.put(manifest_key(KEY), dump(manifest))
    await catalogue.list()
    before = replace(backup, last_modified=manifest.made_at - timedelta(minutes=1))
    after = replace(backup, last_modified=manifest.made_at + timedelta(minutes=1))
    assert await catalogue.prepared.find(before) is not None
    assert await catalogue.prepared.find(after) is None


@pytest.mark.parametrize("data", [b"", b"{", b"x" * 1000, b"\0"])
async def test_a_damaged_manifest_counts_as_none_and_is_told(
    bucket: Bucket, catalogue: Catalogue, data: bytes
) -> None:
    backup = await put_backup(bucket, catalogue)
    bucket.put(manifest_key(KEY), data)
    await catalogue.list()
    found = await catalogue.prepared.examine(backup)
    assert isinstance(found, Unusable)
    assert "damaged, or not loomtui's" in found.reason
    assert await catalogue.prepared.find(backup) is None


async def test_a_manifest_that_is_too_large_is_not_fetched(
    bucket: Bucket, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = await put_backup(bucket, catalogue)
    bucket.put(manifest_key(KEY), dump(manifest_for(backup)))
    await catalogue.list()
    monkeypatch.setattr(document, "MAX_MANIFEST_BYTES", 10)
    found = await catalogue.prepared.examine(backup)
    assert isinstance(found, Unusable)
    assert "bytes" in found.reason


async def test_a_manifest_of_another_backup_does_not_count(bucket: Bucket, catalogue: Catalogue) -> None:
    backup = await put_backup(bucket, catalogue)
    bucket.put(manifest_key(KEY), dump(manifest_for(replace(backup, key="another"))))
    await catalogue.list()
    assert await catalogue.prepared.examine(backup) == Unusable("it is of another backup")


async def test_parts_of_another_folder_do_not_count(bucket: Bucket, catalogue: Catalogue) -> None:
    backup = await put_backup(bucket, catalogue)
    manifest = manifest_for(backup)
    elsewhere = replace(manifest, has_twin=True, twin=twin_of(manifest, prefix="other/"))
    bucket.put(manifest_key(KEY), dump(elsewhere))
    await catalogue.list()
    found = await catalogue.prepared.examine(backup)
    assert isinstance(found, Unusable)
    assert "lies elsewhere" in found.reason
    own = replace(manifest, has_twin=True, twin=twin_of(manifest))
    bucket.put(manifest_key(KEY), dump(own))
    await catalogue.list()
    assert isinstance(await catalogue.prepared.examine(backup), Prepared)


async def test_a_manifest_that_may_not_be_read_is_none(
    bucket: Bucket, catalogue: Catalogue, opened: Opener
) -> None:
    backup = await put_backup(bucket, catalogue)
    bucket.put(manifest_key(KEY), dump(manifest_for(backup)))
    with peculiar(bucket.settings.endpoint or "") as store:
        store.refusals[manifest_key(KEY)] = Refusal(403, "AccessDenied", "no")
        there = opened(bucket.settings.model_copy(update={"endpoint": store.url}))
        await there.list()
        assert await there.prepared.examine(backup) is None


async def test_only_the_pinned_manifest_is_loaded(bucket: Bucket, catalogue: Catalogue) -> None:
    backup = await put_backup(bucket, catalogue)
    manifest = manifest_for(backup)
    bucket.put(manifest_key(KEY), dump(manifest))
    await catalogue.list()
    found = await catalogue.prepared.find(backup)
    assert found is not None
    with pytest.raises(ObjectChanged):
        await catalogue.prepared.load(replace(found.ref, sha256="0" * 64))
    bucket.put(manifest_key(KEY), dump(replace(manifest, made_by="somebody@else")))
    with pytest.raises(ObjectChanged):
        await catalogue.prepared.load(found.ref)


# ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_list_tells_what_is_prepared_and_asks_once(
    bucket: Bucket, catalogue: Catalogue, opened: Opener
) -> None:
    keys = [f"2018-09-0{day}--155501-n1.tar.gz" for day in range(1, 6)]
    backups = [await put_backup(bucket, catalogue, key) for key in keys]
    plain, twin = manifest_for(backups[0]), manifest_for(backups[1])
    bucket.put(manifest_key(keys[0]), dump(plain))
    bucket.put(manifest_key(keys[1]), dump(replace(twin, has_twin=True, twin=twin_of(twin))))
    bucket.put(manifest_key(keys[2]), b"{")
    bucket.put(manifest_key(keys[3]), dump(replace(plain, source=replace(plain.source, size_bytes=1))))
    with peculiar(bucket.settings.endpoint or "") as store:
        there = opened(bucket.settings.model_copy(update={"endpoint": store.url}))
        for _ in range(2):
            listed = await there.list()
            states = await there.prepared.listed(listed)
            assert [states[key].value for key in keys] == ["manifest", "twin", "none", "none", "none"]
        asked = [path for method, path, _ in store.asked if path.endswith(manifest_key(keys[0]))]
        assert len(asked) == 1


async def test_one_flipped_byte_anywhere_in_a_pinned_manifest_is_refused(
    bucket: Bucket, catalogue: Catalogue
) -> None:
    backup = await put_backup(bucket, catalogue)
    data = dump(manifest_for(backup))
    bucket.put(manifest_key(KEY), data)
    await catalogue.list()
    found = await catalogue.prepared.find(backup)
    assert found is not None
    places = random.Random(7)
    for at in (places.randrange(len(data)) for _ in range(20)):
        flipped = bytes((*data[:at], data[at] ^ 1 << places.randrange(8), *data[at + 1 :]))
        bucket.put(manifest_key(KEY), flipped)
        with pytest.raises(ObjectChanged):
            await catalogue.prepared.load(replace(found.ref, etag=""))
