"""One node in the hands of one run: its folder, its marks, and the scripts that change it."""

from __future__ import annotations

import posixpath
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from loomtui.fleet.batch import Change, Look
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.holder import Holder, read_holder
from loomtui.fleet.probes.places import FileSystem, hold_file, read_file_system
from loomtui.fleet.probes.service_state import held_by
from loomtui.fleet.scripts import ChangeScript, InspectScript
from loomtui.fleet.session import Output, WritableSession
from loomtui.loom.databases import UNIT
from loomtui.restore.plan import Archive, NodePlan
from loomtui.restore.planning.space import shortages, uses_of, with_freed
from loomtui.restore.record.given_up import GivenUp, read_given_up
from loomtui.restore.room import OldData
from loomtui.text import clean, clean_line

RUN_STATE = InspectScript("run_state")
PROCESSES = InspectScript("processes")
SETTLE = InspectScript("settle")
LOCK = ChangeScript("lock")
KEEP_RECORD = ChangeScript("keep_record")
UNLOCK = ChangeScript("unlock")
HOLD = ChangeScript("hold")
UNHOLD = ChangeScript("unhold")
STOP = ChangeScript("stop")
KILL = ChangeScript("kill")
START = ChangeScript("start")
FETCH = ChangeScript("fetch")
FETCH_JOB = ChangeScript("fetch_job")
FETCH_URL = ChangeScript("fetch_url")
FETCH_PARTS = ChangeScript("fetch_parts")
PARTS_JOB = ChangeScript("parts_job")
COMPARE = ChangeScript("compare")
TAKEN = InspectScript("taken")
REUSE_LIVE = ChangeScript("reuse_live")
REUSE = ChangeScript("reuse")
RELAY = ChangeScript("relay")
RELAYED = ChangeScript("relayed")
PLACE = ChangeScript("place")
GIVE_UP = ChangeScript("give_up")
SWAP = ChangeScript("swap")
UNSWAP = ChangeScript("unswap")
STAGE_FILE = ChangeScript("stage_file")
REPLACE = ChangeScript("replace")
UNREPLACE = ChangeScript("unreplace")
SIGNING = ChangeScript("signing")
RELOAD = ChangeScript("reload")
VERIFY_UNIT = ChangeScript("verify_unit")
CLEAN = ChangeScript("clean")

_LOOK_SECONDS = 60.0
#: As long as this, what was seen is taken to be so still, in looks that decide nothing by themselves.
_RECENT_SECONDS = 5.0
_SETS = ("data", "config")
_DIGEST = re.compile(r"^(\\?)([0-9a-f]{64}) [ *](.+)$", re.MULTILINE)
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

    VANISHED = -1  # it wrote nothing: killed, or the node was rebooted
    DONE = 0
    FAILED = 1  # and whatever else is in `rc`
    OTHER_ARCHIVE = 2  # what S3 gave is not the archive of the plan
    NO_S3 = 3  # the node does not reach S3: it never answered
    BAD_PACKING = 4  # the node cannot decompress what came
    NO_ROOM = 5  # the disk would have been filled
    BAD_TAR = 6  # the node cannot unpack what came
    NOT_OF_MANIFEST = 7  # a part or a file is not what the manifest says


@dataclass(frozen=True)
class JobEnd:
    status: JobStatus
    message: str  # what the job said, for reading
    http_status: int | None = None  # with which S3 refused the download; None: it did not refuse it


@dataclass(frozen=True)
class RunState:
    """What the run has left on the node so far. A resume goes by this."""

    lock_owner: Holder | None  # None: not locked, or by a lock that cannot be read
    held: bool  # by this run
    was_active: bool | None  # before the run's hold; None: not held yet
    marks: frozenset[str]
    slots: frozenset[str]  # files noted in replaced/files
    jobs: Mapping[str, JobEnd]  # finished jobs, by set
    running: frozenset[str]
    staged_bytes: Mapping[str, int]
    digests: Mapping[str, str]  # absolute path -> SHA-256 hex
    tools: frozenset[str]
    active: str
    sub: str
    main_pid: int
    started: str
    need_reload: bool
    exec_start: str
    staged_files: Mapping[str, int] = field(default_factory=dict)  # unpacked so far
    work_space: FileSystem | None = None  # of the working directory; None: the node does not tell
    unit_space: FileSystem | None = None  # of the unit file's folder
    fetched_bytes: Mapping[str, int] = field(default_factory=dict)  # that came from S3, by set
    sha256: Mapping[str, str] = field(default_factory=dict)  # of what came, hex, by set; known at its end
    begun_anew: Mapping[str, int] = field(default_factory=dict)  # how often the job of a set began anew
    asking: frozenset[str] = frozenset()  # sets whose job waits for a new URL
    troubles: Mapping[str, str] = field(default_factory=dict)  # why the job of a set waits, for reading
    cores: int | None = None
    compared: frozenset[str] = frozenset()  # sets whose files were compared with a manifest
    given_up: GivenUp | None = None  # old databases that are deleted; None: everything is kept

    @property
    def stopped(self) -> bool:
        return self.active in {"inactive", "failed"} and self.main_pid == 0


