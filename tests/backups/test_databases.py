"""Databases in an archive: what no node could open is refused, signs of a running node are told."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

import pytest

from loomtui.backups import archive
from loomtui.backups.archive import Reading, read
from loomtui.backups.contents import assemble
from loomtui.backups.databases import torn_heights
from loomtui.backups.members import Extent, extent_of
from loomtui.backups.model import Backup, Contents, Item, Member, MemberType
from loomtui.errors import ArchiveRejected
from loomtui.loom import leveldb
from tests.backups.making import app_journal, store_journal, tar_with
from tests.loom.test_manifest import START, added, numbers

Files = dict[str, bytes | str]
STORE, STATE = "chaindata/data/blockstore.db", "chaindata/data/state.db"
MANIFEST = leveldb.journal([START])


def database(folder: str, journal: bytes = b"", manifest: bytes = MANIFEST, **tables: bytes) -> Files:
    found: Files = {
        f"{folder}/CURRENT": "MANIFEST-000001\n",
        f"{folder}/MANIFEST-000001": manifest,
        f"{folder}/000003.log": journal,
        f"{folder}/LOG": "=== opened ===\n",
    }
    return found | {f"{folder}/{name}.ldb": content for name, content in tables.items()}


def state_journal(height: int) -> bytes:
    """Tendermint writes the parameters of the next height, then the state itself."""
    items = [(f"consensusParamsKey:{height + 1}".encode(), b""), (b"stateKey", b"amino")]
    return leveldb.journal([leveldb.write_batch(1, [item]) for item in items])


def node(app: int = 100, state: int = 100, store: int = 100) -> Files:
    wal: Files = {"chaindata/data/cs.wal/wal": "#ENDHEIGHT: 100\n"}
    return (
        database("app.db", app_journal(app))
        | database(STORE, store_journal(store))
        | database(STATE, state_journal(state))
        | wal
    )


def contents(files: Files) -> Contents:
    body, reading = tar_with(*files.items()), Reading()
    read((body,), reading)
    now = datetime(2018, 9, 6, tzinfo=UTC)
    backup = Backup("nightly.tar", "n1", now, now, len(body), '"e"')
    return assemble(backup, reading, hashlib.sha256(body).hexdigest())


def signs(files: Files) -> str:
    return " ".join(text for text in contents(files).warnings if "running node" in text)


def test_a_whole_backup_is_told_by_its_heights_and_has_no_signs() -> None:
    found = contents(node())
    assert (found.app_height, found.state_height, found.store_height) == (100, 100, 100)
    assert signs(node()) == ""


def without(files: Files, *names: str) -> Files:
    return {name: content for name, content in files.items() if name not in names}


TWO_TABLES = leveldb.journal([START, numbers(3, 9) + added(5, 3) + added(7, 2)])


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (without(node(), f"{STATE}/CURRENT"), "state.db in it is torn: it has no CURRENT"),
        (node() | {f"{STATE}/CURRENT": "MANIFEST-000009\n"}, "names 'MANIFEST-000009', which is missing"),
        (node() | {f"{STATE}/CURRENT": "\n"}, "its CURRENT is empty"),
        (node() | database(STATE, manifest=TWO_TABLES), "2 of the 2 tables .* missing .000005, 000007"),
        (
            node() | database(STORE, b"", TWO_TABLES, **{"000005": b"abc"}),
            "blockstore.db in it is torn: 1 of the 2 tables",
        ),
        (
            node() | database("app.db", b"", TWO_TABLES, **{"000005": b"abc", "000007": b"x"}),
            "its table 000007 has 1 bytes, by its MANIFEST 2",
        ),
    ],
)
def test_what_no_node_could_open_is_refused(files: Files, why: str) -> None:
    with pytest.raises(ArchiveRejected, match=why) as caught:
        contents(files)
    assert "Choose another backup" in caught.value.advice


def test_a_database_that_is_whole_with_tables_is_taken() -> None:
    files = node() | database(STATE, state_journal(100), TWO_TABLES, **{"000005": b"abc", "000007": b"xy"})
    assert signs(files) == ""


def test_more_tables_than_an_archive_could_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    files = node() | database("app.db", b"", TWO_TABLES) | database(STATE, b"", TWO_TABLES)
    with pytest.raises(ArchiveRejected, match="name more than 3 tables"):
        contents(files)


def test_old_tables_that_nothing_names_do_no_harm() -> None:
    """backup.sh of 8ee64a2 never deleted anything in its staging folder."""
    assert signs(node() | database(STATE, state_journal(100), **{"000002": b"old"})) == ""


@pytest.mark.parametrize(
    ("files", "sign"),
    [
        (node() | {"app.db/000009.ldb": b"x"}, "app.db holds 1 tables that are newer than its MANIFEST"),
        (without(node(), f"{STATE}/000003.log"), "state.db lacks its journal 000003.log"),
        (node(app=90), "different heights: app.db at 90, state.db at 100, the block store at 100"),
        (node() | {"app.db/LOG": "db@open done T·1ms\n"}, "1 of its databases were not closed"),
    ],
)
def test_signs_of_a_running_node_are_told_as_a_risk(files: Files, sign: str) -> None:
    assert sign in signs(files)
    assert "torn" in signs(files)


def test_a_dead_journal_tells_no_height() -> None:
    """A flush makes a new journal; the old one stays in a staging folder that nobody empties."""
    flushed = leveldb.journal([START, numbers(2, 8, 3, 9)])
    files = node() | database(STATE, state_journal(40), flushed) | {f"{STATE}/000008.log": b""}
    assert contents(files).state_height is None


@pytest.mark.parametrize(
    ("heights", "why"),
    [
        ((100, 100, 100), None),
        ((90, 100, 100), None),  # replays
        ((100, 99, 100), None),
        ((101, 100, 100), "higher than core"),
        ((100, 98, 100), r"StateBlockHeight \+ 1"),
        ((90, 101, 100), "StateBlockHeight"),
        ((101, None, 100), "higher than core"),
        ((90, None, 100), None),
        ((None, 90, 100), None),
        ((100, 90, None), None),
    ],
)
def test_heights_that_no_node_starts_with(heights: tuple[int | None, ...], why: str | None) -> None:
    told = torn_heights(*heights)
    assert (told is None) if why is None else (told is not None and re.search(why, told))


def test_how_much_is_unpacked_is_counted_by_files() -> None:
    def file(path: str, size: int) -> Member:
        return Member(path, MemberType.FILE, size)

    members = (
        Member("./app.db", MemberType.DIRECTORY, 0),
        file("./app.db/CURRENT", 16),
        file("./app.db/000005.ldb", 1000),
        Member("./app.db/copy.ldb", MemberType.HARDLINK, 0, "./app.db/000005.ldb"),
        file("app.db2/x", 7),
        file("chaindata/config/genesis.json", 5),
        file("chaindata/config/genesis.json", 6),
    )
    assert extent_of(members, [Item("./app.db", "app.db")]) == Extent(3, 2016)
    assert extent_of(members, [Item("chaindata/config/genesis.json", "x")]) == Extent(1, 6)
    assert extent_of(members, []) == Extent(0, 0)
