"""Past and present runs. Each is a folder with the plan, the inventory as it was, and the journal."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_state_path
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from loomtui.errors import CallError, LockHeld, LoomtuiError
from loomtui.private import make_private
from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.planning.planfile import dump_plan, load_plan, write_private
from loomtui.restore.planning.signed_plan import PlanFile, load_plan_file, signature_path
from loomtui.restore.record.run_journal import Journal, read_events
from loomtui.text import clean_line

#: Of each part of a run's record, in bytes, on a node as here: keep_record of change/common.sh has the same.
RECORD_LIMIT = 8 * 1024 * 1024
#: A colleague may take a run over once its sign of life is this old. It is renewed four times in that time.
LIFE_SECONDS = 60

_GENERATION = re.compile(r"\d{1,9}-[0-9a-f]{1,32}")
#: How runs are called, as a pattern.
RUN_ID = r"^[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$"
_RUN_ID = re.compile(RUN_ID)


@dataclass(frozen=True)
class RunSummary:
    id: str
    cluster: str
    started_at: datetime | None  # UTC
    ended_at: datetime | None
    outcome: Outcome | None  # None: it was interrupted, or is going on
    last_step: StepName | None
    operator: str
    at_work: bool = False  # a process on this machine works on it now
    generation: str = ""  # NUMBER-TOKEN if it was taken over to this machine


@dataclass(frozen=True)
class Run:
    id: str
    folder: Path
    plan: Plan

    @property
    def inventory_path(self) -> Path:
        """The inventory as it was when the run began."""
        return self.folder / "inventory.yml"

    @property
    def journal_path(self) -> Path:
        return self.folder / "journal.jsonl"

    @property
    def working_path(self) -> Path:
        """The file that the process that works on the run has locked."""
        return self.folder / "working"

    @property
    def plan_path(self) -> Path:
        return self.folder / "plan.yml"

    @property
    def generation(self) -> str:
        """NUMBER-TOKEN if the run was taken over to this machine; empty if it was begun here."""
        try:
            text = (self.folder / "generation").read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        return text if _GENERATION.fullmatch(text) else ""

    def record(self) -> dict[str, bytes]:
        """What a colleague needs to take the run over, by the names of the files here and on a node."""
        found = {}
        plans = (self.plan_path, self.first_plan_path)
        for path in (*plans, *map(signature_path, plans), self.inventory_path, self.journal_path):
            with suppress(OSError):
                found[path.name] = path.read_bytes()
        journal = found.get(self.journal_path.name, b"")
        found[self.journal_path.name] = journal[: journal.rfind(b"\n") + 1]  # the last line may be torn
        return found

    @property
    def first_plan_path(self) -> Path:
        """The plan that the run began with, where the data completed it."""
        return self.folder / "first-plan.yml"

    def first_plan(self) -> PlanFile:
        """The plan as the run began with it, and its signature. Raises CallError."""
        path = self.first_plan_path if self.first_plan_path.exists() else self.plan_path
        return load_plan_file(path)

    def with_plan(self, completed: Plan) -> Run:
        """Keeps the completed plan, from which the run goes on, and the first one beside it.

        Raises LoomtuiError.
        """
        try:
            if not self.first_plan_path.exists():
                signature, beside = signature_path(self.plan_path), signature_path(self.first_plan_path)
                if signature.exists():
                    write_private(beside, signature.read_bytes())
                write_private(self.first_plan_path, self.plan_path.read_bytes())
            write_private(self.plan_path, dump_plan(completed).encode())
        except OSError as error:
            raise LoomtuiError(
                f"the completed plan cannot be written to {self.folder}: {error.strerror}",
                safe="No service was stopped.",
                advice=f"Make room there, then: loomtui resume {self.id}",
            ) from error
        return replace(self, plan=completed)

    def events(self) -> tuple[Event, ...]:
        return tuple(read_events(self.journal_path))

    def journal(self) -> Journal:
        return Journal(self.journal_path, self.id)

    def is_worked_on(self) -> bool:
        """Whether a process on this machine holds the run."""
        try:
            handle = os.open(self.working_path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False  # nobody ever did
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Lets only one process work on a run.

        Raises LockHeld. The system releases it when the process dies.
        """
        handle = os.open(self.working_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                _lock(handle)
            except BlockingIOError as error:
                raise LockHeld(
                    f"run {self.id} is being worked on by another loomtui on this machine",
                    advice="Watch it there, or end that one first.",
                ) from error
            try:
                yield
            finally:
                fcntl.flock(handle, fcntl.LOCK_UN)  # a child that is just being started may have it open too
        finally:
            os.close(handle)


@retry(
    retry=retry_if_exception_type(BlockingIOError),
    stop=stop_after_attempt(4),
    wait=wait_fixed(0.05),
    reraise=True,
)
def _lock(handle: int) -> None:
    """Even a process that only looks whether somebody works on the run holds the lock for an instant."""
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class RunStore:
    """The folder of all runs, $XDG_STATE_HOME/loomtui/runs. Only its owner can read it."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or user_state_path("loomtui") / "runs"

    def create(self, plan: Plan, inventory_path: Path, file: PlanFile | None = None) -> Run:
        """`file` is what the plan was read from, if it is signed. Raises CallError: no folder can be made."""
        run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        folder = self.root / run_id
        try:
            make_private(self.root)
            folder.mkdir(mode=0o700)
            write_private(folder / "inventory.yml", inventory_path.read_bytes())
            if file is not None and file.signature is not None:
                write_private(signature_path(folder / "plan.yml"), file.signature)
            write_private(folder / "plan.yml", file.text if file is not None else dump_plan(plan).encode())
        except OSError as error:
            raise CallError(f"the run's folder {folder} cannot be made: {error.strerror}") from error
        return Run(run_id, folder, plan)

    def has(self, run_id: str) -> bool:
        return bool(_RUN_ID.fullmatch(run_id)) and (self.root / run_id / "plan.yml").is_file()

    def adopt(self, run_id: str, parts: Mapping[str, bytes], inventory: bytes, generation: str) -> Run:
        """Makes a run of another machine one of this machine's. What was here of it is kept beside it.

        `parts`: its record, valid, by the names that `Run.record` gives; `inventory`: by which this machine
        reaches the nodes. Raises CallError if its folder cannot be made.
        """
        folder = self.root / run_id
        if not _RUN_ID.fullmatch(run_id):
            raise CallError(f"{clean_line(run_id, limit=80)!r} is not the name of a run")
        try:
            make_private(self.root)
            if folder.exists():
                folder.rename(self._before(run_id, generation))
            folder.mkdir(mode=0o700)
            for name, data in {**parts, "inventory.yml": inventory}.items():
                write_private(folder / name, data)
            if "inventory.yml" in parts:
                write_private(folder / "first-inventory.yml", parts["inventory.yml"])
            write_private(folder / "generation", f"{generation}\n".encode())
        except OSError as error:
            raise CallError(f"the run's folder {folder} cannot be made: {error.strerror}") from error
        return self._load(run_id)

    def give_up(self, run: Run) -> None:
        """Takes `adopt` back: the run could not be had."""
        before = self._before(run.id, run.generation)
        shutil.rmtree(run.folder)
        if before.exists():
            before.rename(run.folder)

    def _before(self, run_id: str, generation: str) -> Path:
        return self.root / f"{run_id}.before-{generation}"

    def open(self, run_id: str) -> Run:
        """Raises CallError if there is no such run."""
        folder = self.root / run_id
        if not _RUN_ID.fullmatch(run_id) or not (folder / "plan.yml").is_file():
            known = ", ".join(summary.id for summary in self.list()[:3]) or "none"
            raise CallError(
                f"there is no run {clean_line(run_id, limit=80)!r}",
                advice=f"The latest runs: {known}. All: loomtui runs",
            )
        return self._load(run_id)

    def _load(self, run_id: str) -> Run:
        folder = self.root / run_id
        return Run(run_id, folder, load_plan(folder / "plan.yml"))

    def list(self) -> tuple[RunSummary, ...]:
        """All runs, newest first. A damaged run does not hide the others."""
        if not self.root.is_dir():
            return ()
        names = sorted(
            (path.name for path in self.root.iterdir() if _RUN_ID.fullmatch(path.name)), reverse=True
        )
        return tuple(summary for name in names if (summary := self._summary(name)) is not None)

    def _summary(self, run_id: str) -> RunSummary | None:
        try:
            run = self._load(run_id)
            return replace(summarize(run), at_work=run.is_worked_on(), generation=run.generation)
        except (CallError, OSError):
            return None


def _outcome(event: Event) -> Outcome | None:
    try:
        return Outcome(str(event.data.get("outcome")))
    except ValueError:
        return None


def summarize(run: Run) -> RunSummary:
    """What the journal says about the run as a whole."""
    events = run.events()
    outcome, ended = None, None
    for event in events:
        if event.kind is EventKind.RUN_FINISHED:
            outcome, ended = _outcome(event), event.at
        elif event.kind in {EventKind.RUN_RESUMED, EventKind.ROLLBACK_STARTED}:
            outcome = None
    steps = [event.step for event in events if event.step is not None]
    return RunSummary(
        run.id,
        run.plan.cluster,
        events[0].at if events else None,
        ended if outcome is not None else None,
        outcome,
        steps[-1] if steps else None,
        next((str(event.data.get("operator", "")) for event in events), ""),
    )
