"""What a practice cluster's past gives to its nodes and to its backups: keys, configuration, databases."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from loomtui.drill import machines
from loomtui.drill.history import History, Keys, now_utc
from loomtui.drill.machines import P2P_PORT, Machine
from loomtui.drill.node.keys import node_key_text
from loomtui.drill.node.settings import config_toml
from loomtui.drill.scenarios import Past, Scenario
from loomtui.drill.scenarios.deeds import Peers
from loomtui.drill.scenarios.model import Hosts

_BLOCK_SPACING = timedelta(minutes=10)
STATE = ("app.db", "app_v2.db", "evm.db", "receipts_db", "chaindata/data")
_FORMER_ADDRESSES = 100  # how much higher the last parts of former hosts' addresses are


@dataclass(frozen=True)
class Host:
    """A machine with the keys of the node that lives on it."""

    machine: Machine
    keys: Keys
    former: Keys | None = None  # before it changed its node key


class Stage:
    """`hosts`: where the history happened; `found`: the machines that the operator finds, mostly the same."""

    def __init__(
        self,
        scenario: Scenario,
        hosts: Sequence[Host],
        found: Sequence[Machine],
        folder: Path,
        past: Past,
        heights: Iterable[int],
    ) -> None:
        """`heights`: of which snapshots of the databases are wanted."""
        self.past = past
        self.scenario = scenario
        self.hosts = hosts
        self.found = found
        validators = [host.keys for host in hosts if host.machine.validator]
        departed = Keys.new(random.SystemRandom())  # an old validator
        self.history = History(
            validators,
            scenario.tip_height,
            now_utc() - timedelta(minutes=scenario.chain.stopped_minutes_ago),
            _BLOCK_SPACING,
            seed=len(hosts),
            founders=[*validators[:-1], departed] if past.elected else (),
            stakes=past.stakes,
        )
        self.snapshots = self.history.snapshots(folder, heights)

    def host(self, name: str) -> Host:
        return next(host for host in self.hosts if host.machine.name == name)

    def config(self, host: Host, signed: int, *, former: bool = False) -> dict[str, bytes]:
        """chaindata/config of this node when it had last signed this height."""
        machine = host.machine
        keys = host.former if former and host.former else host.keys
        outside = f"tcp://{machine.address}:{P2P_PORT}"
        signed = signed if machine.validator else 0
        texts = {
            "node_key.json": node_key_text(keys.node),
            "priv_validator.json": self.history.signing_state(host.keys, signed),
            "genesis.json": self.history.tendermint_genesis,
            "config.toml": config_toml(machine.hostname, P2P_PORT, external_address=outside),
            "addrbook.json": json.dumps({"key": keys.node_id[:24], "addrs": []}),
        }
        return {name: text.encode() for name, text in texts.items()}

    def unit(self, host: Host, peers: Peers | None = None) -> str:
        """Lists every other validator; nobody lists the backup node. `peers`: how the list is wrong."""
        listed = [
            _listed(other, peers)
            for other in self.hosts
            if other.machine.validator and other is not host and peers is not Peers.NONE
        ]
        return machines.unit_text(host.machine, ",".join(listed))

    def loom_yml(self, machine: Machine) -> str:
        text = machines.loom_yml(machine)
        return text + machines.redis_yml() if self.scenario.backups.redis else text

    def write_config(self, host: Host, signed: int) -> None:
        machine = host.machine
        machine.config.mkdir(parents=True, exist_ok=True)
        for folder in (machine.home / "chaindata", machine.config):
            folder.chmod(0o700)
        for name, content in self.config(host, signed).items():
            path = machine.config / name
            path.write_bytes(content)
            path.chmod(0o600 if name in ("node_key.json", "priv_validator.json", "addrbook.json") else 0o644)
        (machine.home / "genesis.json").write_text(self.history.loom_genesis)
        (machine.home / "loom.yml").write_text(self.loom_yml(machine))
        machine.unit.write_text(self.unit(host))
        machine.unit.chmod(0o644)

    def write_data(self, machine: Machine, height: int, items: Sequence[str] = STATE) -> None:
        for name in items:
            target = machine.home / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(self.snapshots[height] / name, target)
        if "chaindata/data" in items:
            (machine.home / "chaindata/data").chmod(0o700)


def _listed(host: Host, peers: Peers | None) -> str:
    node_id = (host.former or host.keys).node_id
    address = host.machine.address
    if peers is Peers.FORMER:
        address = _former_address(host.machine.address)
    return f"tcp://{node_id.upper() if peers is Peers.UPPER_CASE else node_id}@{address}:{P2P_PORT}"


def _former_address(address: str) -> str:
    network, _, number = address.rpartition(".")
    return f"{network}.{_FORMER_ADDRESSES + int(number)}"


def hosts_of(scenario: Scenario, machines: Sequence[Machine]) -> list[Host]:
    """Who the nodes were while the history happened; on other addresses where the hosts have moved since."""
    source = random.SystemRandom()
    moved = scenario.hosts is Hosts.MOVED
    validators = sum(machine.validator for machine in machines)
    hosts = []
    for number, machine in enumerate(machines, 1):
        keys = Keys.new(source)
        former = None
        if moved and number == min(3, validators):
            former = Keys(Keys.new(source).node, keys.validator)
        place = replace(machine, address=_former_address(machine.address)) if moved else machine
        hosts.append(Host(place, keys, former))
    return hosts
