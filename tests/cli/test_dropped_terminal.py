"""The terminal goes in the middle of a restore: the run stops in order, another terminal goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.drill.practice import Practice, practice
from tests.cli.conftest import Cluster, Run
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def broken() -> Iterator[Practice]:
    with practice("clean-restore", 2, block_seconds=0.3) as cluster:
        yield cluster


def test_a_run_outlives_its_terminal(broken: Practice, tmp_path: Path, home: Path, loomtui: Run) -> None:
    cluster = Cluster(broken, loomtui)
    plan = str(tmp_path / "plan.yml")
    made = cluster("plan", "--reset-signing-state", cluster.name, "-o", plan)
    assert made.status == 0, made.out
    env = {**broken.environment, "HOME": str(home)}
    with Terminal(
        "restore", "-i", str(broken.inventory_path), "--plan", plan, env=env, cwd=tmp_path
    ) as terminal:
        terminal.expect("begin the restore")
        terminal.type("x")
        terminal.expect("Step 1 of 8")
        terminal.expect("It waits for you")
        _carry_out(terminal)
        terminal.expect("Step 2 of 8")
        assert terminal.hang_up() == 129
    (run,) = cluster("runs", "--json").document["runs"]
    assert run["outcome"] == "stopped"
    (journal,) = home.rglob("journal.jsonl")
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [event["step"] for event in events if event["kind"] == "step-done"] == ["preflight"]
    last = [event for event in events if event["kind"] == "decision"][-1]["data"]
    assert (last["answer"], last["by"].endswith("(terminal gone)")) == ("stop", True)
    assert cluster("resume", run["id"], "--yes").status == 0


def _carry_out(terminal: Terminal) -> None:
    time.sleep(0.9)  # a question takes no key in its first moment, so that a held key answers only one
    terminal.type("x")
