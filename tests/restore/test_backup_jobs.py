"""Whole runs on nodes where backup.sh runs or waits for its time."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from loomtui.errors import StepFailed
from loomtui.fleet.probes.backup_jobs import find_backup_jobs
from loomtui.restore.choices import BackupPolicy
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.findings import texts_of
from loomtui.restore.record.run_store import Run
from loomtui.restore.running.operator import Go, Preview
from tests.restore.cluster import LocalCluster
from tests.restore.interrupting import age
from tests.restore.local import LocalNode, Tree, tree
from tests.restore.scripted import Scripted
from tests.sampling import rest_slow

Make = Callable[..., LocalCluster]

CRON = "55 * * * * ubuntu /home/ubuntu/backup.sh\n"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loomtui.restore.running.job_suspension._POLL_SECONDS", 0.05)


@pytest.fixture
def cluster(make_cluster: Make) -> LocalCluster:
    """One node with a crontab that starts backup.sh, and what it has staged before."""
    made = make_cluster()
    root = made.machines["n1"].root
    (root / "etc/cron.d").mkdir()
    (root / "etc/cron.d/loom").write_text(CRON)
    (root / "tmp/loom-bu-stage/chaindata").mkdir(parents=True)
    (root / "tmp/loom-bu-stage/loom.yml").write_text("old\n")
    age(root / "etc/cron.d")
    return made


def surroundings(machine: LocalNode) -> Tree:
    return tree(machine.root / "etc/cron.d", machine.root / "tmp")


class Watching(Scripted):
    """Notes what the crontab is at each step."""

    def __init__(self, machine: LocalNode, go: Mapping[StepName, Go] | None = None) -> None:
        super().__init__(go)
        self._machine = machine
        self.crontabs: dict[StepName, str] = {}

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        self.crontabs[step] = (self._machine.root / "etc/cron.d/loom").read_text()
        return await super().before_step(step, previews)


def told(run: Run) -> str:
    return "\n".join(event.message for event in run.events())


@pytest.mark.slow
async def test_suspended_until_the_node_is_started(cluster: LocalCluster) -> None:
    machine = cluster.machines["n1"]
    before = surroundings(machine)
    run = await cluster.run()
    assert run.plan.backup_policy is BackupPolicy.WAIT
    assert run.plan.node("n1").staging == f"{machine.root}/tmp/loom-bu-stage"
    assert f"n1: a backup job is there: {machine.root}/etc/cron.d/loom: {CRON.strip()}" in texts_of(
        run.plan.warnings
    )
    operator = Watching(machine)
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    assert "backup job: suspend until" in operator.previews[StepName.PREFLIGHT]["n1"].text
    assert "set aside" in operator.previews[StepName.CONFIG]["n1"].text
    held = f"# held by loomtui run {run.id}: {CRON}"
    expected = dict.fromkeys(StepName, held) | {StepName.PREFLIGHT: CRON, StepName.VERIFY: CRON}
    assert operator.crontabs == expected
    assert "suspend until" in told(run)
    assert f"put back {machine.root}/etc/cron.d/loom" in told(run)
    assert not (machine.root / "tmp/loom-bu-stage").exists()
    assert (machine.run_folder(run.id) / "replaced/staging/loom.yml").read_text() == "old\n"
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert surroundings(machine) == before


@pytest.mark.parametrize("step", rest_slow([StepName.STOP, StepName.DATA, StepName.START, StepName.VERIFY]))
async def test_put_back_by_a_rollback(cluster: LocalCluster, step: StepName) -> None:
    machine = cluster.machines["n1"]
    before, live = surroundings(machine), cluster.live()
    run = await cluster.run()
    operator = Watching(machine, {step: Go.ROLL_BACK})
    assert await cluster.runner(run, operator=operator).restore() is Outcome.ROLLED_BACK
    assert surroundings(machine) == before
    assert cluster.live() == live


@pytest.mark.slow
async def test_put_back_where_a_run_stops_before_it_stops_anything(cluster: LocalCluster) -> None:
    machine = cluster.machines["n1"]
    before = surroundings(machine)
    run = await cluster.run()
    operator = Watching(machine, {StepName.STOP: Go.STOP})
    assert await cluster.runner(run, operator=operator).restore() is Outcome.STOPPED
    assert operator.crontabs[StepName.STOP] != CRON
    assert surroundings(machine) == before
    assert await cluster.runner(run).restore() is Outcome.RESTORED


@pytest.mark.slow
async def test_left_as_it_is(cluster: LocalCluster) -> None:
    machine = cluster.machines["n1"]
    run = await cluster.run(backup_policy=BackupPolicy.LEAVE)
    operator = Watching(machine)
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    assert set(operator.crontabs.values()) == {CRON}
    assert "leave alone (the hold keeps it from starting the service)" in told(run)


@pytest.fixture
def at_work(cluster: LocalCluster) -> Iterator[subprocess.Popen[bytes]]:
    """backup.sh runs on the node, until a line is written to it."""
    path = cluster.machines["n1"].root / "home/ubuntu/backup.sh"
    path.parent.mkdir(parents=True)
    path.write_text("echo ready; read -r line\n")
    process = subprocess.Popen(
        ["/bin/sh", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.slow
async def test_one_that_runs_is_waited_for(cluster: LocalCluster, at_work: subprocess.Popen[bytes]) -> None:
    run, fleet = await cluster.run(), cluster.fleet()
    looks = 0

    def after(node: str, script: str) -> None:
        nonlocal looks
        looks += script == "backup_jobs"
        if looks == 5:
            at_work.kill()
            at_work.wait(20)

    fleet.faults.after = after
    operator = Watching(cluster.machines["n1"])
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    assert f"wait until it has ended: process {at_work.pid} since " in told(run)
    assert looks > 5


async def test_one_that_does_not_end_stops_nothing(
    cluster: LocalCluster, at_work: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.restore.running.job_suspension._WAIT_SECONDS", 0.2)
    machine = cluster.machines["n1"]
    before = surroundings(machine)
    with pytest.raises(StepFailed, match=rf"has not ended.*process {at_work.pid} since") as caught:
        await cluster.runner(await cluster.run()).restore()
    assert "--backup-jobs stop" in caught.value.advice
    assert machine.active == "active"
    assert surroundings(machine) == before
    assert not machine.lock.exists()


@pytest.mark.slow
async def test_one_that_runs_is_ended_where_that_is_chosen(
    cluster: LocalCluster, at_work: subprocess.Popen[bytes]
) -> None:
    reaper = asyncio.create_task(asyncio.to_thread(at_work.wait, 60))  # a zombie would count as running to us
    run = await cluster.run(backup_policy=BackupPolicy.STOP)
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    assert await reaper == -15
    assert f"end (SIGTERM; the backup that it makes is lost): process {at_work.pid}" in told(run)


async def test_a_look_of_a_fleet(cluster: LocalCluster) -> None:
    machine = cluster.machines["n1"]
    session: Any = cluster.fleet().session("n1")
    found = await find_backup_jobs(session, str(machine.unit), str(machine.workdir))
    assert [str(job) for job in found.scheduled] == [f"{machine.root}/etc/cron.d/loom: {CRON.strip()}"]
    assert Path(found.staging or "").name == "loom-bu-stage"
