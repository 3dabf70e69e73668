"""A node loses its power between two renames of the swap, and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from loomtui.backups.catalogue import Catalogue
from loomtui.drill.auto import plan_with_remedy
from loomtui.errors import LoomtuiError
from loomtui.fleet.fleet import Refuse, WritableFleet
from loomtui.restore.events import Outcome
from loomtui.restore.operator import Unattended
from loomtui.restore.runner import Runner
from loomtui.restore.runs import Run, RunStore
from tests.lab.backups import DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.proof import around, clock, moving, signed_twice
from tests.lab.watching import unit, until

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
    shared.run(_VICTIM, f"cat > /usr/local/bin/mv <<'END'\n{_MV}END\nchmod 755 /usr/local/bin/mv")
    catalogue = Catalogue(shared.inventory().s3)
    try:
        plan = await plan_with_remedy(shared.inventory(), catalogue)
        run = RunStore(tmp_path).create(plan, shared.inventory_path)
        restoring = asyncio.create_task(_restore(shared, run, catalogue))
        await until(lambda: _in_the_swap(shared), bool, seconds=120)
        shared.power_off(_VICTIM)
        with pytest.raises(LoomtuiError) as stopped:
            await restoring
        shared.power_on(_VICTIM)
        back = unit(shared, _VICTIM)
        databases = shared.run(_VICTIM, "cd /home/ubuntu && ls -d *.db chaindata/data", check=False).stdout
        others = {name: unit(shared, name)["ActiveState"] for name in shared.names}

        shared.run(_VICTIM, "rm /usr/local/bin/mv")
        outcome = await _restore(shared, run, catalogue)
    finally:
        shared.run(_VICTIM, "rm -f /usr/local/bin/mv", check=False)
        await catalogue.close()
    await moving(shared)
    kept, new = await around(shared, DATA_HEIGHT)

    assert _VICTIM in str(stopped.value)
    assert f"loomtui resume {run.id}" in stopped.value.advice
    assert (back["MainPID"], back["ExecMainStartTimestampMonotonic"]) == ("0", "0")
    assert "app.db" not in databases  # it was in the middle
    assert set(others.values()) <= {"inactive", "failed"}
    assert outcome is Outcome.RESTORED
    assert (kept, new != chain[1]) == (chain[0], True)
    assert await signed_twice(shared, since) == {}


async def _in_the_swap(lab: Lab) -> bool:
    return lab.run(_VICTIM, "test -e /run/in-the-swap", check=False).returncode == 0


async def _restore(lab: Lab, run: Run, catalogue: Catalogue) -> Outcome:
    """Starts the run, or resumes it."""
    inventory = lab.inventory()
    async with WritableFleet(inventory, Refuse()) as fleet:
        return await Runner(run, inventory, fleet, catalogue, Unattended("test")).restore()
