"""One node in the hands of one run: its folder, its marks, and the scripts that change it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.places import FileSystem, hold_file, read_file_system
from loomtui.fleet.probes.service_state import held_by
from loomtui.fleet.scripts import ChangeScript, InspectScript
from loomtui.fleet.session import Output, WritableSession
from loomtui.loom.databases import UNIT
from loomtui.restore.plan import Archive, NodePlan
from loomtui.restore.planning.space import shortages, uses_of
from loomtui.text import clean, clean_line

RUN_STATE = InspectScript("run_state")
PROCESSES = InspectScript("processes")
LOCK = ChangeScript("lock")
UNLOCK = ChangeScript("unlock")
HOLD = ChangeScript("hold")
UNHOLD = ChangeScript("unhold")
STOP = ChangeScript("stop")
KILL = ChangeScript("kill")
START = ChangeScript("start")
FETCH = ChangeScript("fetch")
FETCH_JOB = ChangeScript("fetch_job")
RELAY = ChangeScript("relay")
PLACE = ChangeScript("place")
SWAP = ChangeScript("swap")
UNSWAP = ChangeScript("unswap")
STAGE_FILE = ChangeScript("stage_file")
REPLACE = ChangeScript("replace")
UNREPLACE = ChangeScript("unreplace")
SIGNING = ChangeScript("signing")
RELOAD = ChangeScript("reload")
VERIFY_UNIT = ChangeScript("verify_unit")
CLEAN = ChangeScript("clean")

_PROCESS = re.compile(r"(\d{1,10}) (\d{1,20}) (told|untold|other) ([^\t]*)\t(.*)", re.DOTALL)


class Standing(Enum):
    """How a process belongs to the service. Source: systemd.kill(5), KillMode=."""

    TOLD = "told"  # of the service, and a stop tells it to end
    UNTOLD = "untold"  # of the service, but its KillMode= spares it
    OTHER = "other"  # not of the service: a stop does not reach it


@dataclass(frozen=True)
class Process:
    """A process that keeps a stop from being complete."""

    id: int
    start: int  # clock ticks since boot
    name: str  # as the kernel has it: at most 15 characters
    standing: Standing
    file: str = ""  # of a database, which it has open; a path on the node

    def __str__(self) -> str:
        return f"{self.id} ({self.name})"

    @property
    def mark(self) -> str:
        """How kill.sh recognises the process."""
        return f"{self.id}:{self.start}"


class JobStatus(IntEnum):
    """How a job on the node ended, as fetch_job.sh writes it into `rc`."""

    DONE = 0
    FAILED = 1  # and whatever else is in `rc`
    OTHER_ARCHIVE = 2  # what S3 gave is not the archive of the plan


@dataclass(frozen=True)
class JobEnd:
    status: JobStatus
    message: str  # what the job said, for reading
    http_status: int | None = None  # with which S3 refused the download; None: it did not refuse it


@dataclass(frozen=True)
class RunState:
    """What the run has left on the node so far. A resume goes by this."""

    lock_owner: str  # the lock file's text, empty: not locked
    held: bool  # by this run
    was_active: bool | None  # before the run's hold; None: not held yet
    marks: frozenset[str]
    slots: frozenset[str]  # files noted in replaced/files
    jobs: Mapping[str, JobEnd]  # finished jobs, by set
    running: frozenset[str]
    staged_bytes: Mapping[str, int]
    digests: Mapping[str, str]  # absolute path -> SHA-256 hex
    tools: frozenset[str]
    free_bytes: int
    active: str
    sub: str
    main_pid: int
    started: str
    need_reload: bool
    exec_start: str
    staged_files: Mapping[str, int] = field(default_factory=dict)  # unpacked so far
    work_space: FileSystem | None = None  # of the working directory; None: the node does not tell
    unit_space: FileSystem | None = None  # of the unit file's folder

    @property
    def stopped(self) -> bool:
        return self.active in {"inactive", "failed"} and self.main_pid == 0


class NodeRun:
    """All paths and scripts of one run on one node."""

    def __init__(self, session: WritableSession, plan: NodePlan, run: str) -> None:
        self.session = session
        self.plan = plan
        self.run = run

    @property
    def workdir(self) -> str:
        return self.plan.working_directory

    @property
    def folder(self) -> str:
        return f"{self.workdir}/.loomtui/runs/{self.run}"

    @property
    def unit_name(self) -> str:
        return posixpath.basename(self.plan.unit_path)

    @property
    def hold_file(self) -> str:
        return hold_file(self.plan.unit_path)

    def path_of(self, target: str) -> str:
        """Where a target of the plan lies on the node."""
        return self.plan.unit_path if target == UNIT else f"{self.workdir}/{target}"

    async def state(self, *files: str) -> RunState:
        """Only looks. Raises NodeUnreachable, ScriptFailed."""
        output = await self.session.inspect(
            RUN_STATE, self.workdir, self.run, self.unit_name, self.hold_file, *files, timeout=60
        )
        return _read_state(output.stdout, self.run)

    async def left_running(self) -> tuple[Process, ...]:
        """The processes of the unit, and those that have a database open. Only looks.

        Raises NodeUnreachable, ScriptFailed.
        """
        output = await self.session.inspect(PROCESSES, self.workdir, self.unit_name, timeout=60)
        return read_processes(read_facts(output.stdout).all("left"))

    def shortages(self, state: RunState, archives: Mapping[str, Archive]) -> tuple[str, ...]:
        """Why these archives, by their set, would not fit on the node's disks.

        Empty means that they would.
        """
        wanted = {name: one for name, one in archives.items() if f"{name}.staged" not in state.marks}
        uses = uses_of(wanted, self.workdir, self.plan.unit_path, state.staged_bytes)
        spaces = {uses[0].path: state.work_space, uses[-1].path: state.unit_space}
        return shortages(uses, {path: space for path, space in spaces.items() if space is not None})

    async def change(
        self,
        script: ChangeScript,
        *args: str,
        stdin: bytes | AsyncIterator[bytes] | None = None,
        timeout: float = 60,
        accept: tuple[int, ...] = (0,),
    ) -> Output:
        """Runs a change script with the working directory and the run as its first arguments."""
        return await self.session.change(
            script, self.workdir, self.run, *args, stdin=stdin, timeout=timeout, accept=accept
        )


def _read_state(stdout: bytes, run: str) -> RunState:
    facts = read_facts(stdout)
    unit = dict(line.split("=", 1) for line in (facts.text("unit") or "").splitlines() if "=" in line)
    digests = {}
    for value in facts.all("digest"):
        digest, _, path = value.decode("utf-8", "replace").partition(" ")
        digests[path] = digest
    return RunState(
        lock_owner=facts.line("lock"),
        held=held_by(facts.text("hold")) == run,
        was_active=_was_active(facts.text("was")),
        marks=frozenset(_texts(facts.all("mark"))),
        slots=frozenset(_texts(facts.all("slot"))),
        jobs={
            name: _read_job(facts.line(f"job.{name}"), facts.number(f"http.{name}"))
            for name in ("data", "config")
            if f"job.{name}" in facts
        },
        running=frozenset(_texts(facts.all("job.running"))),
        staged_bytes={name: (facts.number(f"bytes.{name}") or 0) * 1024 for name in ("data", "config")},
        work_space=read_file_system(facts.text("space.work")),
        unit_space=read_file_system(facts.text("space.unit")),
        staged_files={name: facts.number(f"files.{name}") or 0 for name in ("data", "config")},
        digests=digests,
        tools=frozenset(_texts(facts.all("tool"))),
        free_bytes=(facts.number("free") or 0) * 1024,
        active=unit.get("ActiveState", "unknown"),
        sub=unit.get("SubState", ""),
        main_pid=int(unit["MainPID"]) if unit.get("MainPID", "").isdigit() else 0,
        started=unit.get("ExecMainStartTimestampMonotonic", ""),
        need_reload=unit.get("NeedDaemonReload") == "yes",
        exec_start=unit.get("ExecStart", ""),
    )


def _read_job(line: str, http_status: int | None) -> JobEnd:
    """`STATUS MESSAGE`, as run_state.sh prints it."""
    status, _, message = line.partition(" ")
    known = {str(one.value): one for one in JobStatus}
    return JobEnd(known.get(status, JobStatus.FAILED), message or "the job failed", http_status)


def read_processes(values: Iterable[bytes]) -> tuple[Process, ...]:
    """Reads lines `ID START STANDING NAME`, a tab, and a file, as left_running in lib.sh prints them.

    Lines of another form are passed over.
    """
    matches = (_PROCESS.fullmatch(clean(value, limit=4_200)) for value in values)
    return tuple(
        Process(int(match[1]), int(match[2]), clean_line(match[4]), Standing(match[3]), clean_line(match[5]))
        for match in matches
        if match
    )


def _texts(values: tuple[bytes, ...]) -> list[str]:
    return [value.decode("utf-8", "replace") for value in values]


def _was_active(text: str | None) -> bool | None:
    if text is None:
        return None
    return any(f"active={state}" in text.splitlines() for state in ("active", "activating", "reloading"))
