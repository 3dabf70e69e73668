"""A service that a start script starts and whose log is a file, as the command line tells it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cluster


def start_otherwise(cluster: Cluster, prefix: str, settings: str = "", peers: str = '"$PEERS"') -> str:
    """val-2 is started by a script from now on. Gives the script's path."""
    home, unit = cluster.practice.working_directory("val-2"), cluster.practice.unit_path("val-2")
    script, kept = home / "start-loom.sh", home / "unit.kept"
    text = kept.read_text() if kept.exists() else unit.read_text()
    kept.write_text(text)
    (command,) = [line for line in text.split("\n") if line.startswith("ExecStart=")]
    program, _, list_ = command.removeprefix("ExecStart=").partition(" run --persistent-peers ")
    script.write_text(f"#!/bin/sh\nPEERS={list_}\n{prefix}\nexec {program} run --persistent-peers {peers}\n")
    script.chmod(0o755)
    unit.write_text(text.replace(command, f"{settings}ExecStart={script}"))
    cluster.practice.shell("val-2", "systemctl daemon-reload; systemctl restart loom")
    return str(script)


@pytest.mark.slow
def test_a_log_that_goes_to_a_file_is_shown_and_named(cluster: Cluster) -> None:
    """Its last lines were those of systemd alone, the status 0, and nothing said where the others are."""
    log = cluster.practice.working_directory("val-2") / "out.log"
    script = start_otherwise(cluster, f"exec >> {log} 2>&1; echo 'a line of its own'")
    done = cluster("logs", "--node", "val-2", "-n", "5")
    assert done.status == 0
    assert "a line of its own" in done.out
    assert f"val-2 logs to {log}: not in the journal ({script})." in done.err
    log.unlink()
    assert (
        f"val-2 logs to {log}, which is not there: not in the journal"
        in cluster("logs", "--node", "val-2").err
    )


@pytest.mark.slow
def test_peers_in_a_start_script_are_compared(cluster: Cluster) -> None:
    start_otherwise(cluster, "")
    keys = cluster("nodekeys", "--json")
    assert (keys.status, keys.document["ok"]) == (0, True)
    kinds = [found["kind"] for found in keys.document["mismatches"]]
    assert kinds == ["reported-differs"]  # a script is not asked for `nodekey`
    assert cluster("services").status == 0


@pytest.mark.slow
def test_peers_that_cannot_be_read_are_not_known(cluster: Cluster) -> None:
    start_otherwise(cluster, "", peers='"$(echo "$PEERS")"')
    keys = cluster("nodekeys", "--json")
    assert (keys.status, keys.document["ok"]) == (1, False)
    (found,) = [found for found in keys.document["mismatches"] if found["kind"] != "reported-differs"]
    assert (found["kind"], found["on"], found["blocking"]) == ("peers-unknown", "val-2", False)
    known = {node["name"]: node["peers_known"] for node in keys.document["nodes"]}
    assert known == {"val-1": True, "val-2": False, "backup-1": True}
    shown = cluster("nodekeys").out
    assert "val-2's list of peers is not known." in shown
    assert "By its /net_info it is connected to" in shown
    assert "does not list" not in shown
    assert "? peers not known" in cluster("services").out