@dataclass(frozen=True)
class Seen:
    """What was seen of the node at one moment."""

    state: RunState
    files: frozenset[str]  # whose digests were asked for
    at: float  # by our monotonic clock, in seconds
    left: tuple[Process, ...] | None = None  # what `left_running` tells; None: it was not asked


class NodeRun:
    """All paths and scripts of one run on one node.

    It remembers what it saw last, so that a step need not look at what the one before it has just seen. A
    change makes it forget, unless a look came with the change.
    """

    def __init__(self, session: WritableSession, plan: NodePlan, run: str, generation: str = "") -> None:
        self.session = session
        self.plan = plan
        self.run = run
        self.generation = generation  # NUMBER-TOKEN; empty: the run was never taken over
        self._last: Seen | None = None

    @property
    def workdir(self) -> str:
        return self.plan.working_directory

    @property
    def folder(self) -> str:
        return f"{self.workdir}/.loomtui/runs/{self.run}"

    @property
    def holder(self) -> str:
        """As whom its change scripts come: what the lock has to name, or they do nothing."""
        return f"{self.run}/{self.generation}" if self.generation else self.run

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
        part = self._state_look(files)
        output = await self.session.inspect(part.script, *part.args, timeout=_LOOK_SECONDS)
        self._last = Seen(_read_state(output.stdout, self.run), frozenset(files), time.monotonic())
        return self._last.state

    async def recent_state(self, *files: str) -> RunState:
        """As `state`, but what was seen a moment ago counts. For what the next script judges once more."""
        last = self._last
        if last is None or not last.files.issuperset(files) or _is_old(last):
            return await self.state(*files)
        return last.state

    async def look(self, *files: str, looks: Sequence[Look] = ()) -> tuple[Seen, tuple[Output, ...]]:
        """The state, what is left running, and what other looks tell: all of this moment, one round trip."""
        state, left, *others = await self.session.inspect_all(
            self._state_look(files), self._left_look(), *looks, timeout=_LOOK_SECONDS
        )
        return self._saw(state, left, files), tuple(others)

    async def recent_look(self) -> Seen:
        """As `look`, but what was seen a moment ago counts."""
        last = self._last
        if last is None or last.left is None or _is_old(last):
            last, _ = await self.look()
        return last

    async def settle(self, seconds: float) -> RunState:
        """The state when the service's main process is so old, or is no more: the node waits, not we."""
        wait = Look(SETTLE, (self.unit_name, str(round(seconds * 100))))
        _, state = await self.session.inspect_all(wait, self._state_look(()), timeout=_LOOK_SECONDS + seconds)
        return self._saw(state, None, ()).state

    def forget(self) -> None:
        """The next look is a new one."""
        self._last = None

    def _saw(self, state: Output, left: Output | None, files: Iterable[str]) -> Seen:
        running = None if left is None else read_processes(read_facts(left.stdout).all("left"))
        self._last = Seen(_read_state(state.stdout, self.run), frozenset(files), time.monotonic(), running)
        return self._last

    def _state_look(self, files: Iterable[str]) -> Look:
        return Look(RUN_STATE, (self.workdir, self.run, self.unit_name, self.hold_file, *files))

    def _left_look(self) -> Look:
        return Look(PROCESSES, (self.workdir, self.unit_name))

    def shortages(
        self,
        state: RunState,
        archives: Mapping[str, Archive],
        *,
        taken_over: int = 0,
        freed: OldData | None = None,
    ) -> tuple[str, ...]:
        """Why these archives, by their set, would not fit on the node's disks. Empty means that they would.

        `taken_over`: of the data, will need no room; `freed`: will be deleted before.
        """
        wanted = {name: one for name, one in archives.items() if f"{name}.staged" not in state.marks}
        staged = dict(state.staged_bytes)
        staged["data"] = max(staged.get("data", 0), taken_over)
        uses = uses_of(wanted, self.workdir, self.plan.unit_path, staged)
        spaces = {uses[0].path: state.work_space, uses[-1].path: state.unit_space}
        known = {path: space for path, space in spaces.items() if space is not None}
        if freed is not None:
            known = with_freed(known, uses[0].path, freed.bytes, freed.files)
        return tuple(shortage.sentence for shortage in shortages(uses, known))

    async def change(
        self,
        script: ChangeScript,
        *args: str,
        stdin: bytes | AsyncIterator[bytes] | None = None,
        timeout: float = 60,
        accept: tuple[int, ...] = (0,),
    ) -> Output:
        """Runs a change script with the working directory and the run as its first arguments."""
        self.forget()
        return await self.session.change(
            script, self.workdir, self.holder, *args, stdin=stdin, timeout=timeout, accept=accept
        )

    async def keep_record(self, *args: str, stdin: bytes, timeout: float) -> Output:
        """Changes nothing of what the run looks at, so what was seen still counts."""
        return await self.session.change(
            KEEP_RECORD, self.workdir, self.holder, *args, stdin=stdin, timeout=timeout
        )

    def part(self, script: ChangeScript, *args: str, accept: tuple[int, ...] = (0,)) -> Change:
        """The same as a part of a batch."""
        return Change(script, (self.workdir, self.holder, *args), accept)

    async def change_and_look(
        self,
        *changes: Change,
        files: Sequence[str] = (),
        left: bool = False,
        looks: Sequence[Look] = (),
        timeout: float = 60,
    ) -> tuple[Output, ...]:
        """The changes, then what `state` and, if asked for, `left_running` tell, then other looks.

        All in one round trip. Gives the output of each change and then of each of the other looks; if a
        change ended the batch with a status that it accepts, those up to its own.
        """
        self.forget()
        mine = (self._state_look(files), *((self._left_look(),) if left else ()))
        outputs = await self.session.change_all(*changes, *mine, *looks, timeout=timeout + _LOOK_SECONDS)
        done, told = outputs[: len(changes)], outputs[len(changes) :]
        if told:
            self._saw(told[0], told[1] if left else None, files)
        return (*done, *told[len(mine) :])


