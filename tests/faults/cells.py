"""The matrix: which fault is tried at which step, and why some of them are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Row(StrEnum):
    """Where a fault strikes: `plan` before a run, `stage` and `swap` in runs with --stage-first."""

    PLAN = "plan"
    PREFLIGHT = "preflight"
    STAGE = "stage"
    STOP = "stop"
    DATA = "data"
    SWAP = "swap"
    CONFIG = "config"
    NODE_KEYS = "node-keys"
    SERVICES = "services"
    START = "start"
    VERIFY = "verify"

    @property
    def step(self) -> str:
        """The step of the run, by the engine's name."""
        return {Row.STAGE: "preflight", Row.SWAP: "data"}.get(self, self.value)

    @property
    def stage_first(self) -> bool:
        return self in {Row.STAGE, Row.SWAP}

    @property
    def scenario(self) -> str:
        """Units and keys change on moved hosts; databases are replaced where the old ones are damaged."""
        changes_files = self in {Row.CONFIG, Row.NODE_KEYS, Row.SERVICES}
        return "moved-hosts" if changes_files else "clean-restore"


class Fault(StrEnum):
    KILLED = "killed"
    CUT = "cut 5 s"
    CUT_FOR_GOOD = "cut for good"
    SSHD = "sshd restarted"
    POWER = "power off, on"
    GONE = "never back"
    DISK_FULL = "disk full"
    FULL_AT_SWAP = "full at swap"
    S3_403 = "S3 403"
    S3_404 = "S3 404"
    S3_500 = "S3 500"
    S3_503 = "S3 slow down"
    S3_RESET = "S3 reset"
    S3_OTHER = "other version"
    CLOCK = "clock off"
    SECOND = "second loomtui"
    COLLEAGUE = "colleague"
    SUDO = "no sudo"
    READ_ONLY = "read-only"
    JOURNAL = "journal full"


S3_FAULTS = frozenset(fault for fault in Fault if fault.name.startswith("S3_"))
_ASKS_S3 = frozenset({Row.PLAN, Row.PREFLIGHT, Row.STAGE, Row.DATA})
#: Faults that another call of `loomtui plan` would only see as the same unreachable node.
_WHILE_PLANNING = S3_FAULTS | {Fault.CUT, Fault.GONE, Fault.CLOCK, Fault.SUDO}
_AT_SWAP = {Fault.KILLED, Fault.CUT_FOR_GOOD, Fault.POWER, Fault.GONE, Fault.FULL_AT_SWAP, Fault.READ_ONLY}
_OF_NODE = frozenset({Fault.CUT, Fault.CUT_FOR_GOOD, Fault.SSHD, Fault.POWER, Fault.GONE, Fault.SUDO})


@dataclass(frozen=True, order=True)
class Cell:
    row: Row
    fault: Fault

    @property
    def name(self) -> str:
        return f"{self.row.value}/{self.fault.name.lower().replace('_', '-')}"

    @property
    def names_node(self) -> bool:
        """Whether a message about it has to name the node that it struck."""
        return self.fault in _OF_NODE | {Fault.DISK_FULL, Fault.FULL_AT_SWAP, Fault.READ_ONLY}

    @property
    def not_tried(self) -> str:
        """Why it makes no sense; empty: it does."""
        row, fault = self.row, self.fault
        if fault in S3_FAULTS and row not in _ASKS_S3:
            return "S3 is not asked"
        if row is Row.PLAN and fault not in _WHILE_PLANNING:
            return "no run yet"
        if fault is Fault.FULL_AT_SWAP and row is not Row.SWAP:
            return "not the swap"
        if row is Row.SWAP and fault not in _AT_SWAP:
            return "the same as in data"
        return ""


def cells() -> Iterator[Cell]:
    """Those that are tried, row by row."""
    for row in Row:
        for fault in Fault:
            cell = Cell(row, fault)
            if not cell.not_tried:
                yield cell
