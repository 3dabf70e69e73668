"""Preflight: what it sees before it changes a node, and a lock that is lost afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from loomtui.errors import (
    NodeUnreachable,
)
from loomtui.loom.databases import TENDERMINT_CONFIG
from tests.restore.cluster import LocalCluster, stopped_at

Make = Callable[..., LocalCluster]


async def test_preflight_sees_that_the_plan_still_fits(make_cluster: Make, tmp_path: Path) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    run = await cluster.run()
    (machine.state / "masked").touch()
    assert "masked" in (await stopped_at(cluster, run)).what
    (machine.state / "masked").unlink()
    text = machine.unit.read_text()
    machine.write_unit(text.replace(str(machine.workdir), str(tmp_path)))
    error = await stopped_at(cluster, run)
    assert "its unit changed since the plan was made" in error.what
    machine.write_unit(text)
    assert not machine.lock.exists()


async def test_a_place_that_changed_since_the_plan_stops_the_run_before_the_stop(make_cluster: Make) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    run, fleet = await cluster.run(), cluster.fleet(quick=False)
    path = machine.workdir / TENDERMINT_CONFIG
    path.unlink()
    path.mkdir()
    error = await stopped_at(cluster, run, fleet)
    assert (str(path) in error.what, "is a folder" in error.what) == (True, True)
    assert "Move it away." in error.advice
    assert {ran.kind for ran in fleet.ran} == {"inspect"}
    assert (machine.active, machine.lock.exists()) == ("active", False)


async def test_preflight_reaches_every_node_before_it_changes_one(make_cluster: Make) -> None:
    cluster = make_cluster(1, backup_node=True)
    run, fleet = await cluster.run(), cluster.fleet()
    fleet.faults.unreachable.add("n2")
    error = await stopped_at(cluster, run, fleet)
    assert error.exit_status == 4
    assert {ran.kind for ran in fleet.ran} <= {"inspect"}


async def test_a_node_that_is_lost_while_it_is_looked_at_stops_the_preflight(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()

    def before(node: str, script: str) -> None:
        if script == "status":
            raise NodeUnreachable("the connection was lost", node=node)

    fleet.faults.before = before
    error = await stopped_at(cluster, run, fleet)
    assert isinstance(error, NodeUnreachable)
    assert not cluster.machines["n1"].lock.exists()


async def test_a_lock_that_vanishes_is_noticed(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(stage_first=False), cluster.fleet()

    def after(node: str, script: str) -> None:
        if script == "place":
            cluster.machines[node].lock.unlink()

    fleet.faults.after = after
    assert "not as this run left it" in (await stopped_at(cluster, run, fleet)).what
