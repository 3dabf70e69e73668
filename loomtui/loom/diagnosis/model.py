"""The form of a diagnosis: what was seen, what it means, and what to do. Other modules only render it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from loomtui.loom.advice import AnyAdvice


class Code(StrEnum):
    """All diagnoses. docs/messages.md has a table of them."""

    SHARED_VALIDATOR_KEY = "shared-validator-key"
    NO_BLOCKS = "no-blocks"
    NEW_CHAIN = "new-chain"
    NO_BLOCKS_HERE = "no-blocks-here"
    LOG_DANGER = "log-danger"
    SIGNING_AHEAD = "signing-ahead"
    SIGNING_AHEAD_HALTS = "signing-ahead-halts"
    NOT_IN_SET = "not-in-set"
    WRONG_REFERENCE = "wrong-reference"
    LOG_ERROR = "log-error"
    PEERS_MISSING = "peers-missing"
    UNREACHABLE = "unreachable"
    FLAPPING = "flapping"
    NOT_RUNNING = "not-running"
    LOG_WARNING = "log-warning"


@dataclass(frozen=True)
class StandsAt:
    node: str
    height: int

    def __str__(self) -> str:
        return f"{self.node} is at {self.height}"


@dataclass(frozen=True)
class Signed:
    node: str
    height: int  # the last that it signed

    def __str__(self) -> str:
        return f"{self.node} has signed up to {self.height}"


@dataclass(frozen=True)
class HoldsKey:
    node: str
    address: str  # of a validator key, upper-case hex
    power: int | None = None  # in its own chain's set; None: not known

    def __str__(self) -> str:
        power = "" if self.power is None else f", voting power {self.power} on its own chain"
        return f"{self.node} has the validator key {self.address}{power}"


@dataclass(frozen=True)
class DatabaseMissing:
    node: str
    name: str  # relative to the working directory

    def __str__(self) -> str:
        return f"{self.name} is missing on {self.node}"


@dataclass(frozen=True)
class Refers:
    """What a node's list, or another file, says of a peer."""

    expected: str
    found: str | None

    def __str__(self) -> str:
        return f"expected {self.expected}, found {self.found or 'nothing'}"


@dataclass(frozen=True)
class Connected:
    node: str
    seen: tuple[str, ...]
    missing: tuple[str, ...]
    strangers: tuple[str, ...]  # node IDs

    def __str__(self) -> str:
        unknown = f"; unknown: {', '.join(self.strangers)}" if self.strangers else ""
        validators = ", ".join(self.seen) or "no validator"
        return f"{self.node} sees {validators}; not {', '.join(self.missing)}{unknown}"


@dataclass(frozen=True)
class Said:
    """A line of the node's log, cleaned."""

    node: str
    line: str

    def __str__(self) -> str:
        return self.line


@dataclass(frozen=True)
class Open:
    """Why more cannot be said: this part of a proof does not hold."""

    why: str

    def __str__(self) -> str:
        return f"open: {self.why}"


Fact: TypeAlias = StandsAt | Signed | HoldsKey | DatabaseMissing | Refers | Connected | Said | Open


@dataclass(frozen=True)
class Diagnosis:
    code: Code
    nodes: tuple[str, ...]  # that it is about; empty: the whole cluster
    meaning: str  # one or two sentences
    advice: AnyAdvice
    evidence: tuple[Fact, ...] = ()
    file: str = field(
        default=""
    )  # to look at, relative to the working directory; 'the unit file'; empty: none

    @property
    def node(self) -> str | None:
        return self.nodes[0] if self.nodes else None

    @property
    def place(self) -> str:
        """The node and the file to look at first."""
        return ", ".join(part for part in (self.node, self.file) if part)
