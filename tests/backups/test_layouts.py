"""Every row of the table in docs/loom.md 5, as a real archive: versions x methods x what is backed up."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups.archive import Reading, read
from loomtui.backups.layouts import Layout, classify, guess_kind
from loomtui.backups.model import BackupKind, Item, Member, MemberType
from loomtui.errors import ArchiveRejected
from loomtui.loom.databases import (
    CONFIG_TARGETS,
    LOOM_CONFIG,
    LOOM_GENESIS,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    UNIT,
    VALIDATOR,
)
from tests.backups.making import (
    ERAS,
    KEY_B,
    LOOM_GENESIS_TEXT,
    TM_GENESIS_TEXT,
    UNIT_TEXT,
    app_journal,
    make_database,
    make_node,
    named,
    node_key,
    priv_validator,
    rsync_staging,
    store_journal,
    stuff,
    tar_of,
    tar_of_staging,
    tar_with,
)

SPLIT = ("38c3b31", "920b0f5")  # versions that can back up data alone and config alone
IDENTITY = {NODE_KEY, VALIDATOR, TENDERMINT_CONFIG, TENDERMINT_GENESIS}
IN_PLACE = {target: target for target in IDENTITY}
UNIT_OF_TAR = "etc/systemd/system/loom.service"


def layout_of(tar: bytes) -> Layout:
    reading = Reading()
    read((tar,), reading)
    return classify(reading.members, reading.files)


def sources(items: tuple[Item, ...]) -> dict[str, str]:
    return {item.target: item.source for item in items}


def archive(tmp_path: Path, era: str, method: str, *, data: bool = True, config: bool = True) -> bytes:
    unit = "delegatecall.service" if era == "8ee64a2" else "loom.service"
    root = tmp_path / "machine"
    home = make_node(root, unit=unit)
    names = stuff(era, data=data, config=config)
    if method == "tar":
        return tar_of(home, names, root=root)
    rsync_staging(root, home, names, tmp_path / "stage")
    return tar_of_staging(tmp_path / "stage")


@pytest.mark.parametrize("method", ["rsync", "tar"])
@pytest.mark.parametrize("era", ERAS)
def test_data_and_config_of_every_version_is_full(tmp_path: Path, era: str, method: str) -> None:
    layout = layout_of(archive(tmp_path, era, method))
    unit = "delegatecall.service" if era == "8ee64a2" else "loom.service"
    assert layout.kind is BackupKind.FULL
    assert sources(layout.data_items) == {"chaindata/data": "chaindata/data", "app.db": "app.db"}
    assert tuple(item.target for item in layout.config_items) == CONFIG_TARGETS
    assert sources(layout.config_items) == {
        LOOM_GENESIS: "genesis.json",
        LOOM_CONFIG: "loom.yml",
        **IN_PLACE,
        UNIT: unit if method == "rsync" else f"etc/systemd/system/{unit}",
    }
    assert any("evm.db is not in the archive" in warning for warning in layout.warnings)


@pytest.mark.parametrize("method", ["rsync", "tar"])
@pytest.mark.parametrize("era", SPLIT)
def test_data_alone_holds_the_source_nodes_identity_and_offers_none(
    tmp_path: Path, era: str, method: str
) -> None:
    layout = layout_of(archive(tmp_path, era, method, config=False))
    assert layout.kind is BackupKind.DATA
    assert sources(layout.data_items) == {"chaindata/data": "chaindata/data", "app.db": "app.db"}
    assert layout.config_items == ()
    assert {item.target for item in layout.identity} == IDENTITY
    assert any("identity of the node that the backup is from" in warning for warning in layout.warnings)


@pytest.mark.parametrize(
    ("era", "method", "places", "missing"),
    [
        ("38c3b31", "rsync", {NODE_KEY: "node_key.json", TENDERMINT_CONFIG: "config.toml",
                              VALIDATOR: "priv_validator.json", UNIT: "loom.service"}, {TENDERMINT_GENESIS}),
        ("38c3b31", "tar", {**IN_PLACE, UNIT: UNIT_OF_TAR},
         set()),
        ("920b0f5", "rsync", {**{target: target.removeprefix("chaindata/") for target in IDENTITY},
                              UNIT: "loom.service"}, set()),
        ("920b0f5", "tar", {**IN_PLACE, UNIT: UNIT_OF_TAR},
         set()),
    ],
)  # fmt: skip
def test_config_alone(
    tmp_path: Path, era: str, method: str, places: dict[str, str], missing: set[str]
) -> None:
    layout = layout_of(archive(tmp_path, era, method, data=False))
    assert layout.kind is BackupKind.CONFIG
    assert layout.data_items == ()
    assert sources(layout.config_items) == {
        LOOM_GENESIS: "genesis.json", LOOM_CONFIG: "loom.yml", **places
    }  # fmt: skip
    said = [warning for warning in layout.warnings if warning.startswith("no ")]
    assert len(said) == len(missing)
    assert all(any(target in warning for warning in said) for target in missing)


@pytest.mark.parametrize("lead", ["", "./", "home/ubuntu/", "./srv/loom/"])
def test_paths_of_any_depth_keep_their_spelling(lead: str) -> None:
    tar = tar_with(
        (f"{lead}app.db/CURRENT", "x"),
        (f"{lead}evm.db/CURRENT", "x"),
        (f"{lead}chaindata/data/blockstore.db/CURRENT", "x"),
        (f"{lead}chaindata/data/cs.wal/config.toml", "x"),
        (f"{lead}loom.yml", "ChainID: default"),
        (f"{lead}loom.service", UNIT_TEXT),
    )
    layout = layout_of(tar)
    assert layout.kind is BackupKind.FULL
    assert sources(layout.data_items) == {
        "chaindata/data": f"{lead}chaindata/data",
        "app.db": f"{lead}app.db",
        "evm.db": f"{lead}evm.db",
    }
    assert sources(layout.config_items) == {LOOM_CONFIG: f"{lead}loom.yml", UNIT: f"{lead}loom.service"}


def test_absolute_arguments_of_the_tar_method(tmp_path: Path) -> None:
    root = tmp_path / "machine"
    home = make_node(root)
    tar = tar_of(home, ("chaindata", "/home/ubuntu/app.db", "/home/ubuntu//evm.db"), root=root)
    assert sources(layout_of(tar).data_items) == {
        "chaindata/data": "chaindata/data",
        "app.db": "home/ubuntu/app.db",
        "evm.db": "home/ubuntu//evm.db",
    }


def test_all_databases_that_are_there_are_restored_and_replaced_ones_are_not(tmp_path: Path) -> None:
    home = make_node(tmp_path)
    names = ["app_v2.db", "block_index.db", "events.db", "old_app_1540000000.db"]
    for name in names:
        make_database(home / name)
    layout = layout_of(tar_of(home, ["chaindata", "app.db", "evm.db", "receipts_db", *names]))
    assert {item.target for item in layout.data_items} == {
        "chaindata/data", "app.db", "evm.db", "receipts_db", "app_v2.db", "block_index.db", "events.db",
    }  # fmt: skip
    assert not any("evm.db is not" in warning for warning in layout.warnings)
    assert any("app_v2.db is in the archive" in warning for warning in layout.warnings)


class TestReadyCases:
    """What docs/loom.md 5, says, by names alone."""

    def test_data(self) -> None:
        layout = classify(
            named("app.db/CURRENT", "chaindata/data/blockstore.db/CURRENT", "chaindata/config/node_key.json")
        )
        assert layout.kind is BackupKind.DATA
        assert layout.config_items == ()

    @pytest.mark.parametrize(
        ("names", "key", "unit"),
        [
            (("config/node_key.json", "genesis.json", "loom.yml", "loom.service"), "config/node_key.json",
             "loom.service"),
            (("chaindata/config/node_key.json", "genesis.json", "loom.yml", UNIT_OF_TAR),
             "chaindata/config/node_key.json", UNIT_OF_TAR),
            (("node_key.json", "config.toml", "genesis.json", "loom.yml", "delegatecall.service"),
             "node_key.json", "delegatecall.service"),
        ],
    )  # fmt: skip
    def test_config_of_three_eras(self, names: tuple[str, ...], key: str, unit: str) -> None:
        layout = classify(named(*names))
        assert layout.kind is BackupKind.CONFIG
        assert sources(layout.config_items)[NODE_KEY] == key
        assert sources(layout.config_items)[UNIT] == unit
        assert any("no chaindata/config/priv_validator.json" in warning for warning in layout.warnings)

    def test_data_with_leftovers(self) -> None:
        tar = tar_with(
            ("app.db/CURRENT", "x"),
            ("chaindata/data/blockstore.db/CURRENT", "x"),
            ("chaindata/config/node_key.json", node_key()),
            ("config/node_key.json", node_key(KEY_B)),
            ("loom.service", UNIT_TEXT),
        )
        layout = layout_of(tar)
        assert layout.kind is BackupKind.DATA
        assert layout.config_items == ()
        assert any("leftovers" in w and "config/node_key.json" in w for w in layout.warnings)


class TestLeftovers:
    """`config/` at the top of rsync's staging, beside chaindata/config."""

    @pytest.fixture
    def staging(self, tmp_path: Path) -> Path:
        root = tmp_path / "machine"
        home = make_node(root)
        rsync_staging(root, home, stuff("920b0f5", data=True, config=True), tmp_path / "stage")
        return tmp_path / "stage"

    def test_of_another_key_they_are_never_used(self, staging: Path) -> None:
        (staging / "config/node_key.json").write_text(node_key(KEY_B))
        layout = layout_of(tar_of_staging(staging))
        assert layout.kind is BackupKind.DATA
        assert layout.config_items == ()
        assert sources(layout.identity)[NODE_KEY] == NODE_KEY
        assert any("leftovers of an earlier run" in warning for warning in layout.warnings)

    def test_an_additional_file_shows_them_too(self, staging: Path) -> None:
        (staging / "chaindata/config/config.toml").unlink()
        assert layout_of(tar_of_staging(staging)).kind is BackupKind.DATA

    def test_signing_state_of_weeks_ago_shows_them(self, staging: Path) -> None:
        old = staging / "config/priv_validator.json"
        old.write_text(priv_validator(50))
        os.utime(old, (1_500_000_000, 1_500_000_000))
        assert layout_of(tar_of_staging(staging)).kind is BackupKind.DATA

    def test_signing_state_that_went_on_within_the_run_is_a_running_node(self, staging: Path) -> None:
        (staging / "config/priv_validator.json").write_text(priv_validator(101))
        layout = layout_of(tar_of_staging(staging))
        assert layout.kind is BackupKind.FULL
        assert sources(layout.config_items)[VALIDATOR] == VALIDATOR
        assert any("taken from a running node" in warning for warning in layout.warnings)

    def test_two_unit_files_that_differ_are_both_left_out(self, staging: Path) -> None:
        (staging / "delegatecall.service").write_text(UNIT_TEXT.replace("/usr/bin", "/opt"))
        layout = layout_of(tar_of_staging(staging))
        assert layout.kind is BackupKind.FULL
        assert UNIT not in sources(layout.config_items)
        assert any("more than one unit file is in the archive" in warning for warning in layout.warnings)

    def test_two_equal_unit_files_are_one(self, staging: Path) -> None:
        shutil.copyfile(staging / "loom.service", staging / "delegatecall.service")
        assert UNIT in sources(layout_of(tar_of_staging(staging)).config_items)


