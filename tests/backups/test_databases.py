"""Databases in an archive: what no node could open is refused, signs of a running node are told."""

from __future__ import annotations

import hashlib
import json
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
from tests.backups.making import app_journal, store_journal, tar_with
from tests.loom import leveldb_writer
from tests.loom.test_chainstate import REAL, STATE_VALUE, state_with
from tests.loom.test_manifest import START, added, numbers

Files = dict[str, bytes | str]
STORE, STATE = "chaindata/data/blockstore.db", "chaindata/data/state.db"
MANIFEST = leveldb_writer.journal([START])


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
    return leveldb_writer.journal([leveldb_writer.write_batch(1, [item]) for item in items])


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


TWO_TABLES = leveldb_writer.journal([START, numbers(3, 9) + added(5, 3) + added(7, 2)])


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
    flushed = leveldb_writer.journal([START, numbers(2, 8, 3, 9)])
    files = node() | database(STATE, state_journal(40), flushed) | {f"{STATE}/000008.log": b""}
    assert contents(files).state_height is None


def real(name: str) -> Files:
    return {f"chaindata/data/{name}/{path.name}": path.read_bytes() for path in (REAL / name).iterdir()}


def state_values(*values: bytes, genesis_doc: bytes = b"") -> bytes:
    items = [(b"genesisDoc", genesis_doc)] if genesis_doc else []
    items += [(b"stateKey", value) for value in values]
    return leveldb_writer.journal([leveldb_writer.write_batch(1, [item]) for item in items])


class TestTheChain:
    def test_a_backup_of_a_real_node_tells_its_chain_and_its_genesis(self) -> None:
        files = database("app.db", app_journal(49)) | real("blockstore.db") | real("state.db")
        found = contents(files)
        assert found.chain is not None
        assert (found.chain.chain_id, found.chain.height) == ("default", 49)
        assert {entry.power for entry in found.chain.validators} == {1250000186295}
        assert found.genesis_doc is not None
        assert json.loads(found.genesis_doc) == json.loads((REAL / "genesis.json").read_text())
        assert (found.app_height, found.state_height, found.store_height) == (49, 49, 49)

    def test_the_state_decides_the_height_where_the_parameters_are_of_another(self) -> None:
        """Tendermint writes them first: a copy in between holds those of a block whose state it lacks."""
        params = leveldb_writer.write_batch(1, [(b"consensusParamsKey:51", b"")])
        journal = leveldb_writer.journal(
            [leveldb_writer.write_batch(1, [(b"stateKey", STATE_VALUE)]), params]
        )
        assert contents(node() | database(STATE, journal)).state_height == 49

    def test_of_a_malformed_state_the_parameters_tell_the_height(self) -> None:
        found = contents(node())
        assert (found.chain, found.state_height) == (None, 100)

    def test_a_dead_journal_tells_neither_chain_nor_genesis(self) -> None:
        genesis = (REAL / "genesis.json").read_bytes()
        old, new = state_values(state_with(f3=40), genesis_doc=genesis), state_values(STATE_VALUE)
        flushed = leveldb_writer.journal([START, numbers(2, 8, 3, 9)])
        dead = node() | database(STATE, old, flushed)
        found = contents(dead | {f"{STATE}/000008.log": b""})
        assert (found.chain, found.genesis_doc) == (None, None)
        found = contents(dead | {f"{STATE}/000008.log": new})
        assert found.chain is not None
        assert (found.chain.height, found.genesis_doc) == (49, None)

    @pytest.mark.parametrize("order", [1, -1])
    def test_of_two_living_journals_the_later_one_counts(self, order: int) -> None:
        journals = [
            ("000003.log", state_values(state_with(f3=48))),
            ("000004.log", state_values(STATE_VALUE)),
        ]
        files = node() | {f"{STATE}/{name}": data for name, data in journals[::order]}
        chain = contents(dict(list(files.items())[::order])).chain
        assert chain is not None
        assert chain.height == 49

    def test_only_the_databases_that_would_be_restored_tell_the_chain(self) -> None:
        stray = database("elsewhere/state.db", state_values(STATE_VALUE))
        assert contents(node() | stray).chain is None


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
