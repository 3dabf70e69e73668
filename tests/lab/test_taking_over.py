"""A loomtui is killed in its restore, its folder is gone, and a second desk carries on: on real nodes.

The same at every event, on a practice cluster: python -m tests.restore.kill_walk --way take-over
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from loomtui.restore.events import EventKind, StepName
from tests.lab.backups import DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.desk import Desk
from tests.lab.proof import around, clock, is_well, moving, on_nodes, signed_twice

_CLUSTER = "loom-lab"
_VICTIM = "val-3"


@dataclass(frozen=True)
class Moment:
    """The first event of this kind in this step: then the first loomtui is killed."""

    kind: EventKind
    step: StepName
    off: bool = False  # a node loses its power with it


MOMENTS = {
    "staging": Moment(EventKind.TASK_DONE, StepName.PREFLIGHT),
    "swapping, a node off": Moment(EventKind.TASK_STARTED, StepName.DATA, off=True),
    "starting": Moment(EventKind.TASK_STARTED, StepName.START),
}


@pytest.mark.parametrize("name", MOMENTS)
async def test_a_second_desk_carries_the_run_on(shared: Lab, tmp_path: Path, name: str) -> None:
    moment = MOMENTS[name]
    since, chain = clock(shared), await around(shared, DATA_HEIGHT)
    first, second = (_desk(shared, tmp_path / place) for place in ("first", "second"))
    planned, plan = first.plan("--reset-signing-state", _CLUSTER)
    assert planned.status == 0, planned.out + planned.err
    run = _kill_at(first, plan, moment)
    shutil.rmtree(first.home)
    living = ("--although-at-work", _CLUSTER)
    if moment.off:
        shared.power_off(_VICTIM)
        try:
            without = second.loomtui("take-over", run, "--only", "--yes", *living)
            refused = second.loomtui("resume", run, "--yes")
        finally:
            shared.power_on(_VICTIM)
        assert without.status == 0, without.err
        assert f"{_VICTIM} cannot be asked" in " ".join(without.err.split())
        assert refused.status != 0
        assert _VICTIM in refused.err
        done = second.loomtui("resume", run, "--yes")
    else:
        done = second.loomtui("take-over", run, "--yes", *living)
    assert done.status == 0, done.out + done.err
    await moving(shared)
    kept, new = await around(shared, DATA_HEIGHT)
    assert (kept, new != chain[1]) == (chain[0], True)
    assert await signed_twice(shared, since) == {}
    assert is_well(shared), "some node is held"
    (told,) = [one for one in _known(second) if one["id"] == run]
    assert (told["holds"], told["taken_over"]) == ([], 1)
    claims = await on_nodes(shared, f"cd /home/ubuntu/.loomtui/runs/{run} && ls taken.*")
    assert set(claims.values()) == {"taken.2\n"}


def _desk(lab: Lab, home: Path) -> Desk:
    home.mkdir()
    return Desk(lab, home)


def _known(desk: Desk) -> list[dict[str, object]]:
    document = desk.loomtui("runs", "--on-nodes", "--json").document
    assert document["silent"] == {}
    runs: list[dict[str, object]] = document["runs"]
    return runs


def _kill_at(desk: Desk, plan: Path, moment: Moment) -> str:
    """Gives the run."""
    process = subprocess.Popen(
        [sys.executable, "-m", "loomtui", "restore", "--plan", str(plan), "--yes", "--json"],
        cwd=desk.home,
        env=desk.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            event = json.loads(line)
            if (event.get("kind"), event.get("step")) == (moment.kind.value, moment.step.value):
                break
        process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert process.returncode == -signal.SIGKILL, "it came to its end before"
    return str(event["run"])