def test_genesis_files_are_told_by_content() -> None:
    layout = layout_of(
        tar_with(
            ("node_key.json", node_key()),
            ("genesis.json", TM_GENESIS_TEXT),
            ("loom/genesis.json", LOOM_GENESIS_TEXT),
            ("other/genesis.json", "[]"),
            ("other.service", "[Service]\nExecStop=/bin/true\n"),
        )
    )
    assert sources(layout.config_items) == {
        NODE_KEY: "node_key.json",
        TENDERMINT_GENESIS: "genesis.json",
        LOOM_GENESIS: "loom/genesis.json",
    }


def test_config_larger_than_any_config_is_not_offered() -> None:
    layout = layout_of(tar_with(("loom.yml", b" " * (1024**2 + 1)), ("node_key.json", node_key())))
    assert LOOM_CONFIG not in sources(layout.config_items)
    assert any("loom.yml has 1,048,577 bytes" in warning for warning in layout.warnings)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("app.db/000001.log", "chaindata/data/blockstore.db/CURRENT"), "not its CURRENT"),
        (("app.db/CURRENT", "loom.yml"), "no chaindata/data/blockstore.db"),
        (("chaindata/data/blockstore.db/", "loom.yml", "node_key.json"), "but no app.db"),
        (("photos/cat.jpg",), "neither the data nor the config"),
        (("some.service",), "neither the data nor the config"),
        (("genesis.json",), "neither the data nor the config"),
    ],
)
def test_half_a_backup_is_of_unknown_kind(names: tuple[str, ...], why: str) -> None:
    layout = classify(named(*names))
    assert layout.kind is BackupKind.UNKNOWN
    assert layout.data_items == layout.config_items == ()
    assert any(why in warning for warning in layout.warnings)


