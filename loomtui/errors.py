"""Every failure that an operator may meet, each with an answer.

LoomtuiError                exit status 1: looked or tried, and something is wrong; nothing is lost
├── CallError               2: the call or a file given by the operator is wrong
│   └── FileError           2: all problems of a file at once
│       ├── InventoryError  2: of an inventory
│       └── ScenarioError   2: of a drill's scenario
├── Refused                 3: refused for safety
│   ├── PlanRefused         3: what the nodes told of the data forbids the plan
│   ├── HostKeyRefused      3: unknown or changed SSH host key
│   ├── LockHeld            3: another run holds a node
│   │   └── RunTakenOver    3: this run is carried on from another machine
│   ├── GateNotMet          3: a step may not begin
│   ├── SecondMissing       3: nobody else than who runs a plan has signed it
│   └── SudoRefused         3: root rights are needed and not there
├── Unreachable             4: SSH or S3 could not be reached
│   ├── NodeUnreachable     4
│   └── StoreUnreachable    4
├── ArchiveRejected         1: an archive that must not be restored
├── ObjectUnreadable        1: S3 gives the others, but not this object: its class, its key, gone
│   ├── ObjectChanged       1: an object in S3 is not the one that was looked at
│   ├── ObjectDenied        4: no permission for it
│   └── ObjectWithheld      4: S3 fails or is silent at this object alone
├── ScriptFailed            1: a remote script ended with an error
└── StepFailed              1: a step could not be done on a node
    ├── DataGivenUp         1: a rollback cannot put data back that was given up with the operator's consent
    └── StillRunning        1: what a stop has to have ended still runs: whether to kill it is to be decided
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import ClassVar, Self

from loomtui.text import clean
from loomtui.wording.quantities import count

NOTHING_CHANGED = "Nothing was changed."


class LoomtuiError(Exception):
    """What happened, on which node, what is safe now, and what to do next.

    `what`, `safe` and `advice` are plain sentences. What text from elsewhere in them could do to a terminal
    is taken out here; that it stays on one line is for whoever puts it in.
    """

    exit_status: ClassVar[int] = 1

    def __init__(
        self, what: str, *, node: str | None = None, safe: str = NOTHING_CHANGED, advice: str = ""
    ) -> None:
        what = clean(what)
        super().__init__(what)
        self.what = what
        self.node = node and clean(node)
        self.safe = clean(safe)
        self.advice = clean(advice)

    def of(self, node: str) -> Self:
        """The same failure as another node has it, for example of a jump host that both need."""
        error = copy.copy(self)
        error.node = clean(node)
        return error

    def __str__(self) -> str:
        where = f"{self.node}: " if self.node else ""
        return " ".join(as_sentence(part) for part in (where + self.what, self.safe, self.advice) if part)


def as_sentence(sentence: str) -> str:
    """With a full stop, unless it ends already."""
    return sentence if sentence.endswith((".", "!", "?", ":")) else f"{sentence}."


class CallError(LoomtuiError):
    exit_status = 2


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file: where it is, what was found, and what was expected."""

    file: str
    line: int
    field: str
    found: str
    expected: str
    suggestion: str = ""

    def __str__(self) -> str:
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.file}:{self.line}: {self.field}: found {self.found}, expected {self.expected}{hint}"


class FileError(CallError):
    """Holds every problem of the file, in the order of its lines. `KIND`: what the file is called."""

    KIND: ClassVar[str]

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"the {self.KIND} has {count(len(problems), 'problem')}")
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join([self.what + ":", *(f"  {problem}" for problem in self.problems)])


class InventoryError(FileError):
    KIND = "inventory"


class ScenarioError(FileError):
    KIND = "scenario"


class Refused(LoomtuiError):
    exit_status = 3


class PlanRefused(Refused):
    """A plan that must not be run, in the middle of its run; `advice` says which plan is to be made."""


class HostKeyRefused(Refused):
    pass


class LockHeld(Refused):
    pass


class RunTakenOver(LockHeld):
    pass


class GateNotMet(Refused):
    pass


class SecondMissing(Refused):
    """`lacking` is what is missing: a value of `running.second.Lacking`."""

    def __init__(self, what: str, *, lacking: str, advice: str) -> None:
        super().__init__(what, advice=advice)
        self.lacking = lacking


class SudoRefused(Refused):
    pass


class Unreachable(LoomtuiError):
    exit_status = 4


class NodeUnreachable(Unreachable):
    pass


class StoreUnreachable(Unreachable):
    pass


class ArchiveRejected(LoomtuiError):
    """`reason` says why, without the archive's name. The name comes first in `what` if it is known."""

    def __init__(
        self,
        reason: str,
        *,
        archive: str = "",
        node: str | None = None,
        safe: str = NOTHING_CHANGED,
        advice: str = "",
    ) -> None:
        super().__init__(f"{archive}: {reason}" if archive else reason, node=node, safe=safe, advice=advice)
        self.archive = archive
        self.reason = clean(reason)


class ObjectUnreadable(LoomtuiError):
    """This is about one object alone; others may well be readable."""


class ObjectChanged(ObjectUnreadable):
    pass


class ObjectDenied(ObjectUnreadable, StoreUnreachable):
    pass


class ObjectWithheld(ObjectUnreadable, StoreUnreachable):
    pass


class ScriptFailed(LoomtuiError):
    pass


class StepFailed(LoomtuiError):
    pass


class DataGivenUp(StepFailed):
    pass


class StillRunning(StepFailed):
    """`processes` are those that are left, as `ID:START` (START in clock ticks since the node's boot)."""

    def __init__(
        self,
        what: str,
        *,
        node: str | None = None,
        safe: str = NOTHING_CHANGED,
        advice: str = "",
        processes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, node=node, safe=safe, advice=advice)
        self.processes = processes
