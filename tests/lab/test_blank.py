"""Five real machines that were deployed anew: keys, genesis files and units of another chain."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Mapping
from pathlib import Path

import boto3
import pytest

from loomtui.drill.history import Keys
from loomtui.drill.node.documents import loom_genesis, tendermint_genesis
from loomtui.drill.node.keys import node_key_text
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.inventory.model import Role
from tests.lab import nodes
from tests.lab.backups import DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.desk import Desk
from tests.lab.proof import around, clock, moving, on_nodes, signed_twice
from tests.restore.mishaps import validator_of

_IDENTITY = """
cd /home/ubuntu
sha256sum genesis.json chaindata/config/genesis.json chaindata/config/node_key.json
grep -o '"address": *"[0-9A-F]*"' chaindata/config/priv_validator.json
"""
_PEER = re.compile(r"tcp://[0-9a-f]{40}@([0-9.]+):")


@pytest.fixture(scope="module")
def desk(own: Lab, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(own, tmp_path_factory.mktemp("desk"))


def drop_config_backups(lab: Lab, source: str) -> None:
    """backup.sh's default on a backup node: BACKUP_DATA alone."""
    settings = lab.inventory().s3
    client = boto3.client("s3", endpoint_url=settings.endpoint, region_name=settings.region or "us-east-1")
    listed = client.list_objects_v2(Bucket=settings.bucket)["Contents"]
    own = [entry for entry in listed if f"-{source}." in entry["Key"]]
    smallest = sorted(own, key=lambda entry: entry["Size"])[:5]  # a config archive is some kilobytes
    for entry in smallest:
        client.delete_object(Bucket=settings.bucket, Key=entry["Key"])


def deploy_anew(lab: Lab) -> None:
    """Every machine gets keys, both genesis files and right peers of a new chain; its databases are gone."""
    inventory, source = lab.inventory(), random.SystemRandom()
    keys = {node.name: Keys.new(source) for node in inventory.nodes}
    founders = [validator_of(keys[node.name]) for node in inventory.nodes if node.role is Role.VALIDATOR]
    ids = {node.host: keys[node.name].node_id for node in inventory.nodes}
    for name, own in keys.items():
        unit = lab.run(name, f"cat {nodes.UNIT}").stdout
        files = {
            "genesis.json": loom_genesis(founders),
            "chaindata/config/genesis.json": tendermint_genesis(founders),
            "chaindata/config/node_key.json": node_key_text(own.node),
            "chaindata/config/priv_validator.json": PrivValidator(Path(), own.validator).text(),
            str(nodes.UNIT): _PEER.sub(lambda peer: f"tcp://{ids[peer[1]]}@{peer[1]}:", unit),
        }
        lab.run(name, _deployment(files))


def _deployment(files: Mapping[str, str]) -> str:
    lines = [
        "systemctl stop loom",
        "cd /home/ubuntu",
        "rm -rf *.db receipts_db chaindata/data chaindata/config/addrbook.json",
    ]
    for name, text in files.items():
        lines.append(f"echo {base64.b64encode(text.encode()).decode()} | base64 -d >{name}")
    lines += ["chown -R ubuntu: /home/ubuntu", "systemctl daemon-reload"]
    return "set -e\n" + "\n".join(lines)


async def test_a_blank_cluster_becomes_the_old_one_and_moves(own: Lab, desk: Desk) -> None:
    backup = next(node.name for node in own.inventory().nodes if node.role is Role.BACKUP)
    since, chain = clock(own), await around(own, DATA_HEIGHT)
    before = await on_nodes(own, _IDENTITY)
    drop_config_backups(own, backup)
    deploy_anew(own)
    assert set((await on_nodes(own, _IDENTITY)).values()).isdisjoint(before.values())

    kept, _ = desk.plan("--keep-keys")
    assert kept.status == 3
    assert any("of no validator of the data's chain" in text for text in kept.document["refusals"])
    made, path = desk.plan()
    assert made.status == 0, made.out
    done = desk.restore(path)
    assert done.status == 0, done.err

    assert await moving(own)
    assert await on_nodes(own, _IDENTITY) == before
    kept_block, _ = await around(own, DATA_HEIGHT)
    assert kept_block == chain[0]
    assert await signed_twice(own, since) == {}
