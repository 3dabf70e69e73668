"""What manifests tell the choice of archives."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from loomtui.backups.archive import Reading, read
from loomtui.backups.contents import assemble
from loomtui.backups.model import Backup, BackupKind, FaultKind
from loomtui.backups.prepared.digests import FileDigests
from loomtui.backups.prepared.finding import Prepared, Unusable
from loomtui.backups.prepared.making import Author, manifest_of, refusal_manifest
from loomtui.backups.prepared.reference import ManifestRef
from loomtui.errors import ArchiveRejected, CallError
from loomtui.restore.findings import FindingCode
from tests.restore.material import NOW
from tests.restore.test_choosing import CONFIG, DATA, NODES, Shelf

AUTHOR = Author(NOW, "cron@depot", "1.0")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def prepare(shelf: Shelf, backup: Backup) -> ManifestRef:
    body, reading, digests = shelf.catalogue.objects[backup.key], Reading(), FileDigests()
    read((body,), reading, taker=digests)
    contents = assemble(backup, reading, hashlib.sha256(body).hexdigest())
    ref = ManifestRef(f"{backup.key}.loomtui.json", '"m"', "0" * 64, 100, AUTHOR.made_at, AUTHOR.made_by)
    manifest = manifest_of(contents, digests.files, reading.files, AUTHOR)
    shelf.catalogue.prepared.by_key[backup.key] = Prepared(ref, manifest)
    return ref


def refuse(shelf: Shelf, backup: Backup) -> None:
    manifest = refusal_manifest(replace(backup, kind=BackupKind.DATA), "it is truncated", AUTHOR)
    ref = ManifestRef(f"{backup.key}.loomtui.json", '"m"', "0" * 64, 100)
    shelf.catalogue.prepared.by_key[backup.key] = Prepared(ref, manifest)


def calls_about(shelf: Shelf, backup: Backup) -> list[str]:
    return [call for call, key in shelf.catalogue.calls if key == backup.key]


async def test_prepared_data_is_taken_without_being_read(shelf: Shelf) -> None:
    backup = shelf.add(DATA)
    ref = prepare(shelf, backup)
    data = await shelf.chooser().data(needs_evm=False)
    assert (data.backup.key, data.manifest, data.has_twin) == (backup.key, ref, False)
    assert calls_about(shelf, backup) == ["check"]
    assert {item.target for item in data.data_items} == {"app.db", "chaindata/data"}


async def test_so_it_is_if_it_is_named(shelf: Shelf) -> None:
    backup, config = shelf.add(DATA), shelf.add(CONFIG)
    ref = prepare(shelf, backup)
    assert (await shelf.chooser(data_key=backup.key).data(needs_evm=False)).manifest == ref
    assert calls_about(shelf, backup) == ["check"]
    prepare(shelf, config)
    with pytest.raises(CallError, match="holds no databases"):
        await shelf.chooser(data_key=config.key).data(needs_evm=False)


async def test_with_look_no_manifest_is_believed(shelf: Shelf) -> None:
    backup = shelf.add(DATA)
    prepare(shelf, backup)
    data = await shelf.chooser(look=True).data(needs_evm=False)
    assert data.manifest is None
    assert "look" in calls_about(shelf, backup)


async def test_a_manifest_of_no_use_is_told_and_the_archive_is_read(shelf: Shelf) -> None:
    backup = shelf.add(DATA)
    shelf.catalogue.prepared.by_key[backup.key] = Unusable("the backup has changed since it was prepared")
    chooser = shelf.chooser()
    data = await chooser.data(needs_evm=False)
    assert (data.backup.key, data.manifest) == (backup.key, None)
    (warning,) = chooser.warnings
    assert warning.code is FindingCode.MANIFEST_UNUSED
    assert f"{backup.key} counts as not prepared" in warning.text
    assert "has changed since" in warning.text


async def test_what_was_refused_is_passed_over_without_being_read(shelf: Shelf) -> None:
    bad, good = shelf.add(DATA), shelf.add(DATA)
    refuse(shelf, bad)
    chooser = shelf.chooser()
    assert (await chooser.data(needs_evm=False)).backup.key == good.key
    assert calls_about(shelf, bad) == []
    (passed,) = chooser.passed_over
    assert (passed.key, passed.why, passed.as_data) == (bad.key, FaultKind.REJECTED, True)
    assert "it is truncated (by its manifest of" in passed.reason
    with pytest.raises(ArchiveRejected, match="it is truncated"):
        await shelf.chooser(data_key=bad.key).data(needs_evm=False)


async def test_for_a_config_prepared_data_is_not_even_begun(shelf: Shelf) -> None:
    data, config = shelf.add(DATA), shelf.add(CONFIG)
    prepare(shelf, data)
    found = await shelf.chooser().configs(NODES[:1])
    assert found["n1"].backup.key == config.key
    assert calls_about(shelf, data) == []


async def test_the_texts_of_a_config_are_read_though_it_is_prepared(shelf: Shelf) -> None:
    config, full = shelf.add(CONFIG), shelf.add([*DATA, *CONFIG], "ip-10-2-0-5")
    prepare(shelf, config)
    prepare(shelf, full)
    chooser = shelf.chooser()
    found = await chooser.configs(NODES)
    assert "loom.yml" in found["n1"].texts
    assert "loom.yml" in found["n2"].texts
    assert (await chooser.data(needs_evm=False)).texts == found["n2"].texts


async def test_full_data_is_taken_by_its_manifest_and_read_if_its_config_is_needed(shelf: Shelf) -> None:
    full = shelf.add([*DATA, *CONFIG])
    prepare(shelf, full)
    chooser = shelf.chooser()
    assert (await chooser.data(needs_evm=False)).texts == {}
    assert calls_about(shelf, full) == ["check"]
    assert (await chooser.configs(NODES[:1]))["n1"].texts


async def test_a_host_that_lost_its_keys_gets_them_from_its_data_archive(shelf: Shelf) -> None:
    own = [("chaindata/config/node_key.json", CONFIG[0][1])]
    backup = shelf.add([*DATA, *own])
    prepare(shelf, backup)
    chooser = shelf.chooser()
    data = await chooser.data(needs_evm=False)
    assert await chooser.own_config(NODES[0], data, is_lost=False) is None
    config = await chooser.own_config(NODES[0], data, is_lost=True)
    assert config is not None
    assert [item.target for item in config.config_items] == ["chaindata/config/node_key.json"]
    assert "look" in calls_about(shelf, backup)
