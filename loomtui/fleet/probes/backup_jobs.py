"""Where backup.sh is on a node: at work, waiting for its time, or suspended by a run; and where it stages.

It stops and starts the service by itself, archives whatever is there at that moment, and may wake up while
the whole cluster is stopped. Source: go-loom 013c29b, backup/utils/backup.sh.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from loomtui.fleet.batch import Look
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.scripts import InspectScript
from loomtui.loom.secrets import mask_secrets
from loomtui.text import clean_line

if TYPE_CHECKING:
    from loomtui.fleet.session import Session

_SCRIPT = InspectScript("backup_jobs")
_SECONDS = 60.0
_PLACE = re.compile(r"[A-Za-z0-9/._:@-]{1,300}")
_PROCESS = re.compile(r"([0-9]{1,10}:[0-9]{1,20}) (-?[0-9]{1,12}) (.*)", re.DOTALL)


class JobKind(StrEnum):
    PROCESS = "process"  # it runs, or waits for something
    CRONTAB = "crontab"  # a line of a crontab
    SCRIPT = "script"  # a program in /etc/cron.daily and the like
    TIMER = "timer"  # of systemd


@dataclass(frozen=True)
class BackupJob:
    kind: JobKind
    place: str  # ID:START of a process, the path of a crontab or script, the name of a timer
    text: str  # command line, the crontab's line, the timer's service; secrets hidden
    since: datetime | None = None  # UTC by our clock, of a process

    @property
    def runs(self) -> bool:
        return self.kind is JobKind.PROCESS

    def __str__(self) -> str:
        if self.kind is JobKind.PROCESS:
            since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
            return f"process {self.place.partition(':')[0]}{since}: {self.text}"
        if self.kind is JobKind.TIMER:
            return f"{self.place} of systemd, which starts {self.text}"
        return f"{self.place}: {self.text}" if self.text else self.place


@dataclass(frozen=True)
class BackupJobs:
    """The jobs of one node."""

    jobs: tuple[BackupJob, ...] = ()
    suspended: tuple[str, ...] = ()  # 'KIND PLACE' of what runs keep from being started
    staging: str | None = None  # where backup.sh stages, when something lies there
    aside: frozenset[str] = frozenset()  # the runs that have set a staging folder aside

    @property
    def running(self) -> tuple[BackupJob, ...]:
        return tuple(job for job in self.jobs if job.runs)

    @property
    def scheduled(self) -> tuple[BackupJob, ...]:
        return tuple(job for job in self.jobs if not job.runs)


async def find_backup_jobs(session: Session, unit_path: str, working_directory: str) -> BackupJobs:
    """Only looks. It sees the crontabs of other users only with root rights. Raises LoomtuiError."""
    part = backup_jobs_look(unit_path, working_directory)
    output = await session.inspect(part.script, *part.args, timeout=_SECONDS)
    return read_backup_jobs(read_facts(output.stdout), datetime.now(UTC))


def backup_jobs_look(unit_path: str, working_directory: str) -> Look:
    """The look as a part of a batch; `read_backup_jobs` reads what it printed."""
    return Look(_SCRIPT, (unit_path, working_directory))


def read_backup_jobs(facts: Facts, now: datetime) -> BackupJobs:
    """What the script `backup_jobs` found. What that script cannot have printed is passed over."""
    jobs = [_process(text, now) for text in _texts(facts, "process")]
    for kind in (JobKind.CRONTAB, JobKind.SCRIPT, JobKind.TIMER):
        jobs += [_scheduled(kind, text) for text in _texts(facts, kind.value)]
    staging = facts.line("staging")
    return BackupJobs(
        jobs=tuple(dict.fromkeys(job for job in jobs if job is not None)),
        suspended=_texts(facts, "suspended"),
        staging=staging if staging.startswith("/") and _PLACE.fullmatch(staging) else None,
        aside=frozenset(_texts(facts, "aside")),
    )


def _texts(facts: Facts, name: str) -> tuple[str, ...]:
    return tuple(clean_line(value) for value in facts.all(name))


def _process(text: str, now: datetime) -> BackupJob | None:
    match = _PROCESS.fullmatch(text)
    if match is None:
        return None
    age = max(0, min(int(match[2]), 10**9))
    since = now - timedelta(seconds=age)
    return BackupJob(JobKind.PROCESS, match[1], mask_secrets(match[3].strip()), since)


def _scheduled(kind: JobKind, text: str) -> BackupJob | None:
    place, _, rest = text.partition(" ")
    return BackupJob(kind, place, mask_secrets(rest.strip())) if _PLACE.fullmatch(place) else None
