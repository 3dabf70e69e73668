"""Deals with backup.sh during a restore.

It must not start a node, not archive what is half restored, and not bring old files into the next backup. The
hold sees to the first; this module sees to the rest, as the plan's policy says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from loomtui.errors import StepFailed
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.backup_jobs import BackupJob, BackupJobs, find_backup_jobs
from loomtui.fleet.scripts import ChangeScript
from loomtui.fleet.session import Output
from loomtui.restore.choices import BackupPolicy
from loomtui.restore.events import Json
from loomtui.restore.record.marks import JOB_BACK, JOB_LOST
from loomtui.restore.running.node_run import NodeRun
from loomtui.text import clean_line

SUSPEND = ChangeScript("suspend")
UNSUSPEND = ChangeScript("unsuspend")
END_BACKUP = ChangeScript("end_backup")
SET_ASIDE = ChangeScript("set_aside")
UNSET_ASIDE = ChangeScript("unset_aside")

Tell = Callable[[str], None]

_WAIT_SECONDS = 300.0  # a backup takes hours and a hung one days: this is for one that is nearly done
_POLL_SECONDS = 1.0
_END_SECONDS = 20
_STILL = "This step stops no service and replaces no file."


async def jobs_on(node_run: NodeRun) -> BackupJobs:
    """Only looks. Raises LoomtuiError."""
    return await find_backup_jobs(node_run.session, node_run.plan.unit_path, node_run.workdir)


def in_the_way(backup_jobs: BackupJobs, policy: BackupPolicy) -> tuple[BackupJob, ...]:
    """What preflight still has to deal with."""
    return () if policy is BackupPolicy.LEAVE else backup_jobs.jobs


def intentions(backup_jobs: BackupJobs, policy: BackupPolicy) -> tuple[str, ...]:
    """What would be done about each job, in a sentence each."""
    return tuple(f"{_VERBS[policy, job.runs]} {job}" for job in backup_jobs.jobs)


_VERBS = {
    (BackupPolicy.WAIT, True): "wait until it has ended:",
    (BackupPolicy.WAIT, False): "suspend until the node is started again or given back:",
    (BackupPolicy.STOP, True): "end (SIGTERM; the backup that it makes is lost):",
    (BackupPolicy.STOP, False): "suspend until the node is started again or given back:",
    (BackupPolicy.LEAVE, True): "leave alone (the hold keeps it from starting the service):",
    (BackupPolicy.LEAVE, False): "leave alone (the hold keeps it from starting the service):",
}


async def settle(node_run: NodeRun, policy: BackupPolicy, tell: Tell) -> None:
    """Does what the policy says, and tells it. Raises StepFailed for a job that does not end."""
    backup_jobs = await jobs_on(node_run)
    for sentence in intentions(backup_jobs, policy):
        tell(f"backup job: {sentence}")
    if policy is BackupPolicy.LEAVE:
        return
    await suspend(node_run, backup_jobs)
    if policy is BackupPolicy.STOP and backup_jobs.running:
        await _end(node_run, backup_jobs.running)
    await _wait(node_run, tell)


async def suspend(node_run: NodeRun, backup_jobs: BackupJobs) -> None:
    """Can be called again. If this run cannot get at a crontab, the script reports that as a failure."""
    pairs = dict.fromkeys((job.kind.value, job.place) for job in backup_jobs.scheduled)
    if pairs:
        units = node_run.hold_file.rsplit("/", 2)[0]
        await node_run.change(SUSPEND, units, *(part for pair in pairs for part in pair))


def tell_what_is_back(output: Output, note: Callable[[str, Mapping[str, Json]], None]) -> None:
    """Tells what unsuspend.sh lets the clock start again."""
    facts = read_facts(output.stdout)
    for value in facts.all("back"):
        place = clean_line(value.decode("utf-8", "replace"))
        note(f"backup job: put back {place}", {JOB_BACK: place})
    for value in facts.all("lost"):
        place = clean_line(value.decode("utf-8", "replace"))
        note(f"backup job: {place} could not be started again", {JOB_LOST: place, "severity": "warning"})


async def _end(node_run: NodeRun, running: tuple[BackupJob, ...]) -> None:
    output = await node_run.change(
        END_BACKUP,
        str(_END_SECONDS),
        *(job.place for job in running),
        timeout=_END_SECONDS + 60,
        accept=(0, 75),
    )
    if output.status == 75:
        raise _still_running(node_run, running, "does not end on SIGTERM")


async def _wait(node_run: NodeRun, tell: Tell) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    is_announced = False
    while running := (await jobs_on(node_run)).running:
        if time.monotonic() > deadline:
            raise _still_running(node_run, running, f"has not ended within {_WAIT_SECONDS:.0f} s")
        if not is_announced:
            is_announced = True
            tell(f"waits at most {_WAIT_SECONDS:.0f} s for {_describe_jobs(running)} to end")
        await asyncio.sleep(_POLL_SECONDS)


def _still_running(node_run: NodeRun, running: tuple[BackupJob, ...], what: str) -> StepFailed:
    return StepFailed(
        f"backup.sh {what}: {_describe_jobs(running)}",
        node=node_run.plan.name,
        safe=_STILL,
        advice="End it on the node and go on, or make a plan with --backup-jobs stop (ends it) or "
        "--backup-jobs leave (the hold keeps it from starting the service, but it may upload a backup of "
        "half-restored data).",
    )


def _describe_jobs(running: tuple[BackupJob, ...]) -> str:
    return "; ".join(map(str, running))


async def set_aside(node_run: NodeRun, tell: Tell) -> None:
    """Takes the stale staging folder away, so that the next backup holds the restored files.

    Can be called again.
    """
    backup_jobs = await jobs_on(node_run)
    if backup_jobs.staging is None or node_run.run in backup_jobs.aside:
        return
    output = await node_run.change(SET_ASIDE, backup_jobs.staging)
    if text := describe_set_aside(backup_jobs.staging, output):
        tell(text)


def describe_set_aside(folder: str, output: Output) -> str:
    """What set_aside.sh did, in words; empty if there was nothing."""
    kept = read_facts(output.stdout).line("kept")
    if not kept:
        return ""
    return (
        f"the staging folder of backup.sh, {folder}, is set aside as {kept}: the next backup would hold its "
        "old files"
    )
