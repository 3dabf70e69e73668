from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime

import pytest

from loomtui.errors import LoomtuiError, NodeUnreachable, ScriptFailed
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.details import read_addrbook, read_details
from loomtui.fleet.probes.node_status import NodeDetails, NodeStatus
from loomtui.fleet.probes.probe import details, node_details
from loomtui.fleet.scripts import InspectScript
from loomtui.inventory.model import Role
from tests.fleet.machine import GROUP, ID, USER, VERSIONS, Machine
from tests.fleet.sshd import Sshd
from tests.fleet.test_probe import leaks

BOOK = {"key": "x", "addrs": [{"addr": {"id": ID, "ip": "10.2.0.4", "port": 46656}, "src": {}}]}


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_details_of_a_node(machine: Machine, fleet: Fleet, version: str) -> None:
    machine.systemd(version)
    machine.place.command("loom", f'[ "$1" = nodekey ] && [ "$(pwd -P)" = "{machine.dir}" ] && echo {ID}')
    machine.write("chaindata/config/addrbook.json", json.dumps(BOOK))
    machine.write("loom.yaml", "old: true\n")
    machine.write("config/loom.json", "{}")
    before = machine.files()
    seen = await details(fleet.session("n1"))
    assert machine.files() == before
    assert (seen.name, seen.user, seen.group) == ("n1", USER, GROUP)
    assert seen.working_directory == str(machine.dir)
    assert set(seen.databases) == {"chaindata/data", "app.db", "old_app_1600000000.db"}
    assert all(size > 0 for size in seen.databases.values())
    assert seen.texts["loom.yml"] == "RPCListenAddress: tcp://0.0.0.0:46657\n"
    assert seen.texts["genesis.json"] == '{"contracts":[]}'
    assert seen.texts["chaindata/config/genesis.json"] == '{"chain_id":"default"}'
    assert not [name for name in seen.texts if "key" in name or "validator" in name]
    assert set(seen.loom_configs) == {"loom.yaml", "loom.yml", "config/loom.json"}
    key = machine.dir / "chaindata/config/node_key.json"
    assert seen.digests["chaindata/config/node_key.json"] == hashlib.sha256(key.read_bytes()).hexdigest()
    assert seen.modified["loom.yml"] == datetime.fromtimestamp(
        int((machine.dir / "loom.yml").stat().st_mtime), UTC
    )
    assert seen.addrbook == ((ID, "10.2.0.4:46656"),)
    assert (seen.reported_node_id, seen.reported_problem) == (ID, None)
    assert {"tar", "sha256sum", "timeout"} <= seen.tools
    assert seen.status.node_key
    assert seen.status.node_key.node_id == ID


async def test_details_of_several_nodes(machine: Machine, sshd: Sshd) -> None:
    inventory = machine.place.inventory(sshd.port, 1)
    async with Fleet(inventory, machine.place.person) as fleet:
        seen = await node_details(fleet, fleet.names)
    assert isinstance(seen["n1"], NodeDetails)
    assert isinstance(seen["n2"], NodeUnreachable)


async def test_the_inventory_s_folder_counts_where_there_is_no_unit(machine: Machine, fleet: Fleet) -> None:
    (machine.place.root / "show").write_text(f"LoadState=not-found\nActiveState=inactive\nUser={USER}\n")
    (machine.place.root / "cat").write_text("")
    seen = await details(fleet.session("n1"))
    assert seen.working_directory == str(machine.dir)
    assert seen.status.unit is None


async def test_a_folder_that_is_not_there(machine: Machine, fleet: Fleet) -> None:
    (machine.place.root / "show").write_text(f"WorkingDirectory=/no/such/folder\nUser={USER}\n")
    with pytest.raises(ScriptFailed, match="/no/such/folder cannot be entered"):
        await details(fleet.session("n1"))


async def test_a_user_who_is_not_there(machine: Machine, fleet: Fleet) -> None:
    show = machine.place.root / "show"
    show.write_text(show.read_text().replace(f"User={USER}", "User=nosuchuser"))
    with pytest.raises(LoomtuiError, match="runs as nosuchuser, and the node has no such user"):
        await details(fleet.session("n1"))


def run_details(machine: Machine) -> NodeDetails:
    done = machine.run(
        "details", "loom.service", str(machine.dir), "chaindata/data", "app.db", "old_app_*.db"
    )
    assert not leaks(done.stdout + done.stderr)
    status = NodeStatus("n1", Role.VALIDATOR, datetime.now(UTC), True)
    return read_details(read_facts(done.stdout), Facts(iter(())), status)


def test_names_that_would_feign_facts(machine: Machine) -> None:
    machine.write("old_app_\nuser =root\n.db/CURRENT", "x")
    machine.write("old_app_$(id).db/CURRENT", "x")
    machine.write("old_app_2.db/CURRENT", "x")
    seen = run_details(machine)
    assert set(seen.databases) == {"chaindata/data", "app.db", "old_app_1600000000.db", "old_app_2.db"}
    assert seen.user == USER