DATA_NAMES = ("app.db/CURRENT", "chaindata/data/blockstore.db/CURRENT")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ((*named(*DATA_NAMES, "home/app.db/CURRENT"),), "app.db more than once"),
        ((*named(*DATA_NAMES, "./app.db/000001.ldb"),), "app.db more than once"),
        ((*named(*DATA_NAMES), Member("app.db/x", MemberType.SYMLINK, 0, "CURRENT")), "is a symlink"),
        ((*named(*DATA_NAMES, "x"), Member("app.db/y", MemberType.HARDLINK, 0, "x")), "is a hardlink"),
        ((*named("a;b/app.db/CURRENT", DATA_NAMES[1]),), "unusual name"),
        ((*named("-C/app.db/CURRENT", DATA_NAMES[1]),), "unusual name"),
    ],
)
def test_items_that_cannot_be_restored_safely_are_refused(members: tuple[Member, ...], why: str) -> None:
    with pytest.raises(ArchiveRejected, match=why):
        classify(members)
    assert guess_kind(members, {}, complete=True) is BackupKind.UNKNOWN


def test_links_elsewhere_are_left_out() -> None:
    members = (
        *named(*DATA_NAMES),
        Member("app.db/000001.ldb", MemberType.HARDLINK, 0, "app.db/CURRENT"),
        Member("contracts/latest", MemberType.SYMLINK, 0, "coin"),
    )
    layout = classify(members)
    assert layout.kind is BackupKind.DATA
    assert "1 links in the archive are not among what is restored; they are left out" in layout.warnings


