"""The matrix: which fault is tried at which step, and why some of them are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.restore.ways import Way


class Row(StrEnum):
    """Where a fault strikes: in `backups prepare`, in `plan`, or in a run."""

    PREPARE = "prepare"
    PARTS = "parts"
    MANIFEST = "manifest"
    PLAN = "plan"
    PREFLIGHT = "preflight"
    STAGE = "stage"
    LOOK = "look"
    TWIN = "twin"
    DELTA = "delta"
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
        if self in FETCHES:
            return "preflight"
        return "data" if self is Row.SWAP else self.value

    @property
    def way(self) -> Way:
        """Which plan is run."""
        if self in {Row.STAGE, Row.SWAP}:
            return Way.STAGED
        return {Row.LOOK: Way.UNREAD, Row.TWIN: Way.TWIN, Row.DELTA: Way.DELTA}.get(self, Way.AFTER_STOP)

    @property
    def scenario(self) -> str:
        """Units and keys change on moved hosts; databases are replaced where the old ones are damaged."""
        changes_files = self in {Row.CONFIG, Row.NODE_KEYS, Row.SERVICES}
        return "moved-hosts" if changes_files else "clean-restore"


#: While `loomtui backups prepare` works, which no node has a part in.
PREPARES = frozenset({Row.PREPARE, Row.PARTS, Row.MANIFEST})
#: Once the node fetches its data, in preflight.
FETCHES = frozenset({Row.STAGE, Row.LOOK, Row.TWIN, Row.DELTA})


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
_ASKS_S3 = PREPARES | FETCHES | {Row.PLAN, Row.PREFLIGHT, Row.DATA}
#: Faults that another call of `loomtui plan` would only see as the same unreachable node.
_WHILE_PLANNING = S3_FAULTS | {Fault.CUT, Fault.GONE, Fault.CLOCK, Fault.SUDO}
_AT_SWAP = {Fault.KILLED, Fault.CUT_FOR_GOOD, Fault.POWER, Fault.GONE, Fault.FULL_AT_SWAP, Fault.READ_ONLY}
#: What a manifest or a part meets when it is written is the same for all answers that refuse it.
_AT_WRITE = {Fault.KILLED, Fault.S3_403, Fault.S3_500, Fault.S3_RESET, Fault.JOURNAL}
#: What parts meet otherwise than an archive in one piece, and live databases otherwise than none.
_AT_PARTS = {
    Fault.KILLED,
    Fault.CUT_FOR_GOOD,
    Fault.POWER,
    Fault.DISK_FULL,
    Fault.S3_403,
    Fault.S3_404,
    Fault.S3_500,
    Fault.S3_RESET,
    Fault.S3_OTHER,
    Fault.READ_ONLY,
}
_AT_LOOK = _AT_PARTS | {Fault.GONE, Fault.SECOND, Fault.SUDO, Fault.JOURNAL}
_AT_DELTA = {Fault.KILLED, Fault.POWER, Fault.DISK_FULL, Fault.S3_RESET, Fault.COLLEAGUE, Fault.READ_ONLY}
_ONLY = {
    Row.PREPARE: S3_FAULTS | {Fault.KILLED},
    Row.PARTS: _AT_WRITE,
    Row.MANIFEST: _AT_WRITE - {Fault.JOURNAL},
    Row.LOOK: _AT_LOOK,
    Row.TWIN: _AT_PARTS,
    Row.DELTA: _AT_DELTA,
    Row.SWAP: _AT_SWAP,
}
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
        if row in _ONLY and fault not in _ONLY[row]:
            return "the same as in another row"
        return ""


def cells() -> Iterator[Cell]:
    """Those that are tried, row by row."""
    for row in Row:
        for fault in Fault:
            cell = Cell(row, fault)
            if not cell.not_tried:
                yield cell
