"""The faults: each can be made to strike, and be mended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from loomtui.drill.scenarios.deeds import StoreTrouble
from tests.faults.bed import Bed
from tests.faults.cells import PREPARES, S3_FAULTS, Cell, Fault
from tests.restore.killing import Restorer
from tests.restore.ways import Way

_CUT_SECONDS = 5.0
_OFF_SECONDS = 3.0
_FILLER = "filler"
_TRIES = 200


class Injection:
    """One fault on one bed. `complaints`: what went wrong with the fault itself, beyond the run's own end."""

    #: Whether the run stands still while the fault strikes, so that it strikes at that very point.
    pauses_run = True

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.complaints: list[str] = []

    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        raise NotImplementedError

    def mend(self) -> None:
        """Afterwards the fault is gone. Also called when it never struck."""


class Killed(Injection):
    pauses_run = False

    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        assert process is not None
        process.send_signal(signal.SIGKILL)


class Cut(Injection):
    """No packet gets through."""

    seconds: float | None = None  # None: until it is mended

    def __init__(self, bed: Bed) -> None:
        super().__init__(bed)
        self._timer: threading.Timer | None = None

    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        self.bed.cluster.freeze(self.bed.victim)
        if self.seconds is not None:
            self._timer = threading.Timer(self.seconds, self.bed.cluster.thaw, [self.bed.victim])
            self._timer.start()

    def mend(self) -> None:
        if self._timer is not None:
            self._timer.join()
        self.bed.cluster.thaw(self.bed.victim)


class CutForFiveSeconds(Cut):
    seconds = _CUT_SECONDS


class SshdRestarted(Injection):
    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        self.bed.cluster.stop_ssh(self.bed.victim)
        self.bed.cluster.start_ssh(self.bed.victim)


class PowerLost(Injection):
    """Off until it is mended."""

    off = False

    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        self.off = True
        self.bed.cluster.power_off(self.bed.victim)

    def mend(self) -> None:
        if self.off:
            self.off = False
            self.bed.cluster.power_on(self.bed.victim)


class PowerCycle(PowerLost):
    def __init__(self, bed: Bed) -> None:
        super().__init__(bed)
        self._timer = threading.Timer(_OFF_SECONDS, super().mend)

    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        super().strike(run, process)
        self._timer.start()

    def mend(self) -> None:
        if self._timer.ident is not None:
            self._timer.join()
        super().mend()


class DiskFull(Injection):
    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        fill(self.place)

    def mend(self) -> None:
        """A node that could not write stays up and makes no more blocks: so its log is explained."""
        (self.place / _FILLER).unlink(missing_ok=True)
        log = self.bed.cluster.shell(self.bed.victim, "journalctl -u loom -o cat").stdout
        if "CONSENSUS FAILURE" in log.rpartition("Started ")[2]:
            self.bed.cluster.shell(self.bed.victim, "systemctl try-restart loom")

    @property
    def place(self) -> Path:
        return self.bed.disk(self.bed.victim)


class JournalFull(DiskFull):
    @property
    def place(self) -> Path:
        return self.bed.operator_disk


class SpoolFull(DiskFull):
    """Where parts wait to be uploaded."""

    @property
    def place(self) -> Path:
        return self.bed.spool_disk

    def mend(self) -> None:
        (self.place / _FILLER).unlink(missing_ok=True)


class ReadOnly(Injection):
    """As after an error of the disk: who writes is hit, and cannot write again."""

    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        disk = self.bed.disk(self.bed.victim)
        for _ in range(_TRIES):
            if _remount(disk, "ro"):
                return
            self.bed.cluster.shell(self.bed.victim, "systemctl kill -s KILL loom")
            time.sleep(0.02)  # a writer is on its way out
        self.complaints.append("the disk could not be made read-only")

    def mend(self) -> None:
        assert _remount(self.bed.disk(self.bed.victim), "rw")


class StoreFault(Injection):
    trouble: StoreTrouble

    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        self.bed.s3.struck = 0
        self.bed.s3.trouble = self.trouble

    def mend(self) -> None:
        if self.bed.s3.trouble is not StoreTrouble.NONE and not self.bed.s3.struck:
            self.complaints.append("S3 was never asked")
        self.bed.s3.trouble = StoreTrouble.NONE


