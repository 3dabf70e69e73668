"""Data that is not read on the operator's machine, from the command line to a chain that moves."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.drill.practice import Practice, practice
from tests.cli.conftest import Cluster, Run

pytestmark = pytest.mark.slow


@pytest.fixture
def broken() -> Iterator[Practice]:
    with practice("clean-restore", 1, block_seconds=0.5) as cluster:
        yield cluster


def test_the_nodes_look_and_what_is_missing_is_asked_for(
    broken: Practice, loomtui: Run, tmp_path: Path
) -> None:
    cluster, kept = Cluster(broken, loomtui), str(tmp_path / "plan.yml")
    planned = cluster("plan", "--look-limit", "0", "-o", kept)
    assert planned.status == 0, planned.out + planned.err
    assert "not known yet, and told by the nodes before anything is stopped" in planned.out
    assert "Whether the chain can move is not known yet" in planned.out
    assert "reading" not in planned.err.replace("reading config", "") or "-data-" not in planned.err

    refused = cluster("restore", "--plan", kept, "--yes", "--json")
    assert refused.status == 3, refused.err
    assert refused.lines[-1]["outcome"] == "stopped"
    assert "No service was stopped" in refused.err
    steps = {event["step"] for event in refused.lines[:-1] if event["kind"] == "step-started"}
    assert steps == {"preflight"}
    assert not list(broken.root.glob("*/home/ubuntu/.loomtui/lock"))
    command = shlex.split(refused.err.split("make this plan: ")[1])
    assert command[:2] == ["loomtui", "plan"]

    again = cluster(*command[1:], "-o", kept)
    assert again.status == 0, again.out + again.err
    assert "not known yet" not in again.out, "what the nodes told is known by now"
    assert "was looked at on" in again.out
    done = cluster("restore", "--plan", kept, "--yes", "--json")
    assert done.status == 0, done.err
    assert done.lines[-1]["outcome"] == "restored"
    assert cluster("status").status == 0


def test_with_every_consent_it_goes_through(broken: Practice, loomtui: Run, tmp_path: Path) -> None:
    cluster, kept = Cluster(broken, loomtui), str(tmp_path / "plan.yml")
    consent = ("--reset-signing-state", cluster.name)
    planned = cluster("plan", "--look-limit", "1kB", *consent, "--json", "-o", kept)
    assert planned.status == 0, planned.err
    assert [one["code"] for one in planned.document["unknowns"]][:2] == ["whole", "chain"]
    done = cluster("restore", "--plan", kept, "--yes", "--json")
    assert done.status == 0, done.err
    kinds = [event["kind"] for event in done.lines[:-1]]
    assert kinds.count("plan-completed") == 1
    assert len(done.lines[-1]["steps"]) == 8
    run = done.lines[-1]["run"]
    assert "the plan is complete, by what the nodes have unpacked" in cluster("report", run).out
    assert cluster("rollback", run, "--yes", "--json").status == 0
