"""Looks at nodes whose own configuration has Loom look for its files elsewhere."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import Led, NodeStatus
from loomtui.fleet.probes.probe import details, look
from tests.fleet.machine import ID, PUBLIC, Machine, node_key, validator

OTHER = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgKBOXcOqH0XX1ajVGbDTH7My42KkbTuN6Jd9g9bj8mzlA=="
OTHER_ID = "6a3803d5f059902a1c6dafbc9ba4729212f7caac"
CONFIG = "chaindata/config/config.toml"


async def status_of(fleet: Fleet) -> NodeStatus:
    [status] = (await look(fleet)).nodes
    assert status.error is None
    return status


def ids(status: NodeStatus) -> tuple[str | None, str | None]:
    assert status.node_key
    assert status.validator
    return status.node_key.node_id, status.validator.address


async def test_keys_and_databases_are_looked_for_where_config_toml_says(
    machine: Machine, fleet: Fleet
) -> None:
    elsewhere = machine.place.root / "keys"
    machine.write(str(elsewhere / "node.json"), node_key(OTHER))
    machine.write("chaindata/pv/own.json", validator(last_height="7"))
    machine.write("chaindata/config/priv_validator.json", validator(last_height="9"))
    machine.write("chaindata/db/blockstore.db/CURRENT", "MANIFEST-000001\n")
    machine.write("chaindata/db/state.db/CURRENT", "MANIFEST-000001\n")
    machine.write(
        CONFIG,
        f'Node_Key_File = "{elsewhere}/node.json" # as the playbook has it\r\n'
        "priv_validator_file = './pv/own.json'\n"
        'db_dir = "../chaindata/db"\nhome = "/nowhere"\n[p2p]\nnode_key_file = "config/none.json"\n',
    )
    before = machine.files()
    status = await status_of(fleet)
    assert machine.files() == before
    assert ids(status) == (OTHER_ID, ID.upper())
    assert status.validator
    assert status.validator.signing
    assert status.validator.signing.height == 7
    assert status.missing_databases == ()
    assert status.led == (
        Led("node_key_file", f"{elsewhere}/node.json"),
        Led("priv_validator_file", f"{machine.dir}/chaindata/./pv/own.json"),
        Led("db_dir", f"{machine.dir}/chaindata/db"),
    )


async def test_a_key_that_is_not_where_config_toml_says_is_missing(machine: Machine, fleet: Fleet) -> None:
    machine.write(CONFIG, 'node_key_file = "/no/such/key.json"\npriv_validator_file = "/no/such/pv.json"\n')
    machine.place.command("loom", "echo made >> chaindata/config/made; echo " + ID)
    seen = await details(fleet.session("n1"))
    status = seen.status
    assert ids(status) == (None, None)
    assert status.node_key
    assert status.node_key.problem == "missing (node_key_file of config.toml leads to /no/such/key.json)"
    assert status.validator
    assert status.validator.absent
    assert seen.reported_node_id is None
    assert seen.reported_problem == "there is no /no/such/key.json, and the command would make one"
    assert not (machine.dir / "chaindata/config/made").exists(), "the command would make a key there"


@pytest.mark.parametrize(
    "text",
    [
        'node_key_file = "a.json"\nNODE_KEY_FILE = "b.json"\n',
        "node_key_file = 7\n",
        'node_key_file = "\\u0061.json"\n',
        'note = """\nnode_key_file = "a.json"\n"""\n',
        'a.note = """\nnode_key_file = "a.json"\n"""\n',
        "a.note = '''\nnode_key_file = 'a.json'\n'''\n",
    ],
)
async def test_what_cannot_be_told_is_no_identity(machine: Machine, fleet: Fleet, text: str) -> None:
    machine.write(CONFIG, text)
    seen = await details(fleet.session("n1"))
    assert seen.status.node_key
    assert (seen.status.node_key.node_id, seen.status.node_key.closed) == (None, True)
    assert "does not tell plainly" in (seen.status.node_key.problem or "")
    assert "does not tell plainly" in (seen.reported_problem or "")


async def test_a_file_that_is_no_toml_moves_nothing(machine: Machine, fleet: Fleet) -> None:
    """Loom passes over all of it, so the file that it names is not the node's."""
    machine.write("chaindata/other.json", node_key(OTHER))
    machine.write(CONFIG, 'node_key_file = "other.json"\nmoniker = \n')
    status = await status_of(fleet)
    assert ids(status) == (None, None)
    assert status.missing_databases is None


async def test_another_configuration_that_wins(machine: Machine, fleet: Fleet) -> None:
    machine.write("chaindata/config/config.json", '{"node_key_file": "x"}')
    seen = await details(fleet.session("n1"))
    assert ids(seen.status) == (None, None)
    assert seen.status.missing_databases is None
    assert seen.tendermint_configs == ("chaindata/config/config.json", CONFIG)


async def test_the_environment_of_the_unit_wins(machine: Machine, fleet: Fleet) -> None:
    show, file = machine.place.root / "show", machine.place.root / "environment"
    file.write_text("# TM_GENESIS_FILE=x\nTM_NODE_KEY_FILE=/keys/node.json\nSECRET=hunter2\n")
    plain = show.read_text()
    show.write_text(
        f'{plain}\nEnvironment=GOGC=50 "LOOM_ROOTDIR=/srv"\nEnvironmentFiles={file} (ignore_errors=yes)\n'
    )
    seen = await details(fleet.session("n1"))
    assert ids(seen.status) == (None, None)
    assert seen.environment == ("LOOM_ROOTDIR", "TM_NODE_KEY_FILE")
    show.write_text(
        f"{plain}\nEnvironment=GOGC=50 TM_MONIKER=x\nEnvironmentFiles=/none (ignore_errors=yes)\n"
    )
    seen = await details(fleet.session("n1"))
    assert ids(seen.status) == (ID, ID.upper())
    assert seen.environment == ()