def test_first_members_tell_data_and_nothing_else() -> None:
    assert guess_kind(named("app.db/"), {}, complete=False) is BackupKind.DATA
    assert guess_kind(named("chaindata/data/blockstore.db/"), {}, complete=False) is BackupKind.DATA
    assert guess_kind(named("a/chaindata/data/cs.wal/wal"), {}, complete=False) is BackupKind.DATA
    assert guess_kind(named("chaindata/data/"), {}, complete=False) is BackupKind.UNKNOWN
    assert guess_kind(named("chaindata/config/node_key.json"), {}, complete=False) is BackupKind.UNKNOWN


NAMES = st.lists(
    st.lists(
        st.sampled_from(
            ["app.db", "CURRENT", "chaindata", "data", "blockstore.db", "config", "node_key.json", "home",
             "genesis.json", "loom.yml", "loom.service", "evm.db", ".", "-x", "priv_validator.json"]
        ),
        min_size=1, max_size=5,
    ).map("/".join),
    max_size=12,
)  # fmt: skip


@given(NAMES)
def test_whatever_is_in_it_every_item_is_of_the_archive(names: list[str]) -> None:
    members = named(*names)
    try:
        layout = classify(members)
    except ArchiveRejected:
        return
    for item in layout.config_items:
        assert item.source in names
        assert item.target in CONFIG_TARGETS
    for item in layout.data_items:
        assert any(name == item.source or name.startswith(item.source + "/") for name in names)
        assert not item.target.startswith("chaindata/config")
    targets = [item.target for item in (*layout.data_items, *layout.config_items)]
    assert len(targets) == len(set(targets))
    if layout.kind is BackupKind.DATA:
        assert layout.config_items == ()


def test_heights_are_read_from_the_journals_of_both_databases() -> None:
    reading = Reading()
    tar = tar_with(
        ("app.db/000001.log", app_journal(7, 9)),
        ("app.db/000003.log", app_journal(8)),
        ("chaindata/data/blockstore.db/000001.log", store_journal(11)),
        ("evm.db/000001.log", app_journal(99)),
    )
    read((tar,), reading)
    assert (reading.app_height, reading.store_height) == (9, 11)
