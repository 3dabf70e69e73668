"""Puts a cluster's nodes and backups into the state in which a scenario begins."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from loomtui.drill import archives, machines
from loomtui.drill.archives import ConfigFiles, Era, Method, Upload
from loomtui.drill.history import History, Keys, now_utc
from loomtui.drill.machines import P2P_PORT, Machine
from loomtui.drill.node.keys import node_key_text
from loomtui.drill.node.settings import config_toml
from loomtui.drill.scenarios import Past, Scenario
from loomtui.drill.store import PREFIX

_BLOCK_SPACING = timedelta(minutes=10)
_FAULT_AGE = timedelta(minutes=5)
_OLD_HEIGHTS = (40, 20)  # of the older config backups
_DATA_BACKUPS = (  # height below the newest one's, items, extension, absolute names
    (0, archives.DATA, "tar.bz2", False),
    (9, archives.DATA, "tar.gz", True),
    (19, archives.DATA, "tar.zst", False),
    (39, archives.OLD_DEFAULT_DATA, "tar.bz2", False),
)
_STATE = ("app.db", "app_v2.db", "evm.db", "receipts_db", "chaindata/data")


@dataclass(frozen=True)
class Host:
    """A machine with the keys of the node that lives on it."""

    machine: Machine
    keys: Keys
    former: Keys | None = None  # before it changed its node key


class Stage:
    """`hosts`: where the history happened; `new`: the machines that the operator finds (the same, mostly)."""

    def __init__(
        self,
        scenario: Scenario,
        hosts: Sequence[Host],
        new: Sequence[Machine],
        folder: Path,
        past: Past,
    ) -> None:
        self._past = past
        self._scenario = scenario
        self._hosts = hosts
        self._new = new
        self._folder = folder
        validators = [host.keys for host in hosts if host.machine.validator]
        ended = now_utc() - (_FAULT_AGE if scenario.needs_restore else timedelta(0))
        departed = Keys.new(random.SystemRandom())  # an old validator
        self._history = History(
            validators,
            scenario.tip_height,
            ended,
            _BLOCK_SPACING,
            seed=len(hosts),
            founders=[*validators[:-1], departed] if past.elected else (),
            stakes=past.stakes,
        )
        heights = {scenario.tip_height, *(scenario.data_height - below for below, *_ in _DATA_BACKUPS)}
        self._snapshots = self._history.snapshots(folder, heights)

    def config(self, host: Host, signed: int, *, former: bool = False) -> dict[str, bytes]:
        """chaindata/config of this node when it had last signed this height."""
        machine = host.machine
        keys = host.former if former and host.former else host.keys
        outside = f"tcp://{machine.address}:{P2P_PORT}"
        signed = signed if machine.validator else 0
        texts = {
            "node_key.json": node_key_text(keys.node),
            "priv_validator.json": self._history.signing_state(host.keys, signed),
            "genesis.json": self._history.tendermint_genesis,
            "config.toml": config_toml(machine.hostname, P2P_PORT, external_address=outside),
            "addrbook.json": json.dumps({"key": keys.node_id[:24], "addrs": []}),
        }
        return {name: text.encode() for name, text in texts.items()}

    def unit(self, host: Host) -> str:
        """Lists every other validator; nobody lists the backup node."""
        peers = [
            f"tcp://{(other.former or other.keys).node_id}@{other.machine.address}:{P2P_PORT}"
            for other in self._hosts
            if other.machine.validator and other is not host
        ]
        return machines.unit_text(host.machine, ",".join(peers))

    def write_config(self, host: Host, signed: int) -> None:
        machine = host.machine
        machine.config.mkdir(parents=True, exist_ok=True)
        for folder in (machine.home / "chaindata", machine.config):
            folder.chmod(0o700)
        for name, content in self.config(host, signed).items():
            path = machine.config / name
            path.write_bytes(content)
            path.chmod(0o600 if name in ("node_key.json", "priv_validator.json", "addrbook.json") else 0o644)
        (machine.home / "genesis.json").write_text(self._history.loom_genesis)
        (machine.home / "loom.yml").write_text(machines.loom_yml(machine))
        machine.unit.write_text(self.unit(host))
        machine.unit.chmod(0o644)

    def write_data(self, machine: Machine, height: int) -> None:
        for name in _STATE:
            target = machine.home / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(self._snapshots[height] / name, target, dirs_exist_ok=True)
        (machine.home / "chaindata/data").chmod(0o700)

    # The scenarios

    def set(self) -> None:
        """The state in which the operator finds the machines, services not yet started."""
        _STAGES[self._scenario.name](self)

    def clean_restore(self) -> None:
        for number, host in enumerate(self._hosts):
            self.write_config(host, self._scenario.tip_height)
            self.write_data(host.machine, self._scenario.tip_height)
            damage = _DAMAGES[number % len(_DAMAGES)] if host.machine.validator else _tear_block_store
            damage(host.machine.home)

    def newer_signing_states(self) -> None:
        for host in self._hosts:
            self.write_config(host, self._scenario.tip_height)
            self.write_data(host.machine, self._scenario.data_height)

    def healthy(self) -> None:
        for host in self._hosts:
            self.write_config(host, self._scenario.tip_height)
            self.write_data(host.machine, self._scenario.tip_height)

    def moved_hosts(self) -> None:
        """Fresh installations: a key of its own, as `loom nodekey` makes it, and a unit without peers."""
        source = random.SystemRandom()
        for machine in self._new:
            machine.config.mkdir(parents=True)
            for folder in (machine.home / "chaindata", machine.config):
                folder.chmod(0o700)
            key = machine.config / "node_key.json"
            key.write_text(node_key_text(Keys.new(source).node))
            key.chmod(0o600)
            (machine.config / "config.toml").write_text(config_toml(machine.hostname, 26656))
            machine.unit.write_text(machines.unit_text(machine, ""))

    # The backups

    def uploads(self) -> list[Upload]:
        """Everything that is in S3."""
        with ThreadPoolExecutor(4) as pool:
            data = [pool.submit(self._data_backup, *kind) for kind in _DATA_BACKUPS]
            config = [
                upload
                for n, host in enumerate(self._hosts)
                if host.machine.validator or self._past.backup_config
                for upload in self._config_backups(n, host)
            ]
            return [*(future.result() for future in data), *config]

    def _data_backup(self, below: int, items: tuple[str, ...], extension: str, absolute: bool) -> Upload:
        host = next(host for host in self._hosts if not host.machine.validator)
        height = self._scenario.data_height - below
        prefix = "home/ubuntu/" if absolute else ""
        entries = archives.data_entries(self._snapshots[height], items, self.config(host, 0), prefix)
        return self._upload(host, height, entries, extension, minutes=7)

    def _config_backups(self, number: int, host: Host) -> list[Upload]:
        newest = self._scenario.data_height - 11 + 2 * number % 11
        odd = number % 2 == 1
        methods = (Method.RSYNC, Method.ABSOLUTE_TAR)
        kinds = [
            (newest, Era.FOLDER, methods[odd], "tar.gz" if odd else "tar.bz2", False),
            (_OLD_HEIGHTS[0], Era.FOLDER, methods[not odd], "tar.zst", True),
            (_OLD_HEIGHTS[1], Era.NODE_KEY, Method.RSYNC, "tar.bz2", True),
        ]
        uploads = []
        for height, era, method, extension, former in kinds:
            machine = host.machine
            files = ConfigFiles(
                home=Path("/home/ubuntu"),
                unit=Path("/etc/systemd/system/loom.service"),
                unit_text=self.unit(host).encode(),
                config=self.config(host, height, former=former),
                loom_genesis=self._history.loom_genesis.encode(),
                loom_yml=machines.loom_yml(machine).encode(),
            )
            entries = archives.config_entries(files, era, method)
            uploads.append(self._upload(host, height, entries, extension, minutes=number % 5))
        return uploads

    def _upload(
        self, host: Host, height: int, entries: Mapping[str, Path | bytes], extension: str, minutes: int
    ) -> Upload:
        taken = self._history.time_of(height) + timedelta(minutes=minutes)
        key = archives.object_key(PREFIX, taken, host.machine.hostname, extension)
        return Upload(key, archives.pack(entries, extension, taken), taken)


_STAGES: dict[str, Callable[[Stage], None]] = {
    "clean-restore": Stage.clean_restore,
    "moved-hosts": Stage.moved_hosts,
    "newer-signing-states": Stage.newer_signing_states,
    "healthy": Stage.healthy,
}


def hosts_of(scenario: Scenario, machines: Sequence[Machine], network: str) -> list[Host]:
    """Who the nodes were while the history happened; on other addresses where the hosts have moved since."""
    source = random.SystemRandom()
    moved = scenario.name == "moved-hosts"
    validators = sum(machine.validator for machine in machines)
    hosts = []
    for number, machine in enumerate(machines, 1):
        keys = Keys.new(source)
        former = None
        if moved and number == min(3, validators):
            former = Keys(Keys.new(source).node, keys.validator)
        place = replace(machine, address=f"{network}.{100 + number}") if moved else machine
        hosts.append(Host(place, keys, former))
    return hosts


def _drop_current(home: Path) -> None:
    (home / "app.db/CURRENT").unlink()


def _drop_block_data(home: Path) -> None:
    shutil.rmtree(home / "chaindata/data")


def _drop_evm(home: Path) -> None:
    shutil.rmtree(home / "evm.db")


def _drop_block_store(home: Path) -> None:
    shutil.rmtree(home / "chaindata/data/blockstore.db")


def _tear_block_store(home: Path) -> None:
    journal = home / "chaindata/data/blockstore.db/000003.log"
    with journal.open("r+b") as file:
        file.truncate(journal.stat().st_size // 2)


_DAMAGES: tuple[Callable[[Path], None], ...] = (_drop_current, _drop_block_data, _drop_evm, _drop_block_store)
