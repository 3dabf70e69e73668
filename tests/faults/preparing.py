"""One `loomtui backups prepare`, with a fault that strikes when it has come to a certain request."""

from __future__ import annotations

import json
import signal
import subprocess
import threading

from loomtui.backups.prepared.places import is_manifest, is_part
from tests.faults.cells import Fault, Row
from tests.faults.faults import Injection, injection
from tests.faults.verdicts import Result, Trial

_LIMIT_SECONDS = 240.0
_KILLED = -signal.SIGKILL
_STOPPED = (1, 4)


class Preparing(Trial):
    """It is prepared in the end, by this call or the next one; nothing that is half done ever counts."""

    def work(self) -> Result:
        bed = self.bed
        bed.shelf.clear()
        try:
            status, told = self._struck()
            self.expect("preparing changed files on nodes", bed.not_as_before())
            self.expect("in S3", bed.shelf.wrong())
            again = bed.restorer.call(*self._words)
            self.expect("the next call", [again.stderr] if again.returncode else [])
            self.expect("in S3 at the end", bed.shelf.wrong())
            self.expect("no manifest", [] if any(map(is_manifest, bed.shelf.prepared())) else ["none"])
            return self._result(status, told)
        finally:
            bed.shelf.clear()

    @property
    def _words(self) -> tuple[str, ...]:
        twin = () if self.cell.row is Row.PREPARE else ("--twin",)
        return ("backups", "prepare", self.bed.data_key, "--json", *twin)

    def _struck(self) -> tuple[int, str]:
        """The exit status, and what the operator was told."""
        fault = injection(self.bed, self.cell)
        process = self.bed.restorer.begin(*self._words)
        struck = threading.Event()

        def watch(method: str, path: str) -> None:
            if self._is_point(method, path) and not struck.is_set():
                struck.set()
                fault.strike("", process)

        self.bed.s3.watch = watch
        try:
            said, told = process.communicate(timeout=_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError("it waited for ever") from None
        finally:
            self.bed.s3.watch = None
            fault.mend()
        self._judge_fault(fault, struck=struck.is_set())
        reasons = [str(one.get("reason", "")) for one in _backups(said)]
        return process.returncode, " ".join([*reasons, told]).strip()

    def _is_point(self, method: str, path: str) -> bool:
        """Whether this request begins what the row is about."""
        if self.cell.row is Row.PREPARE or self.cell.fault is Fault.JOURNAL:  # before parts are on the disk
            return method == "GET" and path.endswith(self.bed.data_key)
        wanted = is_part if self.cell.row is Row.PARTS else is_manifest
        return method == "PUT" and wanted(path.lstrip("/"))

    def _judge_fault(self, fault: Injection, *, struck: bool) -> None:
        self.verdict.wrong += fault.complaints
        if not struck:
            self.verdict.wrong.append("it never came to the point where the fault strikes")

    def _result(self, status: int, told: str) -> Result:
        if status == 0:
            return Result.RODE_OUT
        if self.cell.fault is Fault.KILLED:
            self.expect("exit status", [str(status)] if status != _KILLED else [])
            return Result.RESUMED
        self.verdict.message = " ".join(told.split())
        self.expect("exit status", [str(status)] if status not in _STOPPED else [])
        if self.cell.fault is Fault.JOURNAL:
            self.expect_words(told, "No space left")
            return Result.RESUMED
        places = (self.bed.data_key, self.bed.s3.url)
        self.expect(f"neither backup nor S3 in {told!r}", [] if any(map(told.count, places)) else places)
        return Result.RESUMED


def _backups(said: str) -> list[dict[str, object]]:
    """Nothing is said where S3 itself fails: that is on standard error."""
    found: list[dict[str, object]] = json.loads(said)["backups"] if said.strip() else []
    return found
