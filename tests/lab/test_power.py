"""A node loses its power between two renames of the swap, and comes back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.lab.backups import DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.desk import Desk
from tests.lab.proof import around, clock, moving, signed_twice
from tests.lab.watching import unit, until

_CLUSTER = "loom-lab"
_VICTIM = "val-2"
#: Stands before the real mv: waits for ever at the first database that is to be put in its place.
_MV = """#!/bin/sh
case "$*" in
*/stage/data/*.db*"/home/ubuntu/"*) touch /run/in-the-swap; exec sleep infinity ;;
esac
exec /usr/bin/mv "$@"
"""


async def test_node_that_loses_power_in_the_swap_stays_down_until_resumed(
    shared: Lab, tmp_path: Path
) -> None:
    since, chain = clock(shared), await around(shared, DATA_HEIGHT)
    desk = Desk(shared, tmp_path)
    planned, plan = desk.plan("--reset-signing-state", _CLUSTER)
    assert planned.status == 0, planned.out + planned.err
    shared.run(_VICTIM, f"cat > /usr/local/bin/mv <<'END'\n{_MV}END\nchmod 755 /usr/local/bin/mv")
    try:
        restoring = asyncio.create_task(asyncio.to_thread(desk.restore, plan))
        await until(lambda: _in_the_swap(shared), bool, seconds=120)
        shared.power_off(_VICTIM)
        stopped = await restoring
        shared.power_on(_VICTIM)
    finally:
        shared.run(_VICTIM, "rm -f /usr/local/bin/mv", check=False)
    back = unit(shared, _VICTIM)
    boot = shared.run(_VICTIM, "journalctl --no-pager --boot -u loom").stdout
    databases = shared.run(_VICTIM, "cd /home/ubuntu && ls -d *.db chaindata/data", check=False).stdout
    others = {name: unit(shared, name)["ActiveState"] for name in shared.names}

    (run,) = json.loads(desk.loomtui("runs", "--json").out)["runs"]
    resumed = desk.loomtui("resume", run["id"], "--yes")
    assert resumed.status == 0, resumed.out + resumed.err
    await moving(shared)
    kept, new = await around(shared, DATA_HEIGHT)

    assert stopped.status != 0
    assert _VICTIM in stopped.err
    assert f"loomtui resume {run['id']}" in stopped.err
    assert (back["MainPID"], back["ExecMainStartTimestampMonotonic"]) == ("0", "0")
    assert "asserts failed" in boot
    assert "app.db" not in databases  # it was in the middle
    assert set(others.values()) <= {"inactive", "failed"}
    assert (kept, new != chain[1]) == (chain[0], True)
    assert await signed_twice(shared, since) == {}


async def _in_the_swap(lab: Lab) -> bool:
    return lab.run(_VICTIM, "test -e /run/in-the-swap", check=False).returncode == 0
