"""Real sshd, systemd and sudo under the looking half: host keys, health, what a login may do."""

from __future__ import annotations

import asyncio
import contextlib
import json
from itertools import groupby
from pathlib import Path

import pytest

from loomtui.errors import HostKeyRefused
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.fleet.probes.log_tail import LogLine, tail
from loomtui.fleet.probes.node_status import Active, NodeDetails
from loomtui.fleet.probes.probe import look, node_details
from loomtui.inventory.model import Inventory
from tests.lab.backups import DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.watching import healthy, heights, until


async def test_five_healthy_nodes_with_growing_heights(shared: Lab) -> None:
    async with Fleet(shared.inventory(), Refuse()) as fleet:
        assert await fleet.connect() == dict.fromkeys(shared.names)
        verdict, status = await healthy(fleet)
        before = heights(status)
        later = await until(lambda: look(fleet), lambda seen: _all_above(heights(seen), before))

    assert verdict.growing
    assert len(before) == 5
    assert min(before.values()) > DATA_HEIGHT
    for node in later.nodes:
        assert node.service is not None
        assert (node.service.active, node.service.held_by) == (Active.ACTIVE, None)
        assert node.unit is not None
        assert (node.unit.user, node.unit.working_directory) == ("ubuntu", "/home/ubuntu")
        assert node.lock is None
        assert node.clock_offset_seconds == pytest.approx(0, abs=2)
        assert node.version == "2.0.0+b1404"


def _all_above(now: dict[str, int], before: dict[str, int]) -> bool:
    return all(now.get(name, 0) > height for name, height in before.items())


async def test_details_of_every_node_are_had(shared: Lab, fleet: WritableFleet) -> None:
    details = await node_details(fleet, shared.names)
    for look_at in details.values():
        assert isinstance(look_at, NodeDetails)
        assert (look_at.user, look_at.working_directory) == ("ubuntu", "/home/ubuntu")
        assert {"app.db", "evm.db", "receipts_db"} <= set(look_at.databases)


async def test_following_a_log_over_a_reboot_loses_nothing(shared: Lab, fleet: WritableFleet) -> None:
    node = "val-3"
    lines: list[LogLine] = []

    def of_this_boot() -> list[str]:
        listed = shared.run(node, "journalctl -u loom -b -o json -q -a --no-pager").stdout
        return [json.loads(line)["__CURSOR"] for line in listed.splitlines()]

    def told() -> list[str]:
        return [cursor for cursor, _ in groupby(line.cursor for line in lines if not line.notice)]

    async with contextlib.aclosing(tail(fleet, [node], follow=True, lines=5)) as stream:
        lines += await anext(stream)
        await asyncio.to_thread(shared.reboot, node)
        first = of_this_boot()[0]
        async with asyncio.timeout(120):
            while first not in told():
                lines += await anext(stream)
            listed = of_this_boot()
            while listed[-1] not in told():
                lines += await anext(stream)

    later = told()[told().index(first) :]
    assert later[: len(listed)] == listed


@pytest.mark.parametrize("which", ["unknown", "changed"])
async def test_host_key_that_is_not_known_is_refused(shared: Lab, tmp_path: Path, which: str) -> None:
    known = tmp_path / "known_hosts"
    lines = (shared.folder / "known_hosts").read_text().splitlines()
    first, other = shared.addresses["val-1"], lines[1].partition(" ")[2]
    known.write_text("\n".join([f"{first} {other}" if which == "changed" else "", *lines[1:]]))
    async with Fleet(_with_known_hosts(shared.inventory(), known), Refuse()) as fleet:
        outcomes = dict(await fleet.connect())

    refused = outcomes.pop("val-1")
    assert isinstance(refused, HostKeyRefused)
    assert ("unknown" if which == "unknown" else "not the one that is known") in str(refused)
    assert outcomes == dict.fromkeys(shared.names[1:])


def _with_known_hosts(inventory: Inventory, path: Path) -> Inventory:
    return inventory.model_copy(update={"ssh": inventory.ssh.model_copy(update={"known_hosts": path})})
