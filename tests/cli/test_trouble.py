"""Nodes that cannot be reached, or must not be: each gets its words and its exit status."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from loomtui.drill.practice import Practice, practice
from tests.cli.conftest import Cluster, Run


@pytest.fixture
def healthy() -> Iterator[Practice]:
    with practice("healthy", 2, block_seconds=0.5) as cluster:
        yield cluster


@pytest.mark.slow
def test_one_node_away(cluster: Cluster) -> None:
    cluster.practice.stop_ssh("val-2")
    done = cluster("status", "--json")
    assert done.status == 1
    nodes = {node["name"]: node for node in done.document["nodes"]}
    assert [name for name, node in nodes.items() if not node["reachable"]] == ["val-2"]
    assert nodes["val-2"]["error"]
    assert nodes["val-1"]["height"] > 0
    assert "✗ unreachable" in cluster("status").out
    keys = cluster("nodekeys", "--json")
    assert keys.status == 1
    assert [node["name"] for node in keys.document["nodes"] if node["error"]] == ["val-2"]
    services = cluster("services", "--json")
    assert services.status == 1
    assert [node["name"] for node in services.document["nodes"] if node["error"]] == ["val-2"]
    for command in ("services", "nodekeys"):
        shown = cluster(command)
        assert shown.status == 1
        [row] = [line for line in shown.out.splitlines() if line.startswith("val-2 ")]
        assert "✗ not seen" in row
        assert "cannot be reached" in row
    plan = cluster("plan", "--json")
    assert (plan.status, plan.out) == (4, "")
    assert "val-2" in plan.err
    logs = cluster("logs", "-n", "1")
    assert logs.status == 1
    assert "val-1" in logs.out
    assert "val-2" in logs.err


@pytest.mark.slow
def test_changed_host_key_is_refused(cluster: Cluster) -> None:
    cluster.practice.change_host_key("val-1")
    done = cluster("status", "--json")
    assert done.status == 3
    nodes = {node["name"]: node for node in done.document["nodes"]}
    assert nodes["val-1"]["reachable"] is False
    assert "host key" in nodes["val-1"]["error"]
    assert "✗ refused" in cluster("status").out
    plan = cluster("plan", "--json")
    assert (plan.status, plan.out) == (3, "")
    assert "val-1" in plan.err


@pytest.fixture
def moved(loomtui: Run) -> Iterator[Cluster]:
    with practice("moved-hosts", 2) as found:
        yield Cluster(found, loomtui)


@pytest.mark.slow
def test_units_that_do_not_know_their_peers(moved: Cluster) -> None:
    keys = moved("nodekeys", "--json")
    assert keys.status == 1
    ids = {node["name"]: node["node_id"] for node in keys.document["nodes"]}
    missing = [mismatch for mismatch in keys.document["mismatches"] if mismatch["blocking"]]
    assert {(found["on"], found["about"]) for found in missing} == {
        ("val-1", "val-2"),
        ("val-2", "val-1"),
        ("backup-1", "val-1"),
        ("backup-1", "val-2"),
    }
    for mismatch in missing:
        assert (mismatch["expected"], mismatch["found"]) == (ids[mismatch["about"]], None)
        path, _, line = mismatch["where"].rpartition(":")
        assert path.startswith("/")
        assert path.endswith("/loom.service")
        assert int(line) > 1
    for_people = moved("nodekeys")
    assert f"{missing[0]['on']}, {missing[0]['where']}: " in " ".join(for_people.out.split())
    assert for_people.status == 1
    assert "4 references would keep peers apart." in for_people.out

    services = moved("services", "--json")
    assert services.status == 1
    assert all(node["changes"] and node["problem"] is None for node in services.document["nodes"])
    shown = moved("services", "--diff").out
    (added,) = [
        line for line in shown.splitlines() if line.startswith("    +ExecStart=") and "val-1/" in line
    ]
    assert f"--persistent-peers tcp://{ids['val-2']}@" in added
    assert "To see what would change: loomtui services --diff" in moved("services").out


@pytest.mark.slow
def test_plan_shows_what_changes_in_each_file(moved: Cluster) -> None:
    done = moved("plan")
    assert done.status == 0
    assert "The chain can go on" in done.out
    text = done.out[done.out.index("\nval-1  ") : done.out.index("\nval-2  ")]
    assert "chaindata/config/node_key.json: from the backup." in text
    assert "the unit file: from the backup." in text
    assert "\n    -ExecStart=" in text
    assert "\n    +ExecStart=" in text