class ClockOff(Injection):
    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        self._program.write_text("#!/bin/sh\nexec /usr/bin/date -d '+10 minutes' \"$@\"\n")
        self._program.chmod(0o755)

    def mend(self) -> None:
        self._program.unlink(missing_ok=True)

    @property
    def _program(self) -> Path:
        return self.bed.cluster.node_root(self.bed.victim) / "bin/date"


class SecondLoomtui(Injection):
    """Two: a colleague's on another machine starts the same restore, and one here resumes the same run."""

    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        home = self.bed.home / "colleague"
        home.mkdir(exist_ok=True)
        colleague = Restorer(self.bed.cluster, home)
        plan = str(self.bed.plan_file(Way.AFTER_STOP))
        self._expect_refusal(run, colleague.call("restore", "--plan", plan, "--yes", "--json"), "restore")
        self._expect_refusal(run, self.bed.restorer.call("resume", run, "--yes", "--json"), "resume")

    def _expect_refusal(self, run: str, done: subprocess.CompletedProcess[str], what: str) -> None:
        if done.returncode != 3 or run not in done.stderr:
            said = done.stderr.strip() or done.stdout[-300:]
            self.complaints.append(f"a second {what} ended with {done.returncode}: {said}")


class Colleague(Injection):
    """Wants the service up, whatever anybody does; where it is held, he is told so."""

    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        held = self.bed.cluster.unit_path(self.bed.victim).parent / "loom.service.d/99-loomtui-hold.conf"
        before = held.exists()
        done = self.bed.cluster.shell(self.bed.victim, "systemctl start loom")
        if before and held.exists() and done.returncode == 0:
            self.complaints.append("systemctl start loom worked on a held node")


class SudoWithdrawn(Injection):
    def strike(self, run: str, process: subprocess.Popen[str] | None) -> None:
        self._mark.touch()

    def mend(self) -> None:
        self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return self.bed.cluster.node_root(self.bed.victim) / ".practice/no-sudo"


_TROUBLES = {
    Fault.S3_403: StoreTrouble.DENIED,
    Fault.S3_404: StoreTrouble.MISSING,
    Fault.S3_500: StoreTrouble.ERROR,
    Fault.S3_503: StoreTrouble.SLOW_DOWN,
    Fault.S3_RESET: StoreTrouble.RESET,
    Fault.S3_OTHER: StoreTrouble.OTHER,
}
_KINDS: dict[Fault, Callable[[Bed], Injection]] = {
    Fault.KILLED: Killed,
    Fault.CUT: CutForFiveSeconds,
    Fault.CUT_FOR_GOOD: Cut,
    Fault.SSHD: SshdRestarted,
    Fault.POWER: PowerCycle,
    Fault.GONE: PowerLost,
    Fault.DISK_FULL: DiskFull,
    Fault.FULL_AT_SWAP: DiskFull,
    Fault.CLOCK: ClockOff,
    Fault.SECOND: SecondLoomtui,
    Fault.COLLEAGUE: Colleague,
    Fault.SUDO: SudoWithdrawn,
    Fault.READ_ONLY: ReadOnly,
    Fault.JOURNAL: JournalFull,
}


def injection(bed: Bed, cell: Cell) -> Injection:
    if cell.fault in S3_FAULTS:
        made = StoreFault(bed)
        made.trouble = _TROUBLES[cell.fault]
        return made
    if cell.row in PREPARES and cell.fault is Fault.JOURNAL:
        return SpoolFull(bed)
    return _KINDS[cell.fault](bed)


def fill(disk: Path) -> None:
    """Not a byte is left."""
    with (disk / _FILLER).open("ab") as filler:
        size = 0
        for step in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    os.posix_fallocate(filler.fileno(), size, step)
                    size += step


def _remount(disk: Path, how: str) -> bool:
    done = subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], capture_output=True, check=False)
    return done.returncode == 0


def last_document(stdout: str) -> dict[str, object]:
    """The last line of a call with --json; empty where there is none."""
    lines = stdout.splitlines()
    found = json.loads(lines[-1]) if lines else {}
    return found if isinstance(found, dict) else {}
