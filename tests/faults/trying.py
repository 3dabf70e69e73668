"""Tries one cell: strike, mend, resume, roll back; and says what came of it."""

from __future__ import annotations

import time

from loomtui.restore.running.steps import STEPS
from tests.faults.bed import Bed
from tests.faults.cells import PREPARES, Cell, Fault, Row
from tests.faults.faults import Injection, injection, last_document
from tests.faults.preparing import Preparing
from tests.faults.running import Ended, restore
from tests.faults.verdicts import Result, Trial, Verdict
from tests.faults.watching import lost, starts_while_down
from tests.restore.ways import Way

_STOPPED = (1, 3, 4)
_KILLED = -9
#: Here a run that stopped is also rolled back from where it stopped.
_MOVES_FILES = frozenset({Row.SWAP})
_TITLES = {step.name.value: step.title for step in STEPS}


def try_cell(bed: Bed, cell: Cell) -> Verdict:
    """Never raises for what loomtui did: that is in the verdict. After LOST the bed is of no more use."""
    verdict = Verdict(cell)
    started = time.monotonic()
    try:
        with bed.on_offer(cell.row.way):
            found = _kind(cell)(bed, verdict).work()
    except (AssertionError, OSError, ValueError) as error:
        verdict.wrong.append(f"{type(error).__name__}: {error}")
        found = Result.LOST
    verdict.result = Result.LOST if verdict.wrong else found
    verdict.seconds = time.monotonic() - started
    return verdict


def _kind(cell: Cell) -> type[Preparing | _Planning | _Running]:
    if cell.row in PREPARES:
        return Preparing
    return _Planning if cell.row is Row.PLAN else _Running


def _names_cause(fault: Fault, told: str) -> bool:
    words = {
        Fault.DISK_FULL: ("no space", "not enough room"),
        Fault.FULL_AT_SWAP: ("no space", "not enough room"),
        Fault.JOURNAL: ("no space",),
        Fault.READ_ONLY: ("read-only",),
        Fault.SUDO: ("sudo",),
    }
    return any(word in told.lower() for word in words.get(fault, ("",)))


class _Planning(Trial):
    """A plan either says why it cannot be made, or is as good as one made in peace."""

    def work(self) -> Result:
        bed, path = self.bed, self.bed.home / "tried.yml"
        path.unlink(missing_ok=True)
        fault = injection(bed, self.cell)
        fault.strike("", None)
        try:
            done = bed.plan(path, Way.AFTER_STOP)
        finally:
            fault.mend()
        self.expect("planning changed files", bed.not_as_before())
        self.verdict.wrong += fault.complaints
        again = bed.plan(bed.home / "again.yml", Way.AFTER_STOP)
        self.expect("a plan afterwards", [again.stderr] if again.returncode else [])
        if done.returncode == 0:
            return Result.RODE_OUT
        self.verdict.message = " ".join(done.stderr.split()) or _refusals(done.stdout)
        self.expect_words(self.verdict.message, *([self.bed.victim] if self.cell.names_node else []))
        self.expect("exit status", [str(done.returncode)] if done.returncode not in _STOPPED else [])
        return Result.REFUSED


def _refusals(stdout: str) -> str:
    return " ".join(line.strip() for line in stdout.splitlines() if "refus" in line.lower())


class _Running(Trial):
    def work(self) -> Result:
        result = self._strike_then(resume=True)
        if result is Result.RESUMED and self.cell.row in _MOVES_FILES and not self.verdict.wrong:
            self._strike_then(resume=False)
        return result

    def _strike_then(self, *, resume: bool) -> Result:
        """One run, with the fault; it ends rolled back, and the nodes are as they were."""
        bed = self.bed
        ended, fault = self._struck()
        result = Result.RODE_OUT if ended.restored else Result.RESUMED
        self.verdict.wrong += fault.complaints
        if not ended.struck:
            self.verdict.wrong.append("the run never came to the point where the fault strikes")
        self.expect("nowhere on the node after the fault", lost(bed))
        if not ended.restored:
            self._judge_message(ended)
            if resume:
                self._resume(ended.run)
        if ended.restored or resume:
            self.expect("not as after an undisturbed run", bed.not_restored())
        self._roll_back(ended.run)
        return result

    def _struck(self) -> tuple[Ended, Injection]:
        fault = injection(self.bed, self.cell)
        try:
            return restore(self.bed, self.cell, fault), fault
        finally:
            fault.mend()

    def _judge_message(self, ended: Ended) -> None:
        if self.cell.fault is Fault.KILLED:
            self.expect("exit status", [str(ended.status)] if ended.status != _KILLED else [])
            return
        self.expect("exit status", [str(ended.status)] if ended.status not in _STOPPED else [])
        told = str(ended.document.get("error") or "")
        self.verdict.message = told
        self.expect(f"no step in {told!r}", [] if self._names_step(told) else [self.cell.row.step])
        is_pinned = self.cell.fault is Fault.S3_OTHER and not self.cell.row.way.is_prepared
        way = "rollback" if is_pinned else "resume"  # of a part its bytes tell, whatever its ETag
        self.expect_words(told, f"loomtui {way} {ended.run}")
        if self.cell.row not in {Row.START, Row.VERIFY}:  # there the node's own log tells
            self.expect(f"no cause in {told!r}", [] if _names_cause(self.cell.fault, told) else ["cause"])
        self.expect_words(ended.stderr, *([self.bed.victim] if self.cell.names_node else []))

    def _names_step(self, told: str) -> bool:
        """That step, or a later one: short steps, or a journal with some room left, may be through before."""
        if self.cell.row is Row.LOOK and "completed plan" in told:  # between preflight and the next step
            return True
        names = list(_TITLES)
        possible = names[names.index(self.cell.row.step) :]
        return any(_TITLES[step] in told or f"in step {step}" in told for step in possible)

    def _resume(self, run: str) -> None:
        done = self.bed.restorer.call("resume", run, "--yes", "--json")
        said = last_document(done.stdout)
        over = done.returncode == 3 and said.get("outcome") == "restored"  # killed after its last event
        if done.returncode and not over:
            self.verdict.wrong.append(f"resume ended with {done.returncode}: {done.stderr.strip()}")

    def _roll_back(self, run: str) -> None:
        bed = self.bed
        done = bed.restorer.call("rollback", run, "--yes", "--json")
        if done.returncode:
            self.verdict.wrong.append(f"rollback ended with {done.returncode}: {done.stderr.strip()}")
        self.expect("not as before after the rollback", bed.not_as_before(run))
        self.expect("started in between", starts_while_down(bed, run))
        if not self.verdict.wrong:
            self.verdict.rolled_back += 1
            bed.clean(run)