def _is_old(seen: Seen) -> bool:
    return time.monotonic() - seen.at > _RECENT_SECONDS


def _read_state(stdout: bytes, run: str) -> RunState:
    facts = read_facts(stdout)
    unit = dict(line.split("=", 1) for line in (facts.text("unit") or "").splitlines() if "=" in line)
    return RunState(
        lock_owner=read_holder(facts.text("lock")),
        held=held_by(facts.text("hold")) == run,
        was_active=_was_active(facts.text("was")),
        marks=frozenset(_texts(facts.all("mark"))),
        slots=frozenset(_texts(facts.all("slot"))),
        jobs={
            name: _read_job(facts.line(f"job.{name}"), facts.number(f"http.{name}"))
            for name in _SETS
            if f"job.{name}" in facts
        },
        running=frozenset(_texts(facts.all("job.running"))),
        staged_bytes={name: (facts.number(f"bytes.{name}") or 0) * 1024 for name in _SETS},
        work_space=read_file_system(facts.text("space.work")),
        unit_space=read_file_system(facts.text("space.unit")),
        staged_files={name: facts.number(f"files.{name}") or 0 for name in _SETS},
        fetched_bytes={name: facts.number(f"fetched.{name}") or 0 for name in _SETS},
        sha256={name: facts.line(f"sha256.{name}") for name in _SETS if f"sha256.{name}" in facts},
        begun_anew={name: facts.number(f"anew.{name}") or 0 for name in _SETS},
        asking=frozenset(_texts(facts.all("asks"))),
        troubles={name: facts.line(f"trouble.{name}") for name in _SETS if f"trouble.{name}" in facts},
        cores=facts.number("cores"),
        compared=frozenset(_texts(facts.all("compared"))),
        given_up=read_given_up(facts.text("given_up")),
        digests=_read_digests(facts.get("digests", b"").decode("utf-8", "replace")),
        tools=frozenset(_texts(facts.all("tool"))),
        active=unit.get("ActiveState", "unknown"),
        sub=unit.get("SubState", ""),
        main_pid=int(unit["MainPID"]) if unit.get("MainPID", "").isdigit() else 0,
        started=unit.get("ExecMainStartTimestampMonotonic", ""),
        need_reload=unit.get("NeedDaemonReload") == "yes",
        exec_start=unit.get("ExecStart", ""),
    )


def _read_digests(text: str) -> dict[str, str]:
    """What sha256sum prints: a line a file. It begins with a backslash if the name has one, or a newline."""
    digests = {}
    for match in _DIGEST.finditer(text):
        escaped, digest, path = match.groups()
        digests[re.sub(r"\\(.)", _unescaped, path) if escaped else path] = digest
    return digests


def _unescaped(sign: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r"}.get(sign[1], sign[1])


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
