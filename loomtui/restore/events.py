"""What happens in a run. Screens, journal, command line and report all read these events and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from typing_extensions import TypeAliasType

#: A named alias, for pydantic resolves an implicit recursive one for ever.
Json = TypeAliasType("Json", "str | int | float | bool | list[Json] | dict[str, Json] | None")


class StepName(StrEnum):
    PREFLIGHT = "preflight"
    STOP = "stop"
    DATA = "data"
    CONFIG = "config"
    NODE_KEYS = "node-keys"
    SERVICES = "services"
    START = "start"
    VERIFY = "verify"


class EventKind(StrEnum):
    RUN_STARTED = "run-started"  # data: plan id, operator, host
    RUN_RESUMED = "run-resumed"
    RUN_TAKEN_OVER = "run-taken-over"  # data: operator, host, before: who held it
    STEP_STARTED = "step-started"
    TASK_STARTED = "task-started"  # written before anything is done on the node
    TASK_PROGRESS = "task-progress"  # data: see Amount; only shown, never in the journal
    TASK_DONE = "task-done"  # data: skipped (it was already so), evidence
    TASK_FAILED = "task-failed"  # data: safe, advice
    GATE_OPENED = "gate-opened"
    GATE_REFUSED = "gate-refused"  # data: reasons
    STEP_DONE = "step-done"
    PLAN_COMPLETED = "plan-completed"  # data: unknowns, what the plan could not tell before
    DECISION = "decision"  # data: what was asked, what was answered, by whom
    NOTE = "note"  # a finding worth keeping; data: severity, live (then it is only shown, like progress)
    ROLLBACK_STARTED = "rollback-started"
    TASK_UNDONE = "task-undone"
    RUN_FINISHED = "run-finished"  # data: outcome


#: In the data of the note of `verify` that tells of the first time when blocks came on every node.
CHAIN_MOVES = "chain_moves"


@dataclass(frozen=True)
class Amount:
    """How far a long task has come."""

    done: int  # bytes
    total: int
    files: int | None  # None: not counted
    files_total: int


class Outcome(StrEnum):
    RESTORED = "restored"  # the chain moves
    STOPPED = "stopped"  # by the operator or by a failure; can be resumed or rolled back
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True)
class Event:
    seq: int
    at: datetime  # UTC
    run: str
    kind: EventKind
    message: str  # one plain sentence, already clean
    step: StepName | None = None
    node: str | None = None
    data: Mapping[str, Json] = field(default_factory=dict)
