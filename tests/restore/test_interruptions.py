"""loomtui is killed before a script, in the middle of a restore: resume ends like an undisturbed run, and
rollback puts back every byte. (Scripts that are killed themselves: test_swap_scripts.py and its like.)"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from loomtui.restore.events import EventKind, Outcome
from loomtui.restore.record.run_store import Run
from tests.restore.cluster import LocalCluster
from tests.restore.local import Tree
from tests.restore.local_fleet import LocalFleet

Make = Callable[..., LocalCluster]

#: Scripts that only look, and the one that keeps the record, which goes beside the steps and after them.
_LOOKS = {"run_state", "status", "details", "identity", "nodekey", "logs", "processes", "settle", "room"}
_BESIDE = {*_LOOKS, "keep_record"}


class Killed(Exception):
    """No LoomtuiError: nothing may catch it."""


class Killer:
    """Ends loomtui before its n-th script that changes a node; every later script ends it too."""

    def __init__(self, fleet: LocalFleet, at: int) -> None:
        self.seen: list[str] = []
        self._at = at
        self._script, self._time = "", 0
        fleet.faults.before = self._before

    def stop_at(self, script: str, time: int) -> None:
        """Before this script is run so many times."""
        self._script, self._time = script, time

    def _before(self, node: str, script: str) -> None:
        if script not in _BESIDE:
            self.seen.append(script)
        if self._at and len(self.seen) >= self._at:
            raise Killed
        if self._script and self.seen.count(self._script) >= self._time:
            raise Killed


async def killed(work: Coroutine[Any, Any, object]) -> bool:
    """Whether the work was killed; waits for what it had going on."""
    try:
        await work
    except Killed:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)
        return True
    return False


class Walk:
    """One cluster that is put back to where it was, again and again."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster = cluster
        self._saved = 0

    def save(self) -> Path:
        self._saved += 1
        copy = self.cluster.root.with_name(f"{self.cluster.root.name}-{self._saved}")
        shutil.copytree(self.cluster.root, copy, symlinks=True)
        return copy

    def put_back(self, copy: Path) -> None:
        shutil.rmtree(self.cluster.root)
        shutil.copytree(copy, self.cluster.root, symlinks=True)
        self.cluster.chain.asked.clear()

    async def kill(self, run: Run, at: int) -> list[str]:
        """The scripts that changed something up to the kill; all of them for `at` 0."""
        fleet = self.cluster.fleet()
        killer = Killer(fleet, at)
        assert await killed(self.cluster.runner(run, fleet).restore()) == bool(at)
        return killer.seen

    async def resumes(self, run: Run, expected: Tree) -> None:
        assert await self.cluster.runner(run).restore() is Outcome.RESTORED
        assert self.cluster.end_state() == expected
        assert run.events()[-1].data["outcome"] == "restored"
        assert [event.seq for event in run.events()] == list(range(1, len(run.events()) + 1))

    async def rolls_back(self, run: Run, before: Tree) -> None:
        assert await self.cluster.runner(run).rollback() is Outcome.ROLLED_BACK
        assert self.cluster.live() == before


def _points(scripts: list[str]) -> list[int]:
    """Before which scripts loomtui is killed. Of the files of a config restore only the first and the last:
    each replacement is walked through by itself in test_replace_scripts.py."""
    replaced = [at for at, name in enumerate(scripts, 1) if name == "replace"]
    return [at for at in range(1, len(scripts) + 1) if at not in replaced[1:-1]]


async def walked(walk: Walk, share: int) -> None:
    """Every second point; from each of them on, and back."""
    cluster = walk.cluster
    before = cluster.live()
    run = await cluster.run()
    start = walk.save()
    scripts = await walk.kill(run, 0)
    expected = cluster.end_state()
    assert expected != {path: what[:4] for path, what in before.items()}
    points = _points(scripts)
    assert len(points) > 12
    for at in points[share::2]:
        walk.put_back(start)
        assert (await walk.kill(run, at)) == scripts[:at]
        middle = walk.save()
        await walk.resumes(run, expected)
        walk.put_back(middle)
        await walk.rolls_back(run, before)


@pytest.mark.slow
async def test_killed_before_any_script_it_resumes_and_rolls_back(make_cluster: Make) -> None:
    """Two clusters, each in a thread with an event loop of its own, share the points."""
    walks = [Walk(make_cluster()) for _ in range(2)]
    shares = (asyncio.to_thread(asyncio.run, walked(walk, share)) for share, walk in enumerate(walks))
    await asyncio.gather(*shares)


@pytest.mark.slow
@pytest.mark.parametrize("script", ["swap", "replace", "start"])
async def test_with_several_nodes_at_once_too(make_cluster: Make, script: str) -> None:
    """Killed when the second node is to run the script, while the first may be through with it."""
    walk = Walk(make_cluster(2))
    before = walk.cluster.live()
    run = await walk.cluster.run()
    fleet = walk.cluster.fleet()
    killer = Killer(fleet, 0)
    killer.stop_at(script, 2)
    assert await killed(walk.cluster.runner(run, fleet).restore())
    middle = walk.save()
    await walk.rolls_back(run, before)
    walk.put_back(middle)
    assert await walk.cluster.runner(run).restore() is Outcome.RESTORED
    for machine in walk.cluster.machines.values():
        assert "restored" in (machine.workdir / "app.db/LOG").read_text()
        assert not machine.hold.exists()


@pytest.mark.slow
async def test_a_rollback_that_is_killed_is_called_again(make_cluster: Make) -> None:
    walk = Walk(make_cluster())
    before = walk.cluster.live()
    run = await walk.cluster.run()
    await walk.kill(run, 0)
    restored = walk.save()
    fleet = walk.cluster.fleet()
    killer = Killer(fleet, 0)
    await walk.cluster.runner(run, fleet).rollback()
    for at in range(1, len(killer.seen) + 1, 3):
        walk.put_back(restored)
        fleet = walk.cluster.fleet()
        Killer(fleet, at)
        assert await killed(walk.cluster.runner(run, fleet).rollback())
        assert not any(event.data.get("outcome") == "rolled-back" for event in run.events())
        await walk.rolls_back(run, before)
        assert run.events()[-1].kind is EventKind.RUN_FINISHED
