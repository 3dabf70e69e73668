"""Removing what was prepared of backups that are gone, over the real S3 protocol."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loomtui.backups.prepared import pruning
from loomtui.backups.prepared.places import manifest_key, part_key
from loomtui.backups.prepared.writing import WritableStore
from loomtui.errors import LoomtuiError
from tests.backups.conftest import Bucket
from tests.backups.depot import FIRST, SECOND, Depot, night


@pytest.fixture
def nothing_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "YOUNG", timedelta(0))


def remove(depot: Depot, key: str) -> None:
    depot.bucket.client.delete_object(Bucket=depot.bucket.settings.bucket, Key=key)


async def two_nights(depot: Depot) -> None:
    depot.put(FIRST, night(*range(1, 9)))
    await depot.prepare(FIRST)
    depot.put(SECOND, night(*range(6, 12)))
    await depot.prepare(SECOND)


async def test_while_all_originals_are_there_nothing_is_of_no_use(
    depot: Depot, small_parts: None, nothing_is_young: None
) -> None:
    await two_nights(depot)
    found = await depot.preparations.prunable()
    assert found == pruning.Prunable()


async def test_parts_that_another_twin_uses_stay(
    depot: Depot, small_parts: None, nothing_is_young: None
) -> None:
    await two_nights(depot)
    remove(depot, FIRST)
    twin = (await depot.manifest(SECOND)).twin
    assert twin is not None
    used = {part.key for part in twin.parts}
    found = await depot.preparations.prunable()
    assert [one.key for one in found.manifests] == [manifest_key(FIRST)]
    assert {one.key for one in found.parts} == depot.parts() - used
    assert found.parts
    assert used & depot.parts() == used
    await depot.preparations.prune(found)
    assert depot.all_keys() == {SECOND, manifest_key(SECOND), *used}
    assert await depot.preparations.prunable() == pruning.Prunable()


async def test_young_parts_are_left_because_somebody_may_be_at_work(depot: Depot) -> None:
    depot.bucket.put(part_key("", "0" * 32), b"x")
    found = await depot.preparations.prunable()
    assert found == pruning.Prunable(young_parts=1)


async def test_only_what_was_shown_is_removed(
    depot: Depot, small_parts: None, nothing_is_young: None
) -> None:
    await two_nights(depot)
    remove(depot, FIRST)
    shown = await depot.preparations.prunable()
    remove(depot, SECOND)
    await depot.preparations.prune(shown)
    assert manifest_key(SECOND) in depot.all_keys()


@pytest.mark.slow
async def test_what_came_into_use_again_meanwhile_stays(
    depot: Depot, small_parts: None, nothing_is_young: None
) -> None:
    depot.put(FIRST, night(1, 2))
    await depot.prepare(FIRST)
    parts = depot.parts()
    remove(depot, FIRST)
    shown = await depot.preparations.prunable()
    assert {one.key for one in shown.parts} == parts
    depot.put(FIRST, night(1, 2))
    await depot.prepare(FIRST)
    await depot.preparations.prune(shown)
    assert parts <= depot.all_keys()
    assert manifest_key(FIRST) in depot.all_keys()


async def test_while_a_manifest_cannot_be_read_no_part_is_removed(
    depot: Depot, small_parts: None, nothing_is_young: None
) -> None:
    await two_nights(depot)
    remove(depot, FIRST)
    depot.bucket.put(manifest_key(SECOND), b'{"format": "loomtui-manifest", "version": 2}')
    found = await depot.preparations.prunable()
    assert (found.parts, found.unread) == ((), (manifest_key(SECOND),))
    assert [one.key for one in found.manifests] == [manifest_key(FIRST)]


async def test_twins_of_other_prefixes_in_the_same_folder_keep_their_parts(
    bucket: Bucket, small_parts: None, nothing_is_young: None
) -> None:
    one, other = (
        Depot(bucket, bucket.settings.model_copy(update={"prefix": f"loom/{name}-"})) for name in "ab"
    )
    one.put(f"loom/a-{FIRST}", night(1))
    other.put(f"loom/b-{FIRST}", night(2))
    await one.prepare(f"loom/a-{FIRST}")
    await other.prepare(f"loom/b-{FIRST}")
    remove(other, f"loom/b-{FIRST}")
    assert await one.preparations.prunable() == pruning.Prunable()
    found = await other.preparations.prunable()
    assert [stored.key for stored in found.manifests] == [manifest_key(f"loom/b-{FIRST}")]
    await one.close()
    await other.close()


@pytest.mark.parametrize("key", [FIRST, "README.txt", ".loomtui/parts/x", "x.loomtui.json/"])
def test_nothing_but_what_loomtui_prepared_can_be_written_or_deleted(bucket: Bucket, key: str) -> None:
    writable = WritableStore(bucket.settings)
    with pytest.raises(LoomtuiError, match="only what loomtui prepared"):
        writable.delete(key)
    with pytest.raises(LoomtuiError, match="only what loomtui prepared"):
        writable.put_manifest(key, b"x", None)
    writable.close()
