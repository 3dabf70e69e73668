"""The states in which a cluster of LocalNodes can be found are as they are said to be."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from loomtui.backups.model import BackupKind
from loomtui.loom.chainstate import read_chain_state
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.loom.nodekey import read_node_key
from tests.restore.cluster import BACKUP_TIME, RESTORED_HEIGHT, LocalCluster
from tests.restore.local_mishaps import (
    drop_config_backups,
    elected_powers,
    fresh_genesis,
    fresh_node_key_of,
    fresh_validator_key_of,
    lose_chaindata,
    make_blank,
)
from tests.restore.material import CHAIN_ID, state_journal, tendermint_genesis

Make = Callable[..., LocalCluster]


async def test_a_data_backup_tells_its_chain(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    at = BACKUP_TIME.replace(hour=3)
    genesis = tendermint_genesis(*cluster.validators)
    state = state_journal(RESTORED_HEIGHT, elected_powers(cluster), at, genesis=genesis)
    found = await cluster.catalogue.look(cluster.add_data_backup(at=at, state=state))
    assert found.chain is not None
    assert (found.chain.chain_id, found.chain.height, found.chain.block_time) == (
        CHAIN_ID,
        RESTORED_HEIGHT,
        at,
    )
    sitting = {entry.address for entry in found.chain.validators}
    began = {entry.address for entry in read_tendermint_genesis(genesis).validators}
    assert len(sitting - began) == len(began - sitting) == 1
    assert found.genesis_doc == genesis


@pytest.mark.parametrize("height", [None, 12])
def test_blank_machines_have_a_chain_of_their_own_with_the_old_id(
    make_cluster: Make, height: int | None
) -> None:
    cluster = make_cluster(3)
    make_blank(cluster, height=height)
    for number, machine in enumerate(cluster.machines.values(), 1):
        genesis = read_tendermint_genesis((machine.config / "genesis.json").read_text())
        assert genesis.chain_id == CHAIN_ID
        assert {entry.address for entry in genesis.validators}.isdisjoint(
            k.address for k in cluster.validators
        )
        own = read_node_key((machine.config / "node_key.json").read_text()).node_id
        assert own == fresh_node_key_of(number).node_id
        assert all(
            fresh_node_key_of(other).node_id in machine.unit.read_text() for other in {1, 2, 3} - {number}
        )
        assert machine.active == "inactive"
        journal = machine.workdir / "chaindata/data/state.db/000001.log"
        state = read_chain_state(journal.read_bytes()) if journal.exists() else None
        assert (state.height if state else None) == height
        if state:
            members = {entry.address for entry in state.validators}
            assert members == {fresh_validator_key_of(other).address for other in (1, 2, 3)}
    assert json.loads(fresh_genesis(cluster))["genesis_time"] != "2018-09-06T00:00:00Z"


@pytest.mark.parametrize("app_db", [True, False])
def test_chaindata_is_gone_everywhere(make_cluster: Make, app_db: bool) -> None:
    cluster = make_cluster(2)
    lose_chaindata(cluster, app_db=app_db)
    for machine in cluster.machines.values():
        assert not (machine.workdir / "chaindata").exists()
        assert (machine.workdir / "app.db").exists() is not app_db


async def test_a_backup_node_without_a_config_backup_has_its_data(make_cluster: Make) -> None:
    cluster = make_cluster(2, backup_node=True)
    drop_config_backups(cluster, "n3")
    kinds = [
        (backup.source, (await cluster.catalogue.look(backup)).backup.kind)
        for backup in await cluster.catalogue.list()
    ]
    assert sorted(kinds) == [("n1", BackupKind.CONFIG), ("n2", BackupKind.CONFIG), ("n3", BackupKind.DATA)]
