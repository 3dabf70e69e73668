"""The catalogue over the real S3 protocol."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import stat
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.backups import catalogue as module
from loomtui.backups.catalogue import Catalogue, newest_first, timed
from loomtui.backups.model import Backup, BackupKind, Compression, FaultKind
from loomtui.errors import ArchiveRejected, LoomtuiError
from loomtui.loom.databases import NODE_KEY, TENDERMINT_CONFIG, TENDERMINT_GENESIS, UNIT, VALIDATOR
from tests.backups.conftest import Bucket, Opener
from tests.backups.making import (
    CONFIG_TAR,
    ID_A,
    KEY_A,
    UNIT_TEXT,
    data_tar,
    make_node,
    pack,
    rsync_staging,
    stuff,
    tar_of,
    tar_of_staging,
    tar_with,
)
from tests.http import get
from tests.loom.test_chainstate import REAL

KEY = "2018-09-06--155501-n1.tar.bz2"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def entries(cache: Path, kind: str = "*") -> list[Path]:
    return list(cache.rglob(f"*.{kind}.json"))


async def only(catalogue: Catalogue) -> Backup:
    (backup,) = await catalogue.list()
    return backup


class TestList:
    async def test_every_page_is_read_and_ordered(
        self, bucket: Bucket, opened: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("loomtui.backups.store.PAGE_SIZE", 5)
        for minute in range(12):
            bucket.put(f"x/2018-09-06--15{minute:02}00-n1.tar.gz", b"1")
        bucket.put("other/2018-09-06--155900-n1.tar.gz", b"1")
        bucket.put("x/", b"")
        catalogue = opened(bucket.settings.model_copy(update={"prefix": "x/"}))
        backups = await catalogue.list()
        assert [one.named_at and one.named_at.minute for one in backups] == list(range(11, -1, -1))
        assert {one.source for one in backups} == {"n1"}
        assert {one.compression for one in backups} == {Compression.GZIP}
        assert all(one.taken_at.tzinfo is UTC and one.last_modified.tzinfo is UTC for one in backups)

    async def test_hostile_and_odd_keys_are_data(self, bucket: Bucket, catalogue: Catalogue) -> None:
        keys = {"../../etc/passwd", "a" * 1000, "prefix", "[/]markup", "ü/%00 +&.tar", "tab\there"}
        for key in keys:
            bucket.put(key, b"")
        backups = await catalogue.list()
        assert {one.key for one in backups} == keys
        assert all(one.source is None and one.kind is BackupKind.UNKNOWN for one in backups)
        assert all(one.taken_at == one.last_modified and one.size_bytes == 0 for one in backups)
        for backup in backups:
            assert (await catalogue.guess(backup)).kind is BackupKind.UNKNOWN
            with pytest.raises(ArchiveRejected, match="empty: 0 bytes") as caught:
                await catalogue.look(backup)
            assert caught.value.what.isprintable()

    def test_by_utc_and_within_a_host_whose_clock_is_not_known_by_name(self) -> None:
        start = datetime(2018, 9, 6, tzinfo=UTC)

        def backup(source: str, named: int, modified: float) -> Backup:
            arrived = start + timedelta(hours=modified)
            return Backup(
                f"{source}{named}", source, arrived, arrived, 1, "e", named_at=start + timedelta(hours=named)
            )

        asia, late = backup("asia", 9, 1.001), backup("n1", 5, 7.001)
        again = backup("n1", 4, 20)  # the older one was uploaded again
        told = newest_first(timed([asia, again, late]))
        assert [(one.key, one.taken_at.hour) for one in told] == [("n15", 7), ("n14", 6), ("asia9", 1)]
        copied = [backup("n1", named, 400 + named / 3600) for named in (0, 24, 48)]
        copied[0], copied[2] = (
            replace(copied[0], taken_at=copied[2].taken_at),
            replace(copied[2], taken_at=copied[0].taken_at),
        )
        assert [one.key for one in newest_first(copied)] == ["n148", "n124", "n10"]

    async def test_find_gives_the_same(self, bucket: Bucket, catalogue: Catalogue) -> None:
        bucket.put(KEY, b"x")
        assert await catalogue.find(KEY) == await only(catalogue)
        with pytest.raises(LoomtuiError, match="there is no nothing") as caught:
            await catalogue.find("nothing")
        assert caught.value.exit_status == 1


class TestGuess:
    @pytest.mark.parametrize("compression", Compression)
    async def test_config_is_known_from_a_whole_small_archive(
        self, bucket: Bucket, catalogue: Catalogue, compression: Compression
    ) -> None:
        bucket.put("prefix", pack(CONFIG_TAR, compression))
        guessed = await catalogue.guess(await only(catalogue))
        assert (guessed.kind, guessed.compression, guessed.certain) == (BackupKind.CONFIG, compression, False)

    @pytest.mark.parametrize("compression", Compression)
    async def test_data_is_known_from_the_first_bytes(
        self, bucket: Bucket, opened: Opener, compression: Compression, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert module.GUESS_BYTES[1] > 900_000  # a block of bzip2 -9
        monkeypatch.setattr(module, "GUESS_BYTES", (4096, 256 * 1024))
        bucket.put(KEY, pack(tar_with(("app.db/000001.ldb", os.urandom(400_000))), compression))
        catalogue = opened(bucket.settings)
        backup = await only(catalogue)
        assert (await catalogue.guess(backup)).kind is BackupKind.DATA
        again = opened(bucket.settings)
        assert (await only(again)).kind is BackupKind.DATA  # known from the guess before

    async def test_what_the_first_mebibytes_do_not_tell_is_unknown(
        self, bucket: Bucket, catalogue: Catalogue
    ) -> None:
        bucket.put(KEY, tar_with(("x", bytes(5 * 1024**2)), ("app.db/CURRENT", "x")))
        guessed = await catalogue.guess(await only(catalogue))
        assert guessed.kind is BackupKind.UNKNOWN

    async def test_a_second_guess_does_not_ask(self, bucket: Bucket, catalogue: Catalogue) -> None:
        bucket.put(KEY, CONFIG_TAR)
        backup = await only(catalogue)
        guessed = await catalogue.guess(backup)
        bucket.client.delete_object(Bucket=bucket.settings.bucket, Key=KEY)
        assert await catalogue.guess(backup) == guessed


class TestLook:
    @pytest.mark.parametrize("compression", Compression)
    async def test_a_full_archive(
        self, bucket: Bucket, catalogue: Catalogue, tmp_path: Path, compression: Compression
    ) -> None:
        home = make_node(tmp_path, app=99, store=100)
        stored = pack(tar_of(home, stuff("920b0f5", data=True, config=True), root=tmp_path), compression)
        bucket.put(KEY, stored)
        contents = await catalogue.look(await only(catalogue))
        assert contents.backup.kind is BackupKind.FULL
        assert contents.backup.certain
        assert contents.backup.compression is compression
        assert contents.sha256 == hashlib.sha256(stored).hexdigest()
        assert (contents.app_height, contents.store_height) == (99, 100)
        assert contents.chain_id == "default"
        assert contents.node_key is not None
        assert contents.node_key.node_id == ID_A
        assert contents.validator is not None
        assert set(contents.digests) == {item.target for item in contents.config_items}
        assert NODE_KEY not in contents.texts
        assert contents.texts[UNIT] == UNIT_TEXT
        assert KEY_A not in repr(contents)

    async def test_a_data_archive_offers_no_config_and_tells_whose_it_is(
        self, bucket: Bucket, catalogue: Catalogue, tmp_path: Path
    ) -> None:
        home = make_node(tmp_path / "machine")
        rsync_staging(tmp_path, home, ("chaindata", "app.db"), tmp_path / "stage")
        bucket.put(KEY, pack(tar_of_staging(tmp_path / "stage"), Compression.BZIP2))
        contents = await catalogue.look(await only(catalogue))
        assert contents.backup.kind is BackupKind.DATA
        assert contents.config_items == ()
        own = {item.target for item in contents.own_items}
        assert own == {NODE_KEY, VALIDATOR, TENDERMINT_CONFIG, TENDERMINT_GENESIS}
        assert set(contents.texts) == {TENDERMINT_CONFIG, TENDERMINT_GENESIS}
        assert set(contents.digests) == own
        assert contents.node_key is not None
        assert contents.node_key.node_id == ID_A

    async def test_data_is_cached_on_disk_and_config_is_read_anew(
        self, bucket: Bucket, opened: Opener, own_cache: Path
    ) -> None:
        state = ((f"chaindata/data/state.db/{p.name}", p.read_bytes()) for p in (REAL / "state.db").iterdir())
        bucket.put("data", data_tar(*state))
        bucket.put("config", CONFIG_TAR)
        first = opened(bucket.settings)
        before = {one.key: await first.look(one) for one in await first.list()}
        assert before["data"].chain is not None
        assert before["data"].genesis_doc is not None
        second = opened(bucket.settings)
        backups = {one.key: one for one in await second.list()}
        assert backups["data"].certain
        assert backups["config"].kind is BackupKind.CONFIG
        bucket.client.delete_object(Bucket=bucket.settings.bucket, Key="data")
        bucket.client.delete_object(Bucket=bucket.settings.bucket, Key="config")
        assert await second.look(backups["data"]) == before["data"]
        with pytest.raises(LoomtuiError, match="there is no data"):
            await second.look(backups["data"], fresh=True)
        with pytest.raises(LoomtuiError, match="there is no config"):
            await second.look(backups["config"])
        assert await first.look(backups["config"]) == before["config"]
        for path in entries(own_cache):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert b"ExecStart" not in path.read_bytes()

    async def test_progress_ends_at_the_whole(self, bucket: Bucket, catalogue: Catalogue) -> None:
        stored = data_tar(("app.db/000002.ldb", os.urandom(3 * 1024**2)))
        bucket.put(KEY, stored)
        backup = await only(catalogue)
        seen: list[tuple[int, int]] = []
        await catalogue.look(backup, lambda done, total: seen.append((done, total)))
        await asyncio.sleep(0)
        assert seen[-1] == (len(stored), len(stored))
        assert seen == sorted(seen)
        seen.clear()
        await catalogue.look(backup, lambda done, total: seen.append((done, total)))
        await asyncio.sleep(0)
        assert seen == [(len(stored), len(stored))]  # known already

    @pytest.mark.parametrize(
        ("stored", "why"),
        [
            (pack(data_tar(), Compression.BZIP2)[:-10], "truncated: it ends at byte"),
            (pack(data_tar(), Compression.GZIP)[:-10], "truncated: it ends at byte"),
            (pack(data_tar(("../x", "y")), Compression.ZSTD), "leads out of the archive"),
            (data_tar(("home/app.db/CURRENT", "x")), "app.db more than once"),
            (tar_with(("app.db/CURRENT", "MANIFEST-000007\n"), ("chaindata/data/blockstore.db/x", "")),
             "app.db in it is torn: its CURRENT names 'MANIFEST-000007'"),
            (tar_with(("app.db/CURRENT", ""), ("chaindata/data/blockstore.db/x", "")), "CURRENT is empty"),
        ],
    )  # fmt: skip
    async def test_what_must_not_be_restored_is_refused(
        self, bucket: Bucket, catalogue: Catalogue, stored: bytes, why: str
    ) -> None:
        bucket.put(KEY, stored)
        backup = await only(catalogue)
        await catalogue.guess(backup)
        with pytest.raises(ArchiveRejected, match=why) as caught:
            await catalogue.look(backup)
        assert caught.value.what.startswith(f"{KEY}: ")
        assert caught.value.advice

    async def test_a_torn_database_that_is_not_restored_does_not_matter(
        self, bucket: Bucket, catalogue: Catalogue
    ) -> None:
        bucket.put(KEY, data_tar(("old_app_1.db/CURRENT", "MANIFEST-000007\n")))
        assert (await catalogue.look(await only(catalogue))).backup.kind is BackupKind.DATA

    @pytest.mark.parametrize("genesis", ['{"chain_id": 5}', "sausage"])
    async def test_a_genesis_that_says_nothing(
        self, bucket: Bucket, catalogue: Catalogue, genesis: str
    ) -> None:
        bucket.put(KEY, data_tar(("chaindata/config/genesis.json", genesis)))
        assert (await catalogue.look(await only(catalogue))).chain_id is None

    async def test_a_changed_object_is_noticed(self, bucket: Bucket, catalogue: Catalogue) -> None:
        bucket.put(KEY, data_tar())
        backup = await only(catalogue)
        bucket.put(KEY, CONFIG_TAR)
        with pytest.raises(LoomtuiError, match="has changed in S3 since it was listed"):
            await catalogue.look(backup)
        fault = (await catalogue.guess(backup)).fault  # it costs this row alone
        assert fault is not None
        assert fault.kind is FaultKind.UNREADABLE
        assert "has changed in S3 since it was listed" in fault.reason
        with pytest.raises(LoomtuiError, match="has changed in S3 since it was listed"):
            async for _ in catalogue.stream(KEY, backup.etag):
                pass

    async def test_only_the_last_looks_stay_in_memory(
        self, bucket: Bucket, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_KEPT", 1)
        for key in ("a", "b"):
            bucket.put(key, CONFIG_TAR)
        first, second = sorted(await catalogue.list(), key=lambda one: one.key)
        await catalogue.look(first)
        await catalogue.look(second)
        bucket.client.delete_object(Bucket=bucket.settings.bucket, Key="a")
        with pytest.raises(LoomtuiError, match="there is no a"):
            await catalogue.look(first)


class TestCache:
    async def test_a_cache_that_is_damaged_or_cannot_be_written_is_no_error(
        self, bucket: Bucket, opened: Opener, own_cache: Path
    ) -> None:
        bucket.put(KEY, data_tar())
        catalogue = opened(bucket.settings)
        contents = await catalogue.look(await only(catalogue))
        for path in entries(own_cache):
            path.write_text('{"kind": "sausage"}')
        again = opened(bucket.settings)
        backup = await only(again)
        assert backup.kind is BackupKind.UNKNOWN
        assert (await again.look(backup)).sha256 == contents.sha256

    async def test_without_a_place_for_it(self, bucket: Bucket, opened: Opener, own_cache: Path) -> None:
        own_cache.parent.parent.mkdir(parents=True)
        own_cache.parent.write_text("a file where the folder should be")
        bucket.put(KEY, data_tar())
        catalogue = opened(bucket.settings)
        assert (await catalogue.look(await only(catalogue))).backup.certain

    async def test_a_full_disk_leaves_no_halves(
        self, bucket: Bucket, opened: Opener, own_cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(self: Path, target: Path) -> Path:
            raise OSError(errno.ENOSPC, "No space left on device")

        bucket.put(KEY, data_tar())
        catalogue = opened(bucket.settings)
        backup = await only(catalogue)
        monkeypatch.setattr(Path, "replace", full)
        assert (await catalogue.look(backup)).backup.certain
        assert files_in(own_cache) == []

    async def test_entries_that_nobody_used_for_long_are_dropped(
        self, bucket: Bucket, opened: Opener, own_cache: Path
    ) -> None:
        bucket.put(KEY, data_tar())
        catalogue = opened(bucket.settings)
        await catalogue.look(await only(catalogue))
        kept, dropped = sorted(entries(own_cache), key=lambda path: "contents" in path.name)
        os.utime(dropped, (0, 0))
        await catalogue.list()
        assert kept.exists()
        assert not dropped.exists()

    async def test_another_store_has_other_entries(
        self, bucket: Bucket, opened: Opener, own_cache: Path
    ) -> None:
        bucket.put(KEY, data_tar())
        catalogue = opened(bucket.settings)
        await catalogue.look(await only(catalogue))
        port = bucket.settings.endpoint
        assert port is not None
        other = bucket.settings.model_copy(update={"endpoint": port.replace("127.0.0.1", "localhost")})
        assert not (await only(opened(other))).certain
        assert json.loads(entries(own_cache, "kind")[0].read_text())["kind"] == "data"


class TestRelay:
    @pytest.mark.parametrize("compression", Compression)
    async def test_stream_gives_the_stored_bytes_and_decompressed_the_tar(
        self, bucket: Bucket, catalogue: Catalogue, compression: Compression
    ) -> None:
        tar = data_tar(("app.db/000002.ldb", os.urandom(1536 * 1024)))
        bucket.put(KEY, pack(tar, compression))
        backup = await only(catalogue)
        chunks = [chunk async for chunk in catalogue.stream(KEY, backup.etag)]
        assert b"".join(chunks) == pack(tar, compression)
        assert max(map(len, chunks)) <= 1024**2
        sha256 = hashlib.sha256(pack(tar, compression)).hexdigest()
        plain = catalogue.decompressed(KEY, backup.etag, compression, sha256)
        assert b"".join([chunk async for chunk in plain]) == tar

    async def test_other_bytes_than_those_that_were_read_break_off(
        self, bucket: Bucket, catalogue: Catalogue
    ) -> None:
        """A store that knows neither ETag nor If-Match as it should."""
        bucket.put(KEY, pack(data_tar(), Compression.GZIP))
        backup = await only(catalogue)
        with pytest.raises(LoomtuiError, match="has changed in S3"):
            async for _ in catalogue.decompressed(KEY, backup.etag, Compression.GZIP, "0" * 64):
                pass

    async def test_a_corrupt_archive_breaks_off(self, bucket: Bucket, catalogue: Catalogue) -> None:
        body = pack(data_tar(), Compression.BZIP2)[:-20]
        bucket.put(KEY, body)
        backup = await only(catalogue)
        sha256 = hashlib.sha256(body).hexdigest()
        with pytest.raises(ArchiveRejected, match=f"{KEY}: it is truncated"):
            async for _ in catalogue.decompressed(KEY, backup.etag, Compression.BZIP2, sha256):
                pass

    async def test_no_more_than_a_few_chunks_are_read_ahead(
        self, bucket: Bucket, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bucket.put(KEY, os.urandom(20 * 1024**2))
        backup = await only(catalogue)
        read = 0
        original = catalogue._store.read

        def counted(*arguments: object) -> object:
            nonlocal read
            for chunk in original(*arguments):  # type: ignore[arg-type]
                read += 1
                yield chunk

        monkeypatch.setattr(catalogue._store, "read", counted)
        async with aclosing(catalogue.stream(KEY, backup.etag)) as chunks:
            await anext(chunks)
            for _ in range(20):
                await catalogue.find(KEY)  # time for the reader to run away
            assert read <= 6

    async def test_presigned_url_gives_this_very_object(self, bucket: Bucket, catalogue: Catalogue) -> None:
        bucket.put(KEY, CONFIG_TAR)
        backup = await only(catalogue)
        url = catalogue.presign(KEY, 60)
        assert "X-Amz-Expires=60" in url
        assert await asyncio.to_thread(get, url, {"If-Match": backup.etag}) == (200, CONFIG_TAR)
        assert (await asyncio.to_thread(get, url, {"If-Match": '"another"'}))[0] == 412

    def test_no_url_lives_longer_than_s3_allows(self, catalogue: Catalogue) -> None:
        assert "X-Amz-Expires=604800&" in catalogue.presign(KEY, 10**9)
