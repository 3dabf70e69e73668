"""Plans over the real looks, for tests of the places that a restore changes."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loomtui.restore.events import Outcome
from loomtui.restore.findings import Finding
from loomtui.restore.plan import Plan
from tests.restore.cluster import LocalCluster
from tests.restore.interrupting import age
from tests.restore.local import LocalNode as Node
from tests.restore.local import Tree, tree
from tests.restore.material import unit_text
from tests.restore.scripted import Scripted

Make = Callable[..., LocalCluster]


Spoil = Callable[[Node], object]

as_root = pytest.mark.usefixtures("root")


def replace_by(path: Path, make: Callable[[Path], object]) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    make(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket has 107 characters at most
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def link_to(target: Path | str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def everything(cluster: LocalCluster) -> Tree:
    return tree(*(machine.root for machine in cluster.machines.values()))


async def refused(cluster: LocalCluster, **choices: Any) -> list[Finding]:
    """Why a plan over the real looks is refused. It changes nothing, whatever it finds."""
    before = everything(cluster)
    fleet = cluster.fleet(quick=False)
    plan = await cluster.plan(fleet, **choices)
    assert {ran.kind for ran in fleet.ran} == {"inspect"}
    assert everything(cluster) == before
    return list(plan.refusals)


async def only_refusal(cluster: LocalCluster, **choices: Any) -> Finding:
    (found,) = await refused(cluster, **choices)
    assert found.node == "n1"
    assert found.sentence.startswith("n1: ")
    assert found.advice
    return found


def with_unit(cluster: LocalCluster, *, backup: dict[str, str], live: dict[str, str] | None = None) -> None:
    """A backup whose unit says something else. The node's own peers are wrong, so its unit is replaced."""
    machine = cluster.machines["n1"]
    cluster.spoil_unit(1)
    for changes, write in ((backup, False), (live or {}, True)):
        text = machine.unit.read_text() if write else unit_text(machine, cluster.peers(1))
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        if write:
            machine.write_unit(text)
        else:
            cluster.add_config_backup(1, files={"loom.service": text})


async def planned(cluster: LocalCluster) -> Plan:
    return await cluster.plan(cluster.fleet(quick=False))


async def restored_and_rolled_back(cluster: LocalCluster, *also: Path) -> None:
    """The plan is not refused, the restore succeeds, and a rollback leaves nothing behind."""
    for machine in cluster.machines.values():
        age(machine.workdir)
        age(machine.unit_folder)

    def there() -> Tree:
        return cluster.live() | tree(*also)

    before = there()
    run, fleet = await cluster.run(cluster.fleet(quick=False)), cluster.fleet()
    assert run.plan.refusals == ()
    assert await cluster.runner(run, fleet, Scripted()).restore() is Outcome.RESTORED
    assert there() != before
    assert await cluster.runner(run, fleet, Scripted()).rollback() is Outcome.ROLLED_BACK
    assert there() == before