@pytest.mark.parametrize(
    "property_", ["Environment=GOGC=50 TM_NODE_KEY_FILE=/k", "EnvironmentFiles={} (ignore_errors=no)"]
)
async def test_the_environment_counts_of_a_stopped_unit_too(
    machine: Machine, fleet: Fleet, property_: str
) -> None:
    show, file = machine.place.root / "show", machine.place.root / "environment"
    file.write_text("TM_NODE_KEY_FILE=/k\n")
    plain = show.read_text().replace("MainPID=", "Old=")
    show.write_text(f"MainPID=0\nEnvironment=\n{plain}\n")
    assert ids(await status_of(fleet)) == (ID, ID.upper())
    show.write_text(f"MainPID=0\n{plain}\n{property_.format(file)}\n")
    assert ids(await status_of(fleet)) == (None, None)


async def test_a_pattern_of_environment_files_is_expanded(machine: Machine, fleet: Fleet) -> None:
    show = machine.place.root / "show"
    (machine.place.root / "a.env").write_text("GOGC=50")
    (machine.place.root / "b.env").write_text("TM_DB_DIR=/big")
    show.write_text(f"{show.read_text()}\nEnvironmentFiles={machine.place.root}/*.env (ignore_errors=no)\n")
    seen = await details(fleet.session("n1"))
    assert seen.environment == ("TM_DB_DIR",)
    assert ids(seen.status) == (None, None)


@pytest.fixture
def started() -> Iterator[int]:
    """The ID of a process in whose environment a start script has set something."""
    with subprocess.Popen(["sleep", "60"], env={**os.environ, "TM_DB_DIR": "/big"}) as process:
        yield process.pid
        process.kill()


async def test_what_a_start_script_set_is_in_the_process(
    machine: Machine, fleet: Fleet, started: int
) -> None:
    show = machine.place.root / "show"
    show.write_text(f"MainPID={started}\n" + show.read_text().replace("MainPID=", "Old="))
    seen = await details(fleet.session("n1"))
    assert seen.environment == ("TM_DB_DIR",)
    assert ids(seen.status) == (None, None)


@pytest.mark.parametrize(
    ("line", "root"),
    [("RootDir: sub", "sub/sub"), ('rootdir: "./sub/" # so', "sub/sub"), ("RootDir: '.'", "")],
)
async def test_the_root_of_loom_yml_is_joined_twice(
    machine: Machine, fleet: Fleet, line: str, root: str
) -> None:
    machine.write("loom.yml", f"RPCListenAddress: tcp://0.0.0.0:46657\n{line}\n")
    machine.write("sub/sub/chaindata/config/node_key.json", node_key(OTHER))
    status = await status_of(fleet)
    assert status.node_key
    assert status.node_key.node_id == (OTHER_ID if root else ID)
    machine.write("loom.yml", "RootDir: ../elsewhere\n")
    status = await status_of(fleet)
    assert status.node_key
    assert "does not tell plainly" in (status.node_key.problem or "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("loom.json", '{\n  "RootDir": "sub"\n}\n'),
        ("loom.toml", 'RootDir = "sub"\n'),
        ("loom.properties", "RootDir = sub\n"),
        ("loom.yml", "{RootDir: sub}\n"),
        ("loom.yml", '  ChainID: "x"\n  RootDir: "sub"\n'),
        ("loom.yml", "RootDir: |\n  sub\n"),
    ],
)
async def test_a_root_in_another_form_is_not_passed_over(
    machine: Machine, fleet: Fleet, name: str, text: str
) -> None:
    (machine.dir / "loom.yml").unlink()
    machine.write("config/loom.yml", "ChainID: x\n")
    machine.write(name, text)
    machine.write("sub/sub/chaindata/config/node_key.json", node_key(OTHER))
    assert ids(await status_of(fleet)) == (None, None)


async def test_links_on_the_way_are_told(machine: Machine, fleet: Fleet) -> None:
    disk = machine.place.root / "disk"
    (machine.dir / "chaindata").rename(disk)
    (machine.dir / "chaindata").symlink_to(disk)
    machine.write(CONFIG, f'db_dir = "{disk}/data"\n')
    seen = await details(fleet.session("n1"))
    assert seen.physical["chaindata"] == str(disk)
    assert seen.physical["."] == str(machine.dir.resolve())


async def test_the_genesis_is_the_one_that_loom_reads(machine: Machine, fleet: Fleet) -> None:
    machine.write("chaindata/other.json", '{"chain_id":"other"}')
    machine.write(CONFIG, 'genesis_file = "other.json"\n')
    seen = await details(fleet.session("n1"))
    assert seen.texts["chaindata/config/genesis.json"] == '{"chain_id":"other"}'


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"last_height": 120455}, "last_height is 120455"),
        ({"last_round": 1}, "last_round is 1"),
        ({"last_step": "3"}, 'last_step is "3"'),
        ({"last_height": "12x"}, "whole numbers"),
        ({"last_height": [1]}, "whole numbers"),
        ({}, None),
    ],
)
async def test_numbers_in_the_wrong_form(
    machine: Machine, fleet: Fleet, changes: dict[str, object], said: str | None
) -> None:
    machine.write("chaindata/config/priv_validator.json", validator(**changes))
    status = await status_of(fleet)
    assert status.validator
    assert status.validator.public_key == PUBLIC
    if said is None:
        assert status.validator.problem is None
    else:
        assert said in (status.validator.problem or "")
