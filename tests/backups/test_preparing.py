"""Preparing backups, over the real S3 protocol."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from loomtui.backups.model import BackupKind, Compression
from loomtui.backups.prepared import twins as twins_module
from loomtui.backups.prepared.manifest import Manifest, Part
from loomtui.backups.prepared.places import manifest_key
from loomtui.backups.prepared.preparing import Preparation
from loomtui.errors import CallError, LoomtuiError, ObjectChanged
from tests.backups.depot import FIRST, SECOND, Depot, files_of, night, unpacked
from tests.backups.making import CONFIG_TAR, data_tar, info, pack
from tests.backups.manifests import looked_at
from tests.backups.peculiar import Peculiar, Refusal


def is_data(path: str) -> bool:
    return path.startswith(("app.db/", "chaindata/data/"))


# ── the manifest ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_backup_is_read_once_and_its_manifest_is_what_the_read_told(
    behind: Depot, unruly: Peculiar
) -> None:
    tar = night(1, 2, 3)
    behind.put(FIRST, tar)
    before = behind.get(FIRST)
    unruly.asked.clear()
    done = await behind.prepare(FIRST, twin=False)
    assert (done.preparation, done.has_twin) == (Preparation.PREPARED, False)
    whole = [
        path
        for method, path, headers in unruly.asked
        if method == "GET" and path.endswith(FIRST) and not headers.get("Range")
    ]
    assert len(whole) == 1
    found = await behind.found(FIRST)
    _, expected = looked_at(before)
    assert replace(found.manifest, source=expected.source) == expected
    assert found.manifest.source.sha256 == hashlib.sha256(before).hexdigest()
    assert behind.all_keys() == {FIRST, manifest_key(FIRST)}
    assert behind.get(FIRST) == before


async def test_what_is_prepared_is_not_read_again(behind: Depot, unruly: Peculiar) -> None:
    behind.put(FIRST, night(1))
    await behind.prepare(FIRST, twin=False)
    unruly.asked.clear()
    done = await behind.prepare(FIRST, twin=False)
    assert done.preparation is Preparation.ALREADY
    assert not [path for _, path, _ in unruly.asked if path.endswith(FIRST)]
    assert (await behind.prepare(FIRST)).has_twin
    assert (await behind.prepare(FIRST, twin=False)).has_twin


async def test_a_backup_that_changed_is_prepared_again(depot: Depot) -> None:
    depot.put(FIRST, night(1))
    await depot.prepare(FIRST)
    depot.put(FIRST, night(1, 2))
    done = await depot.prepare(FIRST)
    assert done.preparation is Preparation.PREPARED
    assert "app.db/000002.ldb" in {file.path for file in (await depot.manifest(FIRST)).files}


async def test_a_bad_backup_gets_its_verdict_and_is_not_read_every_night(
    behind: Depot, unruly: Peculiar
) -> None:
    good = pack(night(1, 2, 3), Compression.GZIP)
    behind.bucket.put(FIRST, good[:-500])
    done = await behind.prepare(FIRST)
    assert done.preparation is Preparation.BAD
    assert "truncated" in done.reason
    unruly.asked.clear()
    again = await behind.prepare(FIRST)
    assert (again.preparation, again.reason) == (Preparation.BAD, done.reason)
    assert not [path for _, path, _ in unruly.asked if path.endswith(FIRST)]
    assert await behind.prepare_all() == {}


async def test_a_backup_that_changes_while_it_is_read_gets_no_manifest(
    behind: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind.put(FIRST, night(1))
    backup = (await behind.catalogue.list())[0]

    def report(_done: int, _total: int) -> None:
        behind.put(FIRST, night(9))

    with pytest.raises(ObjectChanged):
        await behind.preparations.prepare(backup, report, twin=False)
    assert behind.all_keys() == {FIRST}


async def test_another_process_that_was_faster_is_no_failure(behind: Depot) -> None:
    behind.put(FIRST, night(1))
    other = Depot(behind.bucket, behind.bucket.settings)
    backup = (await behind.catalogue.list())[0]
    assert (await other.prepare(FIRST, twin=False)).preparation is Preparation.PREPARED
    first = behind.get(manifest_key(FIRST))
    done = await behind.preparations.prepare(backup, lambda _done, _total: None, twin=False)
    assert done.preparation is Preparation.ALREADY
    assert behind.get(manifest_key(FIRST)) == first
    await other.close()


async def test_a_store_that_knows_no_conditions_for_a_put(behind: Depot, unruly: Peculiar) -> None:
    unruly.knows_conditional_puts = False
    behind.put(FIRST, night(1))
    assert (await behind.prepare(FIRST)).preparation is Preparation.PREPARED
    behind.put(FIRST, night(2))
    assert (await behind.prepare(FIRST)).preparation is Preparation.PREPARED
    assert (await behind.manifest(FIRST)).source.size_bytes == len(behind.get(FIRST))


# ── the twin ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_parts_unpack_by_hand_to_the_same_files(depot: Depot, small_parts: None) -> None:
    tar = night(*range(1, 20))
    depot.put(FIRST, tar)
    done = await depot.prepare(FIRST)
    assert done.has_twin
    twin = (await depot.manifest(FIRST)).twin
    assert twin is not None
    assert len(twin.parts) > 4
    together: dict[str, bytes] = {}
    for part in twin.parts:
        stored = depot.get(part.key)
        assert (len(stored), hashlib.sha256(stored).hexdigest()) == (part.size_bytes, part.sha256)
        assert part.key == f".loomtui/parts/{part.sha256[:32]}.tar.zst"
        files = unpacked(stored)
        assert not set(files) & set(together)
        together |= files
    assert together == {name: data for name, data in files_of(tar).items() if is_data(name)}


async def test_each_frame_is_whole_on_its_own(depot: Depot, small_parts: None) -> None:
    depot.put(FIRST, night(*range(1, 12)))
    await depot.prepare(FIRST)
    manifest = await depot.manifest(FIRST)
    assert manifest.twin is not None
    for part in manifest.twin.parts:
        stored = depot.get(part.key)
        for frame in part.frames:
            piece = stored[frame.offset : frame.offset + frame.length]
            assert hashlib.sha256(piece).hexdigest() == frame.sha256
            files = unpacked(piece)
            assert list(files) == [manifest.files[index].path for index in frame.files]
            digests = [hashlib.sha256(data).hexdigest() for data in files.values()]
            assert digests == [manifest.files[index].sha256 for index in frame.files]


async def test_keys_are_never_on_this_machines_disk(
    depot: Depot, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    spooled: list[io.BytesIO] = []

    class Kept(io.BytesIO):
        def close(self) -> None:
            """What was in it is looked at."""

    def make(dir: Path) -> io.BytesIO:
        assert (dir.stat().st_mode & 0o777) == 0o700
        spooled.append(Kept())
        return spooled[-1]

    monkeypatch.setattr("tempfile.TemporaryFile", make)
    depot.put(FIRST, night(1, 2, 3))
    await depot.prepare(FIRST)
    names = {name for body in spooled for name in unpacked(body.getvalue())}
    assert "app.db/000001.ldb" in names
    assert not {name for name in names if "config/" in name}
    assert names == {name for key in depot.parts() for name in unpacked(depot.get(key))}


@pytest.mark.slow
async def test_the_second_night_uploads_only_what_is_new(depot: Depot, small_parts: None) -> None:
    depot.put(FIRST, night(*range(1, 41)))
    first = await depot.prepare(FIRST)
    parts = depot.parts()
    depot.put(SECOND, night(*range(3, 43)))
    second = await depot.prepare(SECOND)
    manifest = await depot.manifest(SECOND)
    assert manifest.twin is not None
    new = depot.parts() - parts
    uploaded = sum(len(depot.get(key)) for key in new)
    tables_of_new = [name for key in new for name in unpacked(depot.get(key)) if name.endswith(".ldb")]
    assert tables_of_new == ["app.db/000041.ldb", "app.db/000042.ldb"]
    assert uploaded < 0.15 * first.uploaded_bytes
    assert second.uploaded_bytes < 0.3 * first.uploaded_bytes  # its manifest included
    named = [index for part in manifest.twin.parts for frame in part.frames for index in frame.files]
    databases = [index for index, file in enumerate(manifest.files) if is_data(file.path)]
    assert sorted(named) == databases
    for part in manifest.twin.parts:
        assert_frames_hold(part, depot.get(part.key), manifest)


def assert_frames_hold(part: Part, stored: bytes, manifest: Manifest) -> None:
    for frame in part.frames:
        files = unpacked(stored[frame.offset : frame.offset + frame.length])
        for index in frame.files:
            file = manifest.files[index]
            assert hashlib.sha256(files[file.path]).hexdigest() == file.sha256


async def test_the_same_name_with_other_content_is_packed_anew(depot: Depot, small_parts: None) -> None:
    depot.put(FIRST, data_tar(("app.db/000005.ldb", b"a" * 5000)))
    await depot.prepare(FIRST)
    depot.put(SECOND, data_tar(("app.db/000005.ldb", b"b" * 5000)))
    await depot.prepare(SECOND)
    manifest = await depot.manifest(SECOND)
    assert manifest.twin is not None
    for part in manifest.twin.parts:
        assert_frames_hold(part, depot.get(part.key), manifest)


async def test_a_part_that_is_hardly_needed_any_more_is_packed_anew(depot: Depot, small_parts: None) -> None:
    third = "2018-09-08--155501-n1.tar.gz"
    depot.put(FIRST, night(*range(1, 9)))
    await depot.prepare(FIRST)
    depot.put(SECOND, night(1, *range(20, 30)))  # of the first part one table in four is left
    await depot.prepare(SECOND)
    first_part = next(key for key in depot.parts() if "app.db/000001.ldb" in unpacked(depot.get(key)))
    assert first_part in {part.key for part in _parts(await depot.manifest(SECOND))}
    depot.put(third, night(1, *range(20, 31)))
    await depot.prepare(third)
    assert first_part not in {part.key for part in _parts(await depot.manifest(third))}


def _parts(manifest: Manifest) -> tuple[Part, ...]:
    return manifest.twin.parts if manifest.twin else ()


async def test_a_config_file_that_is_stored_twice_is_named_once(depot: Depot) -> None:
    twice = [("chaindata/config/addrbook.json", f'{{"key":"{at}","addrs":[]}}') for at in "ab"]
    depot.put(FIRST, data_tar(*twice))
    await depot.prepare(FIRST)
    manifest = await depot.manifest(FIRST)
    for part in _parts(manifest):
        assert_frames_hold(part, depot.get(part.key), manifest)


async def test_hard_links_giants_and_configs_get_a_manifest_without_a_twin(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar = io.BytesIO(night(1))
    with tarfile.open(fileobj=tar, mode="a") as archive:
        archive.addfile(info("app.db/link.ldb", tarfile.LNKTYPE, "app.db/CURRENT"))
    depot.put(FIRST, tar.getvalue())
    linked = await depot.prepare(FIRST)
    assert (linked.preparation, linked.has_twin) == (Preparation.PREPARED, False)
    assert "hard links" in linked.reason
    monkeypatch.setattr(twins_module, "MAX_FILE_BYTES", 4000)
    depot.put(SECOND, night(1))
    giant = await depot.prepare(SECOND)
    assert (giant.preparation, giant.has_twin) == (Preparation.PREPARED, False)
    assert "5,000 bytes" in giant.reason
    depot.put("2018-09-08--155501-n1.tar.gz", CONFIG_TAR)
    config = await depot.prepare("2018-09-08--155501-n1.tar.gz")
    assert (config.has_twin, config.reason) == (False, "it holds no databases")
    assert depot.parts() == set()
    assert await depot.prepare_all(twin=True) == {}
    assert (await depot.found(SECOND)).manifest.kind is BackupKind.DATA


# ── cut off, and full ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_whatever_ends_it_leaves_nothing_that_counts_and_nothing_is_uploaded_twice(
    behind: Depot, unruly: Peculiar, small_parts: None
) -> None:
    """S3 refuses first the third part, then the manifest; both are as if the process were killed there."""
    behind.put(FIRST, night(*range(1, 16)))
    put: list[str] = []

    def puts() -> list[str]:
        return [path for method, path, _ in unruly.asked if method == "PUT" and "/parts/" in path]

    class Third(Mapping[str, Refusal]):
        def __getitem__(self, path: str) -> Refusal:
            return Refusal(403, "AccessDenied")

        def __iter__(self) -> Iterator[str]:
            return iter(("/parts/",) if len(puts()) > 2 else ())

        def __len__(self) -> int:
            return len(tuple(self))

    unruly.lost_puts = Third()
    with pytest.raises(LoomtuiError):
        await behind.prepare(FIRST)
    assert manifest_key(FIRST) not in behind.all_keys()
    assert len(behind.parts()) == 2
    put += puts()[:2]
    unruly.asked.clear()
    unruly.lost_puts = {".loomtui.json": Refusal(403, "AccessDenied")}
    with pytest.raises(LoomtuiError):
        await behind.prepare(FIRST)
    assert manifest_key(FIRST) not in behind.all_keys()
    assert not set(put) & set(puts())
    unruly.asked.clear()
    unruly.lost_puts = {}
    assert (await behind.prepare(FIRST)).has_twin
    assert puts() == []


async def test_without_room_for_the_parts_nothing_begins(
    behind: Depot, unruly: Peculiar, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind.put(FIRST, night(1))
    monkeypatch.setattr("loomtui.backups.prepared.preparing._LEAST_SPOOL_BYTES", 2**60)
    monkeypatch.setattr("loomtui.backups.prepared.preparing.SPOOL_BYTES", 2**60)
    with pytest.raises(LoomtuiError, match="too little room in"):
        await behind.prepare(FIRST)
    assert behind.all_keys() == {FIRST}


async def test_a_full_disk_ends_it_with_a_sentence(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", lambda dir: Full())
    depot.put(FIRST, night(1))
    with pytest.raises(LoomtuiError, match="No space left on device"):
        await depot.prepare(FIRST)
    assert depot.all_keys() == {FIRST}


# ── many ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_all_that_are_not_prepared_yet_newest_first(behind: Depot, unruly: Peculiar) -> None:
    behind.put(FIRST, night(1))
    behind.put(SECOND, night(2))
    behind.put("2018-09-07--160000-n1.tar.gz", CONFIG_TAR)
    behind.bucket.put("2018-09-05--155501-n1.tar.gz", b"\x1f\x8bbroken")
    behind.bucket.put("README.txt", b"not a backup")
    await behind.prepare(FIRST, twin=False)
    unruly.refusals["2018-09-07--160000"] = Refusal(403, "AccessDenied")
    done = await behind.prepare_all()
    assert {key: one.preparation for key, one in done.items()} == {
        SECOND: Preparation.PREPARED,
        "2018-09-07--160000-n1.tar.gz": Preparation.FAILED,
        "2018-09-05--155501-n1.tar.gz": Preparation.BAD,
    }
    unruly.refusals.clear()
    assert set(await behind.prepare_all()) == {"2018-09-07--160000-n1.tar.gz"}
    assert await behind.prepare_all() == {}


async def test_the_latest_is_the_newest_data(depot: Depot) -> None:
    with pytest.raises(CallError, match="no data backup"):
        await depot.preparations.latest()
    depot.put(FIRST, night(1))
    depot.put(SECOND, night(2))
    depot.put("2018-09-08--160000-n1.tar.gz", CONFIG_TAR)
    assert (await depot.preparations.latest()).key == SECOND


@pytest.mark.slow
async def test_all_nights_of_a_host_share_their_parts_from_the_first_call_on(
    depot: Depot, small_parts: None
) -> None:
    depot.put(FIRST, night(*range(1, 31)))
    depot.put(SECOND, night(*range(3, 33)))
    done = await depot.prepare_all(twin=True)
    assert [one.has_twin for one in done.values()] == [True, True]
    shared = [{part.key for part in _parts(await depot.manifest(key))} for key in (FIRST, SECOND)]
    assert len(shared[0] & shared[1]) > 5
    only_first = [name for key in shared[0] - shared[1] for name in unpacked(depot.get(key))]
    assert [name for name in only_first if "app.db" in name and name.endswith("ldb")] == [
        "app.db/000001.ldb",
        "app.db/000002.ldb",
    ]


async def test_what_loomtui_wrote_itself_is_not_prepared(depot: Depot) -> None:
    depot.put(FIRST, night(1))
    await depot.prepare(FIRST)
    backup = await depot.catalogue.find(manifest_key(FIRST))
    with pytest.raises(CallError, match="loomtui prepared it itself"):
        await depot.preparations.prepare(backup, lambda _done, _total: None, twin=False)