def test_files_that_are_too_large_or_none(machine: Machine) -> None:
    machine.write("genesis.json", b"x" * 1_048_577)
    (machine.dir / "loom.yml").unlink()
    (machine.dir / "loom.yml").mkdir()
    machine.write("chaindata/config/addrbook.json", "{")
    seen = run_details(machine)
    assert "genesis.json" not in seen.texts
    assert "genesis.json" in seen.digests
    assert "loom.yml" not in seen.texts
    assert seen.addrbook == ()


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"addrs":1}', b'{"addrs":[{}]}', b'{"addrs":[{"addr":1}]}']
)
def test_an_address_book_that_is_none(text: bytes) -> None:
    assert read_addrbook(text) == ()


def test_an_address_book_s_text_is_cleaned() -> None:
    addr = {"id": "\x1b[2Jid", "ip": "fe80::1", "port": 1}
    assert read_addrbook(json.dumps({"addrs": [{"addr": addr}]}).encode()) == (("id", "[fe80::1]:1"),)


# ── loom nodekey ────────────────────────────────────────────────────────────────────────────────────────


async def reported(machine: Machine, fleet: Fleet) -> tuple[str | None, str | None]:
    seen = await details(fleet.session("n1"))
    return seen.reported_node_id, seen.reported_problem


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("printf 'Error in determining Node Key'", "could not read"),
        ("exit 2", "printed nothing and ended with status 2"),
        (f"echo {ID.upper()}", "printed no node ID"),
        (f"echo {ID}; echo more", "printed no node ID"),
        ("head -c 5000 /dev/zero | tr '\\0' x", "printed no node ID"),
        (
            "echo id > chaindata/config/node_key.json; mv -f genesis.json chaindata/config/node_key.json",
            "changed",
        ),
    ],
)
async def test_what_loom_nodekey_may_print(machine: Machine, fleet: Fleet, program: str, said: str) -> None:
    machine.place.command("loom", f"[ $1 = nodekey ] || exit 0\n{program}")
    node_id, problem = await reported(machine, fleet)
    assert node_id is None
    assert said in (problem or "")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("chaindata/config/node_key.json", "would make one"),
        ("chaindata/config/config.toml", "would make one"),
        ("chaindata/data", "would make it"),
    ],
)
async def test_loom_nodekey_is_not_run_where_it_would_make_something(
    machine: Machine, fleet: Fleet, missing: str, said: str
) -> None:
    (machine.dir / missing).rename(machine.place.root / "away")
    node_id, problem = await reported(machine, fleet)
    assert node_id is None
    assert said in (problem or "")
    assert "nodekey" not in (machine.place.root / "loom.calls").read_text()


async def test_loom_nodekey_is_not_run_by_a_wrapper_or_without_a_program(
    machine: Machine, fleet: Fleet
) -> None:
    show = machine.place.root / "show"
    show.write_text(show.read_text().replace("/loom ;", "/start-node.sh ;"))
    assert "may be no loom" in ((await reported(machine, fleet))[1] or "")
    show.write_text(show.read_text().replace("/start-node.sh ;", "/absent/loom ;"))
    assert "there is no program" in ((await reported(machine, fleet))[1] or "")


# ── jobs ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_state_of_a_job(machine: Machine, fleet: Fleet) -> None:
    job = InspectScript("job")
    n1 = fleet.session("n1")
    arguments = (str(machine.dir), "R-1", "data")
    assert read_facts((await n1.inspect(job, *arguments)).stdout) == {}
    folder = ".loomtui/runs/R-1/job/data"
    machine.write(f"{folder}/rc", "0\n")
    machine.write(f"{folder}/message", "fetched\n")
    machine.write(f"{folder}/log", b"x" * 50_000 + b"the end")
    machine.write(f"{folder}/pid", str(os.getpid()))
    machine.write(f"{folder}/curlrc", "url = secret")
    machine.write(f"{folder}/odd name", "x")
    facts = read_facts((await n1.inspect(job, *arguments)).stdout)
    assert set(facts) == {"rc", "message", "log", "pid", "running"}
    assert (facts.number("rc"), facts.line("message"), facts.line("running")) == (0, "fetched", "yes")
    assert facts["log"].endswith(b"the end")
    assert len(facts["log"]) == 16384
    machine.write(f"{folder}/pid", "999999999")
    assert read_facts((await n1.inspect(job, *arguments)).stdout).line("running") == "no"
    for run, name in (("../..", "data"), ("R-1", "../data"), ("R-1", ".."), ("", "")):
        with pytest.raises(ScriptFailed, match="not the name"):
            await n1.inspect(job, str(machine.dir), run, name)
