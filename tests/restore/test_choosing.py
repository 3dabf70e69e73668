"""Which archives a restore takes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loomtui.backups.model import Backup, BackupKind, Compression
from loomtui.errors import ArchiveRejected, CallError, LoomtuiError
from loomtui.inventory.model import Node
from loomtui.restore.choices import Choices
from loomtui.restore.findings import texts_of
from loomtui.restore.planning.choosing import Chooser, missing_evm
from tests.backups.making import app_journal, pack, store_journal, tar_with
from tests.restore.fake_catalogue import FakeCatalogue
from tests.restore.material import LOOM_GENESIS, LOOM_YML, node_key_of, tar_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
DATABASE = (("CURRENT", "MANIFEST-000000\n"), ("MANIFEST-000000", ""))
NODES = (Node(name="n1", host="h1"), Node(name="n2", host="h2", backup_host="ip-10-2-0-5"))


def database(*names: str) -> list[tuple[str, str]]:
    return [(f"{name}/{file}", text) for name in names for file, text in DATABASE]


DATA = database("app.db", "chaindata/data/blockstore.db", "chaindata/data/state.db")
CONFIG = [
    ("config/node_key.json", node_key_of(1).node_key_json),
    ("genesis.json", LOOM_GENESIS),
    ("loom.yml", LOOM_YML),
    ("loom.service", "[Service]\nExecStart=/usr/bin/loom run\n"),
]


class Shelf:
    """A catalogue that is filled newest first."""

    def __init__(self) -> None:
        self.catalogue = FakeCatalogue()
        self.progress: list[str] = []
        self._count = 0

    def add(self, files: Sequence[tuple[str, str]], source: str | None = "n1", body: bytes = b"") -> Backup:
        self._count += 1
        packed = body or pack(tar_of(*files), Compression.GZIP)
        at = AT - timedelta(hours=self._count)
        return self.catalogue.add(f"{self._count}-{source}.tar.gz", packed, source, at)

    def chooser(self, **choices: Any) -> Chooser:
        return Chooser(self.catalogue, Choices(**choices), self.progress.append)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_the_newest_data_is_taken(shelf: Shelf) -> None:
    shelf.add(CONFIG)
    newest = shelf.add(DATA)
    shelf.add(DATA)
    chooser = shelf.chooser()
    data = await chooser.data(needs_evm=False)
    assert data.backup.key == newest.key
    assert data.sha256 == hashlib.sha256(shelf.catalogue.objects[newest.key]).hexdigest()
    assert chooser.warnings == ()
    assert any("100 %" in text for text in shelf.progress)


async def test_the_catalogues_order_counts_and_not_the_times_in_the_keys(shelf: Shelf) -> None:
    """Those are local times of the hosts (docs/loom.md 5)."""
    first = shelf.add(DATA, "east")
    second = shelf.add(DATA, "west")
    assert second.taken_at < first.taken_at
    shelf.catalogue.backups = dict(reversed(shelf.catalogue.backups.items()))
    assert (await shelf.chooser().data(needs_evm=False)).backup.key == second.key


async def test_a_full_archive_is_data_too(shelf: Shelf) -> None:
    full = shelf.add([*DATA, *CONFIG])
    data = await shelf.chooser(data_key="latest").data(needs_evm=False)
    assert data.backup.key == full.key
    assert data.backup.kind is BackupKind.FULL


async def test_broken_archives_are_passed_over_and_named(shelf: Shelf) -> None:
    shelf.add([], body=b"\x1f\x8b rubbish")
    shelf.add([*DATA, ("app.db/../../x", "")])
    good = shelf.add(DATA)
    chooser = shelf.chooser()
    assert (await chooser.data(needs_evm=False)).backup.key == good.key
    assert [warning.split(":")[0] for warning in texts_of(chooser.warnings)] == [
        "passed over 1-n1.tar.gz",
        "passed over 2-n1.tar.gz",
    ]


async def test_an_archive_that_only_the_whole_read_rejects_is_passed_over(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = shelf.add(DATA), shelf.add(DATA)
    shelf.catalogue.rejected[bad.key] = "data integrity (CRC) error"
    chooser = shelf.chooser()
    assert (await chooser.data(needs_evm=False)).backup.key == good.key
    assert texts_of(chooser.warnings) == (f"passed over {bad.key}: data integrity (CRC) error",)


async def test_data_without_evm_is_passed_over_where_it_is_needed(shelf: Shelf) -> None:
    shelf.add(DATA)
    with_evm = shelf.add([*DATA, *database("evm.db")])
    chooser = shelf.chooser()
    data = await chooser.data(needs_evm=True)
    assert data.backup.key == with_evm.key
    assert missing_evm(data) is None
    assert "no evm.db" in chooser.warnings[0].text


async def test_where_nothing_fits_the_reasons_are_the_advice(shelf: Shelf) -> None:
    shelf.add(DATA)
    with pytest.raises(CallError, match="no data backup that can be used") as caught:
        await shelf.chooser().data(needs_evm=True)
    assert "no evm.db" in caught.value.advice


async def test_an_empty_shelf_is_said(shelf: Shelf) -> None:
    with pytest.raises(CallError) as caught:
        await shelf.chooser(before=AT).data(needs_evm=False)
    assert "2026-01-01 00:00 UTC or before" in caught.value.what
    assert "loomtui backups" in caught.value.advice


async def test_only_backups_from_before_count(shelf: Shelf) -> None:
    shelf.add(DATA)
    older = shelf.add(DATA)
    assert (await shelf.chooser(before=older.taken_at).data(needs_evm=False)).backup.key == older.key


async def test_a_named_archive_is_taken_as_it_is(shelf: Shelf) -> None:
    shelf.add(DATA)
    named = shelf.add(DATA)
    data = await shelf.chooser(data_key=named.key).data(needs_evm=True)
    assert data.backup.key == named.key
    warning = missing_evm(data)
    assert warning is not None
    assert named.key in warning


async def test_a_named_archive_that_cannot_be_used_is_an_error(shelf: Shelf) -> None:
    config, broken = shelf.add(CONFIG), shelf.add([], body=b"\x1f\x8b rubbish")
    with pytest.raises(CallError, match="holds no databases"):
        await shelf.chooser(data_key=config.key).data(needs_evm=False)
    with pytest.raises(ArchiveRejected):
        await shelf.chooser(data_key=broken.key).data(needs_evm=False)
    with pytest.raises(LoomtuiError, match="there is no"):
        await shelf.chooser(data_key="nowhere").data(needs_evm=False)


async def test_every_node_gets_the_newest_config_of_its_own_host(shelf: Shelf) -> None:
    shelf.add(DATA, "n1")
    first = shelf.add(CONFIG, "n1")
    shelf.add(CONFIG, "n1")
    other = shelf.add(CONFIG, "ip-10-2-0-5")
    shelf.add(CONFIG, None)
    configs = await shelf.chooser().configs(NODES)
    assert {name: config.backup.key for name, config in configs.items()} == {"n1": first.key, "n2": other.key}


async def test_a_node_without_a_config_backup_gets_none(shelf: Shelf) -> None:
    shelf.add(CONFIG, "somebody-else")
    shelf.add([("README", "nothing of use")], "n1")
    assert await shelf.chooser().configs(NODES) == {}


async def test_a_broken_config_is_passed_over_for_an_older_one(shelf: Shelf) -> None:
    shelf.add([], "n1", body=b"\x1f\x8b rubbish")
    torn = shelf.add(CONFIG, "n1")
    shelf.catalogue.rejected[torn.key] = "it ends early"
    older = shelf.add(CONFIG, "n1")
    chooser = shelf.chooser()
    configs = await chooser.configs(NODES[:1])
    assert configs["n1"].backup.key == older.key
    assert len(chooser.warnings) == 2
    assert chooser.warnings[1].text == f"n1: passed over {torn.key}: it ends early"


async def test_what_was_passed_over_twice_is_told_once(shelf: Shelf) -> None:
    shelf.add([], "n1", body=b"\x1f\x8b rubbish")
    shelf.add([*DATA, *CONFIG], "n1")
    chooser = shelf.chooser()
    await chooser.configs(NODES)
    await chooser.data(needs_evm=False)
    assert len(chooser.warnings) == 1


async def test_names_from_s3_are_data(shelf: Shelf) -> None:
    body = b"\x1f\x8b rubbish"
    shelf.catalogue.add("evil\x1b[2J\nkey.tar.gz", body, "n1", AT)
    shelf.add(DATA)
    chooser = shelf.chooser()
    await chooser.data(needs_evm=False)
    assert all(
        "\x1b" not in text and "\n" not in text for text in (*texts_of(chooser.warnings), *shelf.progress)
    )


# ── other hosts than the inventory's ────────────────────────────────────────────────────────────────────────


async def test_a_node_gets_the_backups_of_the_host_that_it_is_mapped_to(shelf: Shelf) -> None:
    shelf.add(CONFIG, "n1")
    old = shelf.add(CONFIG, "ip-10-9-9-9")
    configs = await shelf.chooser(sources={"n1": "ip-10-9-9-9"}).configs(NODES[:1])
    assert configs["n1"].backup.key == old.key


async def test_a_host_without_backups_is_a_wrong_call_that_lists_those_that_have_some(shelf: Shelf) -> None:
    shelf.add(CONFIG, "ip-10-9-9-9")
    with pytest.raises(CallError, match="no backups of typo for n1") as caught:
        await shelf.chooser(sources={"n1": "typo"}).configs(NODES)
    assert "ip-10-9-9-9" in caught.value.advice


async def test_two_nodes_do_not_get_the_backups_of_one_host(shelf: Shelf) -> None:
    """Not even when one of them has them by the inventory."""
    shelf.add(CONFIG, "ip-10-2-0-5")
    with pytest.raises(CallError, match="n1 and n2 would both get the backups of ip-10-2-0-5"):
        await shelf.chooser(sources={"n1": "ip-10-2-0-5"}).configs(NODES)


async def test_a_node_without_backups_is_told_whose_there_are(shelf: Shelf) -> None:
    shelf.add(CONFIG, "ip-10-9-9-9")
    shelf.add(CONFIG, "n1")
    chooser = shelf.chooser()
    assert set(await chooser.configs(NODES)) == {"n1"}
    (warning,) = texts_of(chooser.warnings)
    assert warning.startswith("n2: there are no backups of ip-10-2-0-5; there are some of ip-10-9-9-9")
    assert "--map n2=HOST" in warning


async def test_torn_heights_are_passed_over(shelf: Shelf) -> None:
    journals = (
        ("app.db/000001.log", app_journal(101)),
        ("chaindata/data/blockstore.db/000001.log", store_journal(100)),
    )
    first = shelf.add([], body=pack(tar_with(*DATA, *journals), Compression.GZIP))
    second = shelf.add(DATA)
    chooser = shelf.chooser()
    assert (await chooser.data(needs_evm=False)).backup.key == second.key
    assert f"passed over {first.key}: it is torn" in chooser.warnings[0].text
