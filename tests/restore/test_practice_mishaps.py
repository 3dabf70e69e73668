"""The states in which a cluster can be found are as they are said to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.model import BackupKind, Contents
from loomtui.drill.practice import Practice, practice
from loomtui.drill.scenarios import Past
from loomtui.inventory.load import load
from loomtui.loom.genesis import read_tendermint_genesis
from tests.drill.looking import ask, height, until
from tests.restore.mishaps import lose_chaindata, make_blank, make_wrongly_initialised, stop

NODES = 3


@pytest.fixture
def cluster(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Practice]:
    past = Past(
        elected=True, stakes=(9_000_000_000_000, *[1_000_000_000_000] * (NODES - 1)), backup_config=False
    )
    with practice("healthy", NODES, tmp_path, block_seconds=0.2, past=past) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


async def looked(cluster: Practice) -> list[Contents]:
    catalogue = Catalogue(load(cluster.inventory_path).s3)
    try:
        return [await catalogue.look(backup) for backup in await catalogue.list()]
    finally:
        await catalogue.close()


def genesis_addresses(text: str) -> set[str]:
    return {entry.address for entry in read_tendermint_genesis(text).validators}


@pytest.mark.slow
async def test_a_past_with_an_election_and_without_a_config_of_the_backup_node(cluster: Practice) -> None:
    found = await looked(cluster)
    backup_host = {c.backup.source for c in found if c.backup.kind is BackupKind.DATA}
    assert len(backup_host) == 1
    assert backup_host.isdisjoint(c.backup.source for c in found if c.backup.kind is BackupKind.CONFIG)
    file = (cluster.working_directory("val-1") / "chaindata/config/genesis.json").read_text()
    for contents in found:
        if contents.backup.kind is BackupKind.DATA:
            chain = contents.chain
            assert chain is not None
            assert chain.height == contents.app_height == contents.state_height
            sitting = {entry.address: entry.power for entry in chain.validators}
            assert len(sitting.keys() - genesis_addresses(file)) == 1
            assert len(genesis_addresses(file) - sitting.keys()) == 1
            assert max(sitting.values()) > sum(sitting.values()) * 2 / 3
            assert contents.genesis_doc is not None
            assert json.loads(contents.genesis_doc) == json.loads(file)
    status = ask(cluster, "val-1", "status")
    assert int(status["validator_info"]["voting_power"]) > 9_000_000_000_000
    at_height = ask(cluster, "val-1", "validators?height=60")
    powers = {int(entry["voting_power"]) for entry in at_height["validators"]}
    assert (at_height["block_height"], len(powers)) == ("60", 2)
    first = ask(cluster, "val-1", "validators?height=2")
    assert {entry["address"] for entry in first["validators"]} == genesis_addresses(file)


@pytest.mark.slow
def test_blank_machines_are_of_another_chain_with_the_same_id(cluster: Practice) -> None:
    config = cluster.working_directory("val-1") / "chaindata/config"
    old = (config / "genesis.json").read_text()
    fresh = make_blank(cluster)
    new = (config / "genesis.json").read_text()
    assert new == fresh.tendermint_genesis
    assert json.loads(new)["chain_id"] == json.loads(old)["chain_id"]
    assert json.loads(new)["genesis_time"] != json.loads(old)["genesis_time"]
    assert genesis_addresses(new).isdisjoint(genesis_addresses(old))
    for name in cluster.names:
        home = cluster.working_directory(name)
        assert not (home / "chaindata/data").exists()
        assert not (home / "app.db").exists()
        assert cluster.shell(name, "systemctl is-active loom").stdout.strip() == "inactive"
        assert cluster.shell(name, f"cd {home} && loom nodekey").stdout.strip() == fresh.node_ids[name]
        others = {other for other in fresh.node_ids if other.startswith("val-") and other != name}
        unit = cluster.unit_path(name).read_text()
        assert all(fresh.node_ids[other] in unit for other in others)


@pytest.mark.slow
def test_a_wrongly_initialised_cluster_has_made_blocks_of_its_own(cluster: Practice) -> None:
    fresh = make_wrongly_initialised(cluster)
    reached = height(cluster, "val-1")
    assert 3 <= reached < 60
    told = ask(cluster, "val-1", "validators")
    assert {entry["address"] for entry in told["validators"]} == {
        address for name, address in fresh.addresses.items() if name.startswith("val-")
    }
    until(lambda: height(cluster, "val-1") > reached)


@pytest.mark.slow
@pytest.mark.parametrize("app_db", [True, False])
def test_chaindata_is_gone_everywhere(cluster: Practice, app_db: bool) -> None:
    lose_chaindata(cluster, app_db=app_db)
    for name in cluster.names:
        home = cluster.working_directory(name)
        assert not (home / "chaindata").exists()
        assert (home / "app.db").exists() is not app_db
        assert (home / "genesis.json").exists()
    stop(cluster)
