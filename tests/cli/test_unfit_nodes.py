"""Nodes that a restore would miss, or leave unable to start: looks tell it, and the plan refuses."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from loomtui.drill.node.keys import new_private_key, node_key_text
from loomtui.inventory import load
from tests.cli.conftest import Cluster

NODE = "val-1"
CONFIG = "chaindata/config"


def of_node(cluster: Cluster, document: Any) -> Any:
    return next(node for node in document["nodes"] if node["name"] == NODE)


@contextmanager
def as_it_was(home: Path, *names: str) -> Iterator[None]:
    """Puts the files back afterwards."""
    kept = {name: (home / name).read_bytes() for name in names}
    try:
        yield
    finally:
        for name, content in kept.items():
            (home / name).write_bytes(content)


def systemctl(cluster: Cluster, verb: str) -> None:
    done = cluster.practice.shell(NODE, f"systemctl {verb} loom")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_node_with_moved_files(cluster: Cluster) -> None:
    before = of_node(cluster, cluster("status", "--json").document)
    home, big = cluster.practice.working_directory(NODE), cluster.practice.node_root(NODE) / "big"
    keys = {"node_key_file": "node_key.json", "priv_validator_file": "priv_validator.json"}
    with as_it_was(home, f"{CONFIG}/config.toml", *(f"{CONFIG}/{name}" for name in keys.values())):
        systemctl(cluster, "stop")
        big.mkdir(mode=0o755)
        shutil.move(home / "chaindata/data", big / "data")
        config = home / CONFIG / "config.toml"
        text = config.read_text().replace('db_dir = "data"', f'db_dir = "{big}/data"')
        text = text.replace('wal_file = "data/cs.wal/wal"', f'wal_file = "{big}/data/cs.wal/wal"')
        for key, name in keys.items():
            shutil.move(home / CONFIG / name, big / name)
            text = text.replace(f'{key} = "config/{name}"', f'{key} = "{big}/{name}"')
        config.write_text(text)
        (home / CONFIG / "node_key.json").write_text(node_key_text(new_private_key()))
        systemctl(cluster, "start")
        try:
            _looks_follow(cluster, big, before)
            _the_plan_refuses(cluster, big, home)
        finally:
            systemctl(cluster, "stop")
            shutil.rmtree(home / "chaindata/data", ignore_errors=True)
            shutil.move(big / "data", home / "chaindata/data")
    systemctl(cluster, "start")


def _looks_follow(cluster: Cluster, big: Path, before: Any) -> None:
    for _ in range(10):  # each looks until it can tell how the chain is
        now = of_node(cluster, cluster("status", "--json").document)
        if now["height"] is not None:
            break
    assert now["height"] >= before["height"], "it runs with its files where they are now"
    assert (now["node_id"], now["validator"]) == (before["node_id"], before["validator"])
    assert now["missing_databases"] == []
    assert now["moved"] == {
        "node_key_file": f"{big}/node_key.json",
        "priv_validator_file": f"{big}/priv_validator.json",
        "db_dir": f"{big}/data",
    }
    assert f"{NODE}: db_dir of config.toml leads to {big}/data" in cluster("status").out
    told = of_node(cluster, cluster("nodekeys", "--json").document)
    assert (told["node_id"], told["reported"]) == (before["node_id"], before["node_id"])


def _the_plan_refuses(cluster: Cluster, big: Path, home: Path) -> None:
    files = {path: path.stat().st_mtime_ns for path in (home / CONFIG).iterdir()}
    done = cluster("plan")
    assert done.status == 3
    said = " ".join((done.out + done.err).split())
    for key in ("db_dir", "node_key_file", "priv_validator_file", "consensus.wal_file"):
        assert f'{NODE}: {key} = "{big}/' in said
    assert f"has Loom look at {big}/data for chaindata/data" in said
    assert {path: path.stat().st_mtime_ns for path in (home / CONFIG).iterdir()} == files
    assert not (home / ".loomtui").exists()


@pytest.mark.slow
def test_a_genesis_with_plain_numbers(cluster: Cluster) -> None:
    """Somebody wrote 10 where Tendermint wants "10", and the backup has it too."""
    home = cluster.practice.working_directory(NODE)
    with as_it_was(home, f"{CONFIG}/genesis.json"), backup_with_plain_numbers(cluster) as key:
        genesis = home / CONFIG / "genesis.json"
        genesis.write_text(plain(genesis.read_text()))
        told = cluster("backups", "verify", key)
        assert told.status == 0
        said = " ".join((told.out + told.err).split())
        assert f"a node cannot start with {CONFIG}/genesis.json in it: validators[0].power is" in said
        done = cluster("plan")
        assert done.status == 3
        said = " ".join((done.out + done.err).split())
        assert (
            f"{NODE}: it cannot start with {CONFIG}/genesis.json, from {key}: validators[0].power is" in said
        )


def plain(text: str) -> str:
    return re.sub(r'"power": *"([0-9]+)"', r'"power": \1', text)


@contextmanager
def backup_with_plain_numbers(cluster: Cluster) -> Iterator[str]:
    """The newest config backup of the node once more, with such a genesis."""
    inventory = load(cluster.practice.inventory_path)
    s3, host = inventory.s3, inventory.node(NODE).backup_source
    session = boto3.session.Session("practice", "practice", region_name=s3.region)
    client = session.client("s3", endpoint_url=s3.endpoint)
    listed = client.list_objects_v2(Bucket=s3.bucket, Prefix=s3.prefix)["Contents"]
    newest = max(entry["Key"] for entry in listed if f"-{host}.tar" in entry["Key"])
    made = io.BytesIO()
    body = client.get_object(Bucket=s3.bucket, Key=newest)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as old, tarfile.open(fileobj=made, mode="w:bz2") as new:
        for member in old:
            file = old.extractfile(member)
            content = file.read() if file is not None else b""
            if b"chain_id" in content:
                content = plain(content.decode()).encode()
                member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    key = f"{s3.prefix}{datetime.now(UTC):%Y-%m-%d--%H%M%S}-{host}.tar.bz2"
    client.put_object(Bucket=s3.bucket, Key=key, Body=made.getvalue())
    yield key
    client.delete_object(Bucket=s3.bucket, Key=key)
    client.close()
