"""Clusters whose machines are of another chain than the backups: whole restores on practice clusters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loomtui.backups.catalogue import Catalogue
from loomtui.drill.environment import surroundings
from loomtui.drill.practice import Practice, practice
from loomtui.drill.scenarios import Past
from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.inventory.load import load
from loomtui.loom.databases import LOOM_GENESIS, TENDERMINT_GENESIS
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.restore.choices import Choices
from loomtui.restore.findings import texts_of
from loomtui.restore.plan import Plan
from loomtui.restore.planning.planner import make_plan
from tests.drill.looking import height, until
from tests.restore.mishaps import lose_chaindata, make_blank, make_wrongly_initialised
from tests.restore.test_practice_members import node_id, restored, validator

pytestmark = pytest.mark.slow

VALIDATORS = 4
FILES = (TENDERMINT_GENESIS, LOOM_GENESIS)


@pytest.fixture
def cluster(home: Path) -> Iterator[Practice]:
    """Four validators and a backup node without config backups, as backup.sh is set up by default."""
    past = Past(elected=False, stakes=(), backup_config=False)
    with practice("healthy", VALIDATORS, block_seconds=0.3, past=past) as made, surroundings(made):
        yield made


def texts(cluster: Practice, name: str) -> dict[str, object]:
    home = cluster.working_directory(name)
    return {target: json.loads((home / target).read_text()) for target in FILES}


def keys(cluster: Practice) -> dict[str, tuple[str | None, str | None]]:
    return {name: (node_id(cluster, name), validator(cluster, name).address) for name in cluster.names}


def old_genesis(cluster: Practice) -> dict[str, object]:
    return texts(cluster, cluster.names[0])


def is_back(cluster: Practice, plan: Plan, own: object, genesis: object) -> None:
    assert keys(cluster) == own
    assert all(texts(cluster, name) == genesis for name in cluster.names)
    reached = plan.prediction.height or 0
    until(lambda: min(height(cluster, name) for name in cluster.names) > reached)


async def looked(cluster: Practice, **choices: Any) -> Plan:
    inventory = load(cluster.inventory_path)
    catalogue = Catalogue(inventory.s3)
    try:
        async with Fleet(inventory, Refuse()) as fleet:
            return await make_plan(inventory, fleet, catalogue, Choices(**choices))
    finally:
        await catalogue.close()


async def test_blank_machines_get_the_old_chain_back_and_not_with_their_own_keys(cluster: Practice) -> None:
    own, genesis = keys(cluster), old_genesis(cluster)
    make_blank(cluster)
    kept = await looked(cluster, keep_keys=True)
    assert any("are of no validator of the data's chain" in text for text in texts_of(kept.refusals))
    plan = await restored(cluster)
    assert plan.chain is not None
    assert len(plan.chain.foreign_files) == len(FILES) * len(cluster.names)
    is_back(cluster, plan, own, genesis)


async def test_a_cluster_that_made_blocks_of_its_own_gets_the_old_chain_back(cluster: Practice) -> None:
    own, genesis = keys(cluster), old_genesis(cluster)
    make_wrongly_initialised(cluster)
    is_back(cluster, await restored(cluster), own, genesis)


@pytest.mark.parametrize("app_db", [False, True])
async def test_chaindata_that_is_lost_everywhere_comes_back(cluster: Practice, app_db: bool) -> None:
    own, genesis = keys(cluster), old_genesis(cluster)
    lose_chaindata(cluster, app_db=app_db)
    is_back(cluster, await restored(cluster), own, genesis)


async def test_a_blank_machine_joins_the_chain_that_lives_on(cluster: Practice) -> None:
    own, genesis = keys(cluster), old_genesis(cluster)
    make_blank(cluster, only="val-2")
    plan = await restored(cluster, nodes=("val-2",), reset_signing=True)
    is_back(cluster, plan, own, genesis)


@pytest.mark.usefixtures("home")
async def test_a_set_elected_anew_decides_both_ways() -> None:
    past = Past(elected=True, stakes=(9_000_000_000_000, *[1_000_000_000_000] * 3), backup_config=True)
    with practice("healthy", VALIDATORS, block_seconds=0.3, past=past) as cluster, surroundings(cluster):
        own, genesis = keys(cluster), old_genesis(cluster)
        lose_chaindata(cluster)
        plan = await restored(cluster)
        founders = {
            power.address
            for power in read_tendermint_genesis(json.dumps(genesis[TENDERMINT_GENESIS])).validators
        }
        sitting = {validator.address for validator in plan.validators}
        assert sitting - founders
        assert founders - sitting
        assert plan.prediction.total_power > 9_000_000_000_000
        is_back(cluster, plan, own, genesis)
