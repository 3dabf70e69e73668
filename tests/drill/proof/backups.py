"""Backups of a cluster in an S3 of the real protocol: good ones, and one of each that is bad."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml
from moto.s3.models import s3_backends

from loomtui.drill import store
from loomtui.drill.archives import object_key
from loomtui.drill.backup_sets import heights_wanted, uploads
from loomtui.drill.machines import Machine
from loomtui.drill.scenarios import Past, load_scenario
from loomtui.drill.stage import Stage, hosts_of

CLUSTER, BACKUP_HOST = "mainnet", "backup.loom.example"
GOOD, TRUNCATED, NO_EVM, TORN = 55, 52, 51, 50  # the last block in each
SCENARIO = f"""
title: Backups to be proved
story: Nothing has happened.
teaches: A backup that nobody has restored is a hope.
rests_on: It is a test.
chain: {{tip: 60, data: 50, stopped_minutes_ago: 30}}
state: [{{data: {{nodes: all, height: tip}}}}]
backups:
  redis: true
  data:
    - {{height: {GOOD}}}
    - {{height: {TRUNCATED}, truncated: true}}
    - {{height: {NO_EVM}, lacks: [evm.db]}}
    - {{height: {TORN}, app_ahead: 2}}
expected: {{ends: healthy, sentence: Nothing is wrong.}}
solved: [{{moves: {{nodes: all}}}}]
"""


@dataclass(frozen=True)
class Backups:
    """`inventory`: its file. `keys`: of the data backups, by their last block."""

    inventory: Path
    keys: Mapping[int, str]
    environment: Mapping[str, str]
    addresses: tuple[str, ...]  # of the cluster that they are from
    private_keys: tuple[str, ...]  # of its nodes and validators, in base64

    def objects(self) -> Mapping[str, str]:
        """What lies in S3: the ETag of each key."""
        return {
            key: one.etag for key, one in s3_backends[store.ACCOUNT]["aws"].buckets[store.BUCKET].keys.items()
        }


def make(folder: Path) -> Backups:
    """What an hourly backup.sh would have left."""
    (folder / "proof.yml").write_text(SCENARIO)
    scenario = load_scenario(folder / "proof.yml")
    machines = [_machine(folder, number) for number in (1, 2, 3)]
    hosts = hosts_of(scenario, machines)
    stage = Stage(scenario, hosts, machines, folder / "history", Past(), heights_wanted(scenario))
    endpoint = store.start("127.0.0.1")
    store.fill(uploads(stage))
    path = folder / "inventory.yml"
    path.write_text(yaml.safe_dump(_inventory(machines, endpoint)))
    return Backups(
        path,
        {height: _key(stage, height) for height in (GOOD, TRUNCATED, NO_EVM, TORN)},
        store.ENVIRONMENT,
        tuple(machine.address for machine in machines),
        tuple(b64encode(key).decode() for host in hosts for key in (host.keys.node, host.keys.validator)),
    )


def _machine(folder: Path, number: int) -> Machine:
    is_validator = number < 3
    hostname = f"ip-10-2-0-{number}" if is_validator else BACKUP_HOST
    name = f"val-{number}" if is_validator else "backup-1"
    return Machine(name, is_validator, folder / name, f"10.2.0.{number}", 46657, 46658, hostname)


def _key(stage: Stage, height: int) -> str:
    at = stage.history.time_of(height) + timedelta(minutes=7)
    return object_key(store.PREFIX, at, BACKUP_HOST, "tar.bz2")


def _inventory(machines: Sequence[Machine], endpoint: str) -> Mapping[str, object]:
    """Of nodes that nobody reaches: a proof has no use for them."""
    nodes = [
        {
            "name": machine.name,
            "role": "validator" if machine.validator else "backup",
            "host": machine.address,
            "backup_host": machine.hostname,
        }
        for machine in machines
    ]
    s3 = {"bucket": store.BUCKET, "prefix": store.PREFIX, "region": store.REGION, "endpoint": endpoint}
    return {"cluster": CLUSTER, "production": True, "s3": s3, "nodes": nodes}
