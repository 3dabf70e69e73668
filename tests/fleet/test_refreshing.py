"""Nodes that are looked at again and again, over a shell that stays there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.errors import NodeUnreachable
from loomtui.fleet.fleet import Fleet, WritableFleet
from loomtui.fleet.probes import refreshing
from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.fleet.probes.probe import look_at
from loomtui.fleet.probes.refreshing import GarbledError, read_answer
from loomtui.fleet.scripts import ChangeScript, InspectScript
from tests.fleet.machine import OTHER_KEY, Machine, node_key, validator
from tests.fleet.place import Place
from tests.fleet.sshd import Sshd
from tests.fleet.waiting import until


def names(fleet: Fleet) -> list[str]:
    return [ran.name for ran in fleet.ran]


def lasting(status: NodeStatus) -> NodeStatus:
    """What two looks at the same node have in common."""
    service = status.service and replace(status.service, since=None)
    status = replace(status, clock_offset_seconds=None, disk_free_bytes=None, load_average=None)
    return replace(status, at=status.at.min, service=service)


async def twice(fleet: Fleet) -> NodeStatus:
    """A node that was looked at for the first time, and once over the shell."""
    n1 = fleet.session("n1")
    return await look_at(n1, await look_at(n1, None))


async def test_a_further_look_tells_the_same_and_costs_no_command(
    machine: Machine, place: Place, fleet: Fleet
) -> None:
    before = machine.files()
    n1 = fleet.session("n1")
    first = await look_at(n1, None)
    assert len(place.behaviour.commands) == 1, "root rights and status are asked in one round trip"
    status = first
    for _ in range(3):
        status = await look_at(n1, status)
        assert lasting(status) == lasting(first)
        assert status.clock_offset_seconds is not None
        assert abs(status.clock_offset_seconds) < 1
    assert len(place.behaviour.commands) == 2
    assert names(fleet) == ["rights", "status", "watch"]
    assert machine.files() == before


def _service(machine: Machine) -> None:
    show = machine.place.root / "show"
    show.write_text(show.read_text().replace("ActiveState=active", "ActiveState=failed"))


def _unit(machine: Machine) -> None:
    cat, show = machine.place.root / "cat", machine.place.root / "show"
    cat.write_text(cat.read_text().replace("RestartSec=2", "RestartSec=7"))
    show.write_text(show.read_text().replace("NeedDaemonReload=no", "NeedDaemonReload=yes"))


def _hold(machine: Machine) -> None:
    hold = machine.place.root / "units" / "loom.service.d" / "99-loomtui-hold.conf"
    hold.parent.mkdir()
    hold.write_text("# held by loomtui run R-1: a restore is not finished\n")


def _rpc(machine: Machine) -> None:
    machine.write("loom.yml", "RPCListenAddress: tcp://127.0.0.1:1\n")


CHANGES: dict[str, Callable[[Machine], object]] = {
    "service": _service,
    "unit": _unit,
    "hold": _hold,
    "rpc": _rpc,
    "lock": lambda machine: machine.write(".loomtui/lock", '{"run": "R-1"}'),
    "job": lambda machine: machine.write(".loomtui/runs/R-1/jobs/5f/what", "crontab\n/etc/cron.d/loom\n\n"),
    "signing": lambda machine: machine.write(
        "chaindata/config/priv_validator.json", validator(last_height="120456")
    ),
    "validator gone": lambda machine: (machine.dir / "chaindata/config/priv_validator.json").unlink(),
    "node key": lambda machine: machine.write("chaindata/config/node_key.json", node_key(OTHER_KEY)),
    "node key gone": lambda machine: (machine.dir / "chaindata/config/node_key.json").unlink(),
    "database": lambda machine: machine.write("chaindata/data/state.db/CURRENT", "MANIFEST-000001\n"),
    "moved": lambda machine: machine.write(
        "chaindata/config/config.toml", 'node_key_file = "config/other.json"\n'
    ),
    "other config": lambda machine: machine.write("loom.yaml", "RPCListenAddress: tcp://127.0.0.1:1\n"),
}


async def test_the_shell_stays_on_a_node_that_never_had_a_validator(machine: Machine, fleet: Fleet) -> None:
    (machine.dir / "chaindata/config/priv_validator.json").unlink()
    status = await twice(fleet)
    assert lasting(await look_at(fleet.session("n1"), status)) == lasting(status)
    assert names(fleet) == ["rights", "status", "watch"]


@pytest.mark.parametrize("what", CHANGES)
async def test_what_was_changed_is_seen_at_once(machine: Machine, fleet: Fleet, what: str) -> None:
    n1 = fleet.session("n1")
    before = await twice(fleet)
    CHANGES[what](machine)
    again = await look_at(n1, before)
    afresh = await look_at(n1, None)
    assert lasting(again) == lasting(replace(afresh, service=again.service))
    assert lasting(again) != lasting(before)
    assert names(fleet).count("watch") == 1


async def test_everything_is_read_again_after_a_while(
    machine: Machine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await twice(fleet)
    machine.place.command("df", "echo Filesystem; echo '/dev/sda1 1000 500 300 60% /'")
    n1 = fleet.session("n1")
    assert (await look_at(n1, before)).disk_free_bytes == before.disk_free_bytes
    monkeypatch.setattr(refreshing, "_ALL_AFTER_SECONDS", 0.0)
    assert (await look_at(n1, before)).disk_free_bytes == 300 * 1024


# ── shells that fail ────────────────────────────────────────────────────────────────────────────────────────

GARBLED = {
    "nothing": "read -r number how; echo; echo answered =1",
    "rubbish": "read -r number how; head -c 3000 /dev/urandom; echo; echo answered =1",
    "unknown part": "read -r number how; echo part =x; echo answered =1",
    "never told": "read -r number how; for p in service unit files signing chain; do echo same =$p; done; "
    "echo answered =1",
    "ends": "exit 3",
    "ends later": "read -r number how; exit 3",
}


@pytest.mark.parametrize("kind", GARBLED)
async def test_a_garbled_shell_is_replaced_and_then_done_without(
    machine: Machine, fleet: Fleet, script: dict[str, str], kind: str
) -> None:
    n1 = fleet.session("n1")
    status = first = await look_at(n1, None)
    script["watch"] = GARBLED[kind]
    for _ in range(5):
        status = await look_at(n1, status)
        assert lasting(status) == lasting(first)
    assert names(fleet).count("watch") == 3


async def test_an_endless_answer_is_bounded(
    machine: Machine, fleet: Fleet, script: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.fleet.look_shell._MOST_BYTES", 100_000)
    n1 = fleet.session("n1")
    first = await look_at(n1, None)
    script["watch"] = "while :; do echo endless; done"
    assert lasting(await look_at(n1, first)) == lasting(first)


async def test_a_hung_shell_is_given_up_and_replaced(
    machine: Machine, fleet: Fleet, script: dict[str, str]
) -> None:
    n1 = fleet.session("n1")
    first = await look_at(n1, None)
    script["watch"] = "while read -r line; do :; done"
    begun = time.monotonic()
    status = await look_at(n1, first, timeout=0.4)
    assert time.monotonic() - begun < 5
    assert (status.reachable, status.error) == (False, "no answer to a look within 0.4 s.")
    del script["watch"]
    again = await look_at(n1, await look_at(n1, status))
    assert lasting(again) == lasting(first)
    assert names(fleet)[-1] == "watch"


async def test_a_lost_connection_is_made_again(machine: Machine, sshd: Sshd, fleet: Fleet) -> None:
    before = await twice(fleet)
    sshd.drop()
    n1 = fleet.session("n1")
    assert lasting(await look_at(n1, before)) == lasting(before)
    assert lasting(await look_at(n1, before)) == lasting(before)
    assert names(fleet).count("watch") == 2


async def test_a_systemd_that_does_not_answer_is_asked_again(machine: Machine, fleet: Fleet) -> None:
    before = await twice(fleet)
    systemctl = machine.place.bin / "systemctl"
    usual = systemctl.read_text()
    machine.place.command("systemctl", "echo 'Failed to connect to bus' >&2; exit 1")
    n1 = fleet.session("n1")
    for _ in range(4):
        assert (await look_at(n1, before)).error == "systemctl show loom.service failed"
    systemctl.write_text(usual)
    assert lasting(await look_at(n1, before)) == lasting(before)
    assert names(fleet).count("watch") == 1


async def test_the_shell_ends_with_its_session(place: Place, fleet: Fleet, script: dict[str, str]) -> None:
    script["watch"] = f"while read -r line; do echo; echo answered =1; done; echo over > {place.root}/over"
    shell = await fleet.session("n1").stay(InspectScript("watch"))
    await shell.ask("new", timeout=5)
    await fleet.close()
    await until((place.root / "over").exists)


async def test_a_look_that_is_given_up_leaves_no_answer_to_the_next(
    fleet: Fleet, script: dict[str, str]
) -> None:
    script["watch"] = "while read -r number how; do sleep 0.3; echo; echo answered =$number; done"
    shell = await fleet.session("n1").stay(InspectScript("watch"))
    asking = asyncio.create_task(shell.ask("new", timeout=5))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    with pytest.raises((NodeUnreachable, Exception)):
        await shell.ask("new", timeout=5)


async def test_two_who_look_at_once(machine: Machine, fleet: Fleet) -> None:
    before = await twice(fleet)
    n1 = fleet.session("n1")
    one, other = await asyncio.gather(look_at(n1, before), look_at(n1, before))
    assert lasting(one) == lasting(other) == lasting(before)


@pytest.mark.parametrize("most", [1, 2])
async def test_a_server_that_runs_few_commands_at_a_time(
    place: Place, machine: Machine, fleet: Fleet, most: int
) -> None:
    place.behaviour.max_sessions = most
    before = await twice(fleet)
    n1 = fleet.session("n1")
    assert lasting(await look_at(n1, before)) == lasting(before)
    assert (await n1.inspect(InspectScript("rights"))).status == 0
    assert lasting(await look_at(n1, before)) == lasting(before)
    assert len(place.behaviour.logins) <= 2


async def test_nothing_that_changes_can_stay(fleet: Fleet, writable: WritableFleet) -> None:
    """The types forbid it; whoever passes them over is refused by the session."""
    change: Any = ChangeScript("lock")
    for session in (fleet.session("n1"), writable.session("n1")):
        with pytest.raises(TypeError):
            await session.stay(change)


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────

LINES = st.lists(
    st.one_of(
        st.sampled_from([b"part =chain", b"same =unit", b"part =files", b"part =", b"same", b"x =y", b""]),
        st.binary(max_size=30),
    ),
    max_size=12,
)


@given(LINES)
def test_an_answer_holds_anything(lines: list[bytes]) -> None:
    told = b"".join(b"same =%s\n" % part.encode() for part in ("service", "unit", "files", "signing"))
    text = told + b"part =chain\nrpc.error =no\n" + b"\n".join(lines)
    try:
        answer = read_answer(text)
    except GarbledError:
        return
    assert answer.parts["chain"]["rpc.error"] == b"no"
    assert not answer.same & answer.parts.keys()
