"""What can have happened to a cluster of LocalNodes after its backups were made. The backups stay."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

from loomtui.backups.model import BackupKind
from tests.restore.cluster import LocalCluster
from tests.restore.material import (
    CHAIN_ID,
    CONFIG_TOML,
    LOOM_YML,
    Key,
    state_journal,
    unit_text,
    write_state,
)

DEPLOYED = datetime(2026, 2, 1, tzinfo=UTC)
FRESH_LOOM_GENESIS = json.dumps({"contracts": [{"vm": "plugin", "name": "dposV3", "init": "fresh"}]})


def fresh_node_key_of(number: int) -> Key:
    """The P2P key of the n-th machine that was deployed anew."""
    return Key(40 + number)


def fresh_validator_key_of(number: int) -> Key:
    return Key(140 + number)


def fresh_genesis(cluster: LocalCluster) -> str:
    """Tendermint's: the old chain ID, another time, other validators."""
    validators = [
        {
            "address": key.address,
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": key.public64},
            "power": "10",
            "name": "",
        }
        for key in map(fresh_validator_key_of, cluster.numbers)
    ]
    time = DEPLOYED.strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({"genesis_time": time, "chain_id": CHAIN_ID, "validators": validators})


def make_blank(cluster: LocalCluster, *, height: int | None = None, up: bool = False) -> None:
    """Every node is a freshly deployed machine: keys, both genesis files, a unit; no databases.

    `height`: it was wrongly initialised, ran, and has made so many blocks of its own.
    """
    for number, machine in enumerate(cluster.machines.values(), 1):
        for entry in machine.workdir.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if height is not None:
            powers = {fresh_validator_key_of(other): 10 for other in cluster.numbers}
            state = state_journal(height, powers, DEPLOYED, genesis=fresh_genesis(cluster))
            write_state(machine.workdir, height, "wrong", "evm.db", state=state)
        machine.config.mkdir(parents=True, exist_ok=True)
        texts = {
            "node_key.json": fresh_node_key_of(number).node_key_json,
            "priv_validator.json": fresh_validator_key_of(number).validator_json(height or 0),
            "genesis.json": fresh_genesis(cluster),
            "config.toml": CONFIG_TOML,
        }
        for name, text in texts.items():
            (machine.config / name).write_text(text)
        (machine.workdir / "genesis.json").write_text(FRESH_LOOM_GENESIS)
        (machine.workdir / "loom.yml").write_text(LOOM_YML)
        machine.write_unit(unit_text(machine, cluster.peers(number, fresh_node_key_of)))
        machine.set_active("active" if up else "inactive")


def lose_chaindata(cluster: LocalCluster, *, app_db: bool = False) -> None:
    """`chaindata` is gone from every node, and with `app_db` the application's databases as well."""
    for machine in cluster.machines.values():
        for name in ("chaindata", *(("app.db", "evm.db", "receipts_db") if app_db else ())):
            shutil.rmtree(machine.workdir / name)
        machine.set_active("inactive")


def drop_config_backups(cluster: LocalCluster, name: str) -> None:
    """As on a node whose job takes BACKUP_DATA only."""
    for key, backup in list(cluster.catalogue.backups.items()):
        looked = cluster.catalogue._contents(backup)
        if backup.source == name and looked.backup.kind is BackupKind.CONFIG:
            del cluster.catalogue.backups[key], cluster.catalogue.objects[key]


def elected_powers(cluster: LocalCluster) -> dict[Key, int]:
    """For `state_journal`: the first validator of the genesis sits no longer; one has come that it lacks."""
    stake = 1_250_000_000_000
    return dict.fromkeys([*cluster.validators[1:], Key(120)], stake)
