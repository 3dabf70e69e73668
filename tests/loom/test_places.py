"""Where Loom looks for its files, by its own configuration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.drill.node.settings import config_toml
from loomtui.loom.places import (
    Folders,
    moved_by_config_toml,
    moved_by_loom_yml,
    winning_tendermint_config,
)

W = "/home/ubuntu"
PLAIN = Folders(W, {})


def paths(text: str, folders: Folders = PLAIN) -> dict[str, str | None]:
    return {moved.key: moved.path for moved in moved_by_config_toml(text, folders)}


def loom_paths(text: str) -> dict[str, str | None]:
    return {moved.key: moved.path for moved in moved_by_loom_yml(text, W)}


def test_the_file_that_tendermint_writes_moves_nothing() -> None:
    assert moved_by_config_toml(config_toml("n1", 46656), PLAIN) == ()


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        ('db_dir = "/mnt/big/data"', {"db_dir": "/mnt/big/data"}),
        ('db_dir = "db"', {"db_dir": f"{W}/chaindata/db"}),
        ('db_dir = "../blocks"', {"db_dir": f"{W}/blocks"}),
        ('db_dir = ""', {"db_dir": f"{W}/chaindata"}),
        ("db_dir = 'DATA'", {"db_dir": f"{W}/chaindata/DATA"}),
        ('DB_Dir = "db"', {"db_dir": f"{W}/chaindata/db"}),
        ('"db_dir" = "d\\u0062"', {"db_dir": f"{W}/chaindata/db"}),
        ("db_dir = 7", {"db_dir": f"{W}/chaindata/7"}),
        ('node_key_file = "/etc/loom/node_key.json"', {"node_key_file": "/etc/loom/node_key.json"}),
        ('node_key_file = "config/other.json"', {"node_key_file": f"{W}/chaindata/config/other.json"}),
        ('priv_validator_file = "config/pv.json"', {"priv_validator_file": f"{W}/chaindata/config/pv.json"}),
        ('genesis_file = "genesis.json"', {"genesis_file": f"{W}/chaindata/genesis.json"}),
        ('[p2p]\naddr_book_file = "book.json"', {"p2p.addr_book_file": f"{W}/chaindata/book.json"}),
        ('[consensus]\nwal_file = "/fast/wal"', {"consensus.wal_file": "/fast/wal"}),
        (f'db_dir = "{W}/chaindata/../chaindata/data"', {"db_dir": f"{W}/chaindata/../chaindata/data"}),
    ],
)
def test_settings_that_move_a_file(line: str, moved: dict[str, str]) -> None:
    assert paths(line) == moved


@pytest.mark.parametrize(
    "line",
    [
        'db_dir = "data/"',
        'db_dir = "./data"',
        'db_dir = "../chaindata/data"',
        f'db_dir = "{W}/chaindata/data"',
        f'db_dir = "{W}//chaindata/./data"',
        'db_backend = "leveldb"',
        'db_backend = "goleveldb"',
        'home = "/elsewhere"',  # loomchain sets it after it read the file
        'priv_validator_key_file = "elsewhere.json"',  # of a later Tendermint
        '[p2p]\ndb_dir = "elsewhere"\nnode_key_file = "elsewhere"',  # in a table it is no such key
        "",
        "no TOML",
    ],
)
def test_settings_that_move_nothing(line: str) -> None:
    assert paths(line) == {}


def test_of_two_spellings_either_may_count() -> None:
    found = moved_by_config_toml('db_dir = "data"\nDB_DIR = "a"\nDb_dir = "b"', PLAIN)
    assert [moved.value for moved in found] == ["a", "b"]


@pytest.mark.parametrize("backend", ["memdb", "cleveldb", "fsdb", "boltdb", ""])
def test_a_database_of_another_form(backend: str) -> None:
    (moved,) = moved_by_config_toml(f'db_backend = "{backend}"', PLAIN)
    assert (moved.key, moved.value, moved.path) == ("db_backend", backend, None)
    assert "another form" in moved.text


def test_a_path_behind_a_link_is_the_usual_one() -> None:
    linked = Folders(W, {".": "/data/loom", "chaindata": "/mnt/disk/chain", "chaindata/data": "/fast/data"})
    assert paths('db_dir = "/mnt/disk/chain/data"', linked) == {}
    assert paths('node_key_file = "/mnt/disk/chain/config/node_key.json"', linked) == {}
    assert paths('[consensus]\nwal_file = "/fast/data/cs.wal/wal"', linked) == {}
    assert paths(f'db_dir = "{W}/chaindata/data"', linked) == {}
    # A restore replaces the link itself, and Loom would not follow it there.
    assert paths('db_dir = "/fast/data"', linked) == {"db_dir": "/fast/data"}


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        ("RootDir: data", {"RootDir": f"{W}/data/data"}),
        ("RootDir: /srv", {"RootDir": "/srv/srv"}),
        ("rootdir: ..", {"RootDir": "/"}),
        ("DBName: chain", {"DBName": f"{W}/chain.db"}),
        ("DBName: ''", {"DBName": f"{W}/.db"}),
        ("GenesisFile: other.json", {"GenesisFile": f"{W}/other.json"}),
        (f"GenesisFile: {W}/genesis.json", {"GenesisFile": f"{W}{W}/genesis.json"}),
        ("EvmStore: {DBName: state}", {"EvmStore.DBName": f"{W}/state.db"}),
        ("BlockIndexStore: {DBName: index}", {"BlockIndexStore.DBName": f"{W}/index.db"}),
        ("DBBackend: memdb", {"DBBackend": None}),
        ("EvmStore: {DBBackend: cleveldb}", {"EvmStore.DBBackend": None}),
    ],
)
def test_a_loom_yml_that_moves_something(line: str, moved: dict[str, str | None]) -> None:
    assert loom_paths(line) == moved


@pytest.mark.parametrize(
    "text",
    [
        "RootDir: .\nDBName: app\nDBBackend: goleveldb\nGenesisFile: genesis.json\nEvmStore: {DBName: evm}",
        "RootDir: ''\nDBName:\n",
        "RootDir: ./\nGenesisFile: ./genesis.json",
        "PluginsDir: elsewhere\nLogDestination: file://loom.log",
        "",
        "[",
    ],
)
def test_a_loom_yml_that_moves_nothing(text: str) -> None:
    assert loom_paths(text) == {}


def test_a_sentence_names_key_value_file_and_place() -> None:
    (moved,) = moved_by_config_toml('db_dir = "db\\u001b[2J"', PLAIN)
    assert moved.text == (
        f'db_dir = "db" in chaindata/config/config.toml has Loom look at {W}/chaindata/db for chaindata/data'
    )


@pytest.mark.parametrize(
    ("names", "winner"),
    [
        (("config.toml",), "config.toml"),
        (("config.toml", "config.json"), "config.json"),
        (("config.yaml", "config.toml"), "config.toml"),
        ((), None),
    ],
)
def test_which_configuration_tendermint_reads(names: tuple[str, ...], winner: str | None) -> None:
    found = winning_tendermint_config(f"chaindata/config/{name}" for name in names)
    assert found == (f"chaindata/config/{winner}" if winner else None)


@pytest.mark.slow
@given(st.text(), st.sampled_from(["db_dir", "node_key_file", "x"]), st.text())
def test_nothing_raises(text: str, key: str, value: str) -> None:
    moved_by_config_toml(text, PLAIN)
    moved_by_config_toml(f"{key} = '{value}'", PLAIN)
    moved_by_loom_yml(f"RootDir: {text}", W)
    moved_by_loom_yml(f"{text}: {value}", W)
