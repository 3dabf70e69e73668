"""A whole restore from the command line: plan, restore, report, rollback, clean; interrupted and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.drill.practice import Practice, practice
from tests.cli.conftest import ROOT, Cluster, Run, command

pytestmark = pytest.mark.slow

STEPS = ["preflight", "stop", "data", "config", "node-keys", "services", "start", "verify"]


@pytest.fixture
def broken() -> Iterator[Practice]:
    with practice("clean-restore", 2, block_seconds=0.5) as cluster:
        yield cluster


@pytest.fixture
def cluster(broken: Practice, loomtui: Run) -> Cluster:
    return Cluster(broken, loomtui)


@pytest.fixture
def plan(cluster: Cluster, tmp_path: Path) -> str:
    kept = str(tmp_path / "plan.yml")
    done = cluster("plan", "--reset-signing-state", cluster.name, "-o", kept)
    assert done.status == 0, done.out + done.err
    return kept


def test_restore_report_rollback_clean(cluster: Cluster, plan: str) -> None:
    done = cluster("restore", "--plan", plan, "--yes", "--json")
    assert done.status == 0, done.err
    *events, outcome = done.lines
    assert [event["step"] for event in events if event["kind"] == "step-done"] == STEPS
    assert (outcome["outcome"], outcome["error"]) == ("restored", None)
    assert [(step["name"], step["outcome"]) for step in outcome["steps"]] == [
        (name, "done") for name in STEPS
    ]
    assert outcome["downtime_seconds"] > 0
    assert outcome["data_loss_seconds"] > 0
    assert outcome["data_loss_blocks"] is None  # nothing ran before, so that no newer block was seen
    assert [todo["kind"] for todo in outcome["still_to_do"]] == ["first-backup", "free-space"]
    assert cluster("status").status == 0

    (run,) = cluster("runs", "--json").document["runs"]
    assert (run["id"], run["outcome"], run["cluster"]) == (outcome["run"], "restored", cluster.name)
    assert run["id"] in cluster("runs").out
    assert cluster("report", run["id"], "--format", "json").document["outcome"] == "restored"
    assert f"Restore of `{cluster.name}` (○ not production): restored" in cluster("report", run["id"]).out
    assert "<svg" in cluster("report", run["id"], "--format", "html").out

    again = cluster("resume", run["id"], "--json")
    assert again.status == 3
    assert "nothing to resume" in again.err

    nobody = cluster("rollback", run["id"], "--left-out", "--json")
    assert nobody.status == 3
    assert "holds no node that was left out" in nobody.err

    back = cluster("rollback", run["id"], "--json")
    assert back.status == 0, back.err
    assert back.lines[-1]["outcome"] == "rolled-back"
    assert cluster("rollback", run["id"]).status == 3

    cleaned = cluster("clean", run["id"], "--json")
    assert cleaned.status == 0, cleaned.err
    assert cleaned.document["freed_bytes"] > 0


def test_interrupted_then_resumed(cluster: Cluster, plan: str, home: Path) -> None:
    with _begun(cluster, plan, home) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"kind":"step-done"' in line and '"step":"stop"' in line:
                process.send_signal(signal.SIGINT)
                break
        rest, err = process.communicate(timeout=60)
    assert process.returncode == 130
    outcome = json.loads(rest.splitlines()[-1])
    assert (outcome["outcome"], outcome["error"]) == ("stopped", "interrupted")
    assert f"Interrupted. Resume with: loomtui resume {outcome['run']}" in err
    done = cluster("resume", outcome["run"])
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert "run resumed by" in lines[0]
    assert "Restore data: done on 3 nodes" in done.out
    assert "Stop all: done" not in done.out  # what happened before is in the report
    assert "Restored: the chain moves on every node of the plan." in lines
    assert lines[-1].startswith("Still to do: What was replaced, ")


def test_a_reader_who_goes_away_does_not_stop_a_restore(cluster: Cluster, plan: str, home: Path) -> None:
    with _begun(cluster, plan, home) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    status = process.wait()
    (run,) = cluster("runs", "--json").document["runs"]
    assert (status, err) == (0, ""), cluster("report", run["id"]).out
    assert run["outcome"] == "restored"


def test_node_that_another_run_holds(cluster: Cluster, plan: str) -> None:
    lock = cluster.practice.working_directory("val-1") / ".loomtui" / "lock"
    lock.parent.mkdir()
    held = {"run": "20260101-000000-abcd", "who": "a@b", "from": "c", "since": "2026-01-01T00:00:00Z"}
    lock.write_text(json.dumps(held), encoding="utf-8")
    done = cluster("restore", "--plan", plan, "--yes", "--json")
    assert done.status == 3
    assert done.lines[-1]["outcome"] == "stopped"
    assert "20260101-000000-abcd" in done.err


def _begun(cluster: Cluster, plan: str, home: Path) -> subprocess.Popen[str]:
    inventory = str(cluster.practice.inventory_path)
    return subprocess.Popen(
        command("restore", "-i", inventory, "--plan", plan, "--yes", "--json"),
        env={**os.environ, **cluster.practice.environment, "HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
