"""What can have happened to a practice cluster after its backups were made. The backups stay as they are."""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from loomtui.drill.history import POWER, Keys
from loomtui.drill.node.blocks import Validator
from loomtui.drill.node.documents import loom_genesis, tendermint_genesis
from loomtui.drill.node.keys import node_key_text
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.practice import Practice
from loomtui.inventory.load import load
from loomtui.inventory.model import Role
from tests.drill.looking import height, until

_PEER = re.compile(r"tcp://[0-9a-f]{40}@([0-9.]+):")
_SECRETS = ("node_key.json", "priv_validator.json")


@dataclass(frozen=True)
class Fresh:
    """The chain that was deployed onto the blank machines."""

    node_ids: dict[str, str]  # by the name of the node
    addresses: dict[str, str]  # of the validator keys, likewise; the backup node's is in no set
    tendermint_genesis: str
    loom_genesis: str


def make_blank(cluster: Practice, *, up: bool = False, only: str | None = None) -> Fresh:
    """Every node is a freshly deployed machine: keys, both genesis files, a unit; no databases.

    The new chain has the old one's chain ID. With `up` the services run, and soon it makes blocks. With
    `only` it is one node that was deployed anew, and the others go on.
    """
    inventory = load(cluster.inventory_path)
    source = random.SystemRandom()
    keys = {node.name: Keys.new(source) for node in inventory.nodes}
    founders = [keys[node.name] for node in inventory.nodes if node.role is Role.VALIDATOR]
    members = [validator_of(entry) for entry in founders]
    fresh = Fresh(
        {name: own.node_id for name, own in keys.items()},
        {name: validator_of(own).address for name, own in keys.items()},
        tendermint_genesis(members),
        loom_genesis(members),
    )
    ids = {node.host: fresh.node_ids[node.name] for node in inventory.nodes}
    names = cluster.names if only is None else (only,)
    for name in names:
        _systemctl(cluster, name, "stop loom")
    for name in names:
        own = keys[name]
        _deploy(cluster.working_directory(name), own, fresh)
        unit = cluster.unit_path(name)
        unit.write_text(_PEER.sub(lambda peer: f"tcp://{ids[peer[1]]}@{peer[1]}:", unit.read_text()))
        _systemctl(cluster, name, "daemon-reload")
    if up:
        start(cluster)
    return fresh


def make_wrongly_initialised(cluster: Practice, blocks: int = 3) -> Fresh:
    """Like a blank one, and it has run: it has made so many blocks of its own, and goes on."""
    fresh = make_blank(cluster, up=True)
    until(lambda: min(height(cluster, name) for name in cluster.names) >= blocks, 60)
    return fresh


def lose_chaindata(cluster: Practice, *, app_db: bool = False, up: bool = False) -> None:
    """`chaindata` is gone from every node, and with `app_db` the application's databases as well."""
    stop(cluster)
    for name in cluster.names:
        home = cluster.working_directory(name)
        lost = ["chaindata", *(("app.db", "app_v2.db", "evm.db", "receipts_db") if app_db else ())]
        for folder in lost:
            shutil.rmtree(home / folder)
    if up:
        start(cluster)


def stop(cluster: Practice) -> None:
    for name in cluster.names:
        _systemctl(cluster, name, "stop loom")


def start(cluster: Practice) -> None:
    for name in cluster.names:
        _systemctl(cluster, name, "start loom")


def _systemctl(cluster: Practice, name: str, call: str) -> None:
    done = cluster.shell(name, f"sudo systemctl {call}")
    assert done.returncode == 0, done.stderr


def validator_of(keys: Keys) -> Validator:
    own = PrivValidator(Path(), keys.validator)
    return Validator(own.address, own.public_key["value"], POWER)


def _deploy(home: Path, keys: Keys, fresh: Fresh) -> None:
    """`loom.yml` and `config.toml` are of this machine, and stay."""
    config = home / "chaindata/config"
    toml = (config / "config.toml").read_text()
    for entry in home.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
    config.mkdir(parents=True)
    for folder in (config.parent, config):
        folder.chmod(0o700)
    texts = {
        "config.toml": toml,
        "genesis.json": fresh.tendermint_genesis,
        "node_key.json": node_key_text(keys.node),
        "priv_validator.json": PrivValidator(Path(), keys.validator).text(),
    }
    for name, text in texts.items():
        (config / name).write_text(text)
        (config / name).chmod(0o600 if name in _SECRETS else 0o644)
    (home / "genesis.json").write_text(fresh.loom_genesis)
