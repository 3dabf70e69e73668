"""A node of a real systemd whose config.toml and unit have Loom look for its files elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.drill.node.keys import new_private_key, node_key_text
from loomtui.fleet.fleet import WritableFleet
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.probe import node_details
from tests.lab.client import Lab
from tests.lab.desk import Desk
from tests.lab.watching import healthy

NODE = "val-2"
HOME = "/home/ubuntu"
CONFIG = f"{HOME}/chaindata/config"
BIG = "/srv/loom"
_MOVE = f"""
systemctl stop loom
cp -a {CONFIG} {HOME}/config.kept
install -d -o ubuntu -g ubuntu {BIG}
mv {HOME}/chaindata/data {CONFIG}/node_key.json {CONFIG}/priv_validator.json {BIG}/
sed -i -e 's|^db_dir = .*|db_dir = "{BIG}/data"|' -e 's|"data/cs.wal/wal"|"{BIG}/data/cs.wal/wal"|' \
    -e 's|"config/node_key.json"|"{BIG}/node_key.json"|' \
    -e 's|"config/priv_validator.json"|"{BIG}/priv_validator.json"|' {CONFIG}/config.toml
systemctl start loom
"""
_BACK = f"""
systemctl stop loom
rm -rf {HOME}/chaindata/data
mv {BIG}/data {HOME}/chaindata/data
mv {BIG}/node_key.json {BIG}/priv_validator.json {CONFIG}/
cp -p {HOME}/config.kept/config.toml {CONFIG}/config.toml
rm -r {HOME}/config.kept
systemctl start loom
"""


@pytest.fixture
def moved(shared: Lab) -> Iterator[str]:
    """Data and keys are below BIG, and a stranger's key is where the node's own usually is."""
    shared.run(NODE, f"set -e\n{_MOVE}")
    stranger = node_key_text(new_private_key())
    shared.run(NODE, f"printf %s '{stranger}' >{CONFIG}/node_key.json && chown ubuntu {CONFIG}/node_key.json")
    yield BIG
    shared.run(NODE, f"set -e\n{_BACK}")


async def _details(fleet: WritableFleet) -> NodeDetails:
    seen = (await node_details(fleet, [NODE]))[NODE]
    assert isinstance(seen, NodeDetails)
    return seen


async def test_looks_follow_and_the_plan_refuses(
    shared: Lab, fleet: WritableFleet, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await healthy(fleet)
    before = (await _details(fleet)).status
    big = request.getfixturevalue("moved")
    await healthy(fleet)
    seen = await _details(fleet)
    status = seen.status
    assert status.node_key == before.node_key
    assert status.validator is not None
    assert before.validator is not None
    assert status.validator.address == before.validator.address
    assert status.missing_databases == ()
    assert {led.key: led.path for led in status.led} == {
        "node_key_file": f"{big}/node_key.json",
        "priv_validator_file": f"{big}/priv_validator.json",
        "db_dir": f"{big}/data",
    }
    assert status.node_key is not None
    assert seen.reported_node_id == status.node_key.node_id

    runs = f"ls -d {HOME}/.loomtui/runs/* 2>/dev/null"  # of other tests
    runs_before = shared.run(NODE, runs, check=False).stdout
    planned, _ = Desk(shared, tmp_path).plan("--nodes", NODE)
    assert planned.status == 3, planned.out + planned.err
    refusals = planned.document["findings"]["refusals"]
    said = [one["sentence"] for one in refusals if one["code"] == "files-moved"]
    for key in ("db_dir", "node_key_file", "priv_validator_file", "consensus.wal_file"):
        assert any(f'{NODE}: {key} = "{big}/' in sentence for sentence in said), said
    assert shared.run(NODE, runs, check=False).stdout == runs_before


async def test_a_variable_of_the_unit_is_seen(shared: Lab, fleet: WritableFleet) -> None:
    folder = "/etc/systemd/system/loom.service.d"
    file, drop_in = "/etc/default/loom-lab", f"{folder}/50-lab.conf"
    shared.run(
        NODE,
        f"set -e; mkdir -p {folder}; echo 'TM_NODE_KEY_FILE=/nowhere/key.json' >{file}\n"
        "printf '[Service]\\nEnvironment=LOOM_ROOTDIR=/srv GOGC=50\\n"
        f"EnvironmentFile=-{file}\\n' >{drop_in}\n"
        "systemctl daemon-reload",
    )
    try:
        seen = await _details(fleet)
        assert seen.environment == ("LOOM_ROOTDIR", "TM_NODE_KEY_FILE")
        assert seen.status.node_key is not None
        assert (seen.status.node_key.node_id, seen.status.node_key.closed) == (None, True)
        assert seen.reported_node_id is None
    finally:
        shared.run(NODE, f"rm {drop_in} {file}; rmdir {folder} 2>/dev/null; systemctl daemon-reload")
    assert (await _details(fleet)).environment == ()
