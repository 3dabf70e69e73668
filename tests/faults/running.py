"""One headless restore, with a fault that strikes when it has come to a certain point."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.faults.bed import Bed
from tests.faults.cells import FETCHES, Cell, Fault, Row
from tests.faults.faults import Injection

#: A run that is still going on then waits for ever.
_LIMIT_SECONDS = 240.0
_POLL_SECONDS = 0.01
#: Nodes go on for hours where S3 does not answer or breaks off, so it comes back by itself.
_WAITED_OUT = frozenset({Fault.S3_RESET, Fault.S3_500, Fault.S3_503})
_S3_AWAY_SECONDS = 30.0


@dataclass(frozen=True)
class Ended:
    """How a call of loomtui with --json ended."""

    run: str
    status: int
    document: Mapping[str, Any]  # its last line
    stderr: str
    struck: bool
    seconds: float

    @property
    def restored(self) -> bool:
        return self.status == 0 and self.document.get("outcome") == "restored"


def restore(bed: Bed, cell: Cell, fault: Injection) -> Ended:
    """Raises AssertionError where the run waits for ever or says nothing."""
    with tempfile.TemporaryFile("w+") as errors:
        return _Watched(bed, cell, fault, errors).work()


class _Watched:
    def __init__(self, bed: Bed, cell: Cell, fault: Injection, errors: IO[str]) -> None:
        self._bed = bed
        self._cell = cell
        self._fault = fault
        self._struck = threading.Event()
        self._over = threading.Event()
        self._run = ""
        plan = bed.plan_file(cell.row.way)
        self._errors = errors
        self._process = subprocess.Popen(
            [sys.executable, "-m", "loomtui", "restore", "--plan", str(plan), "--yes", "--json"],
            env=bed.restorer.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )

    def work(self) -> Ended:
        started = time.monotonic()
        limit = threading.Timer(_LIMIT_SECONDS, self._process.kill)
        limit.start()
        document: dict[str, Any] = {}
        assert self._process.stdout is not None
        try:
            with self._process.stdout as lines:
                for line in lines:
                    with suppress(ValueError):  # the line in which it was killed
                        document = json.loads(line)
                    self._look(document)
            status = self._process.wait(30)
        finally:
            self._over.set()
            forever = not limit.is_alive()
            limit.cancel()
        seconds = time.monotonic() - started
        assert not forever, f"it waited for ever; its last words: {document}"
        assert self._run, f"the run said nothing: {self._stderr()}"
        return Ended(self._run, status, document, self._stderr(), self._struck.is_set(), seconds)

    def _stderr(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def _look(self, event: Mapping[str, Any]) -> None:
        """Some points are seen in the events, some on the nodes."""
        if not self._run:
            self._run = str(event["run"])
            if self._paths():
                threading.Thread(target=self._await_paths, daemon=True).start()
        at_task = event.get("kind") == "task-started" and event.get("node") == self._bed.victim
        if at_task and event.get("step") == self._cell.row.step and not self._paths():
            self._strike()

    def _paths(self) -> tuple[Path, ...]:
        """What has to be there on the nodes before the fault strikes."""
        homes = {name: self._bed.cluster.working_directory(name) for name in self._bed.cluster.names}
        if self._cell.row in FETCHES:
            return (homes[self._bed.victim] / ".loomtui/runs" / self._run / "job/data",)
        if self._cell.fault is Fault.SECOND and self._cell.row is Row.PREFLIGHT:
            return tuple(home / ".loomtui/lock" for home in homes.values())
        return ()

    def _await_paths(self) -> None:
        while not self._over.is_set():
            if all(path.exists() for path in self._paths()):
                self._strike()
                return
            self._over.wait(_POLL_SECONDS)

    def _end_fault(self) -> None:
        if not self._over.wait(_S3_AWAY_SECONDS):
            self._fault.mend()

    def _strike(self) -> None:
        if self._struck.is_set():
            return
        self._struck.set()
        if self._cell.fault in _WAITED_OUT:
            threading.Thread(target=self._end_fault, daemon=True).start()
        if not self._fault.pauses_run:
            self._fault.strike(self._run, self._process)
            return
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGSTOP)
        try:
            self._fault.strike(self._run, self._process)
        finally:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGCONT)
