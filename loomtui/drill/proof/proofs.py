"""What a proof is, and what it leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class ProofStep(StrEnum):
    READ = "read"  # the archive is read to its end, and its databases are unpacked
    FIT = "fit"  # the databases are complete, whole, and of heights that fit
    PREPARE = "prepare"  # a configuration of the proof's own, with new keys
    START = "start"  # the node starts with the databases and answers
    MOVE = "move"  # it makes blocks above the restored one


class Program(StrEnum):
    LOOM = "loom"  # the program that was given
    STAND_IN = "stand-in"  # the practice cluster's
    NONE = "none"  # nothing was started


class Isolation(StrEnum):
    NAMESPACE = "namespace"  # the node had a network of its own, without a way out
    CONFIGURATION = "configuration"  # nothing that it read named another machine
    NONE = "none"  # nothing was started


class Gap(StrEnum):
    """What even a good proof leaves open. The sentences are in `GAPS`."""

    OWN_KEYS = "own-keys"
    OWN_VALIDATORS = "own-validators"
    NETWORK = "network"
    ALL_STATE = "all-state"
    WAL = "wal"
    PLUGINS = "plugins"
    LOOM = "loom"
    START = "start"
    REAL_DATA = "real-data"
    MOVES = "moves"
    OWN_CONFIG = "own-config"
    OWN_GENESIS = "own-genesis"


GAPS = {
    Gap.OWN_KEYS: "Node keys and validator keys of the cluster: they were neither kept nor used.",
    Gap.OWN_VALIDATORS: "That the chain's own validators agree on a block: one new validator decided alone.",
    Gap.NETWORK: "That nodes find each other, their Redis and their gateways: every address was taken out.",
    Gap.ALL_STATE: "Entries of the databases that a node does not read for its start and its next blocks.",
    Gap.WAL: "The consensus' own log (cs.wal): it belongs to the validators that were replaced.",
    Gap.PLUGINS: "Plugins in contracts/: they are in no backup.",
    Gap.LOOM: "That the loom program of the cluster starts with it: its stand-in was started.",
    Gap.START: "That a node starts with it: nothing was started.",
    Gap.REAL_DATA: "That a node starts with it: the stand-in knows no real chain, and no loom was given.",
    Gap.MOVES: "That blocks are made: the journal of state.db does not tell who decides on them.",
    Gap.OWN_CONFIG: "The cluster's own loom.yml: no config backup of this chain holds one.",
    Gap.OWN_GENESIS: "The chain's genesis files: no backup holds them, and they were made anew.",
}


@dataclass(frozen=True)
class Wish:
    """How a backup is to be proved."""

    binary: Path | None = None  # the loom program; None: the stand-in
    starts: bool = True  # False: the archive is judged, and nothing is started


@dataclass(frozen=True)
class StepTaken:
    step: ProofStep
    seconds: float
    wrong: str = ""  # a sentence; empty: it was done


@dataclass(frozen=True)
class Proof:
    """What came of one backup."""

    key: str
    taken_at: datetime  # UTC
    size_bytes: int
    began: datetime  # UTC
    steps: tuple[StepTaken, ...]
    program: Program = Program.NONE
    isolation: Isolation = Isolation.NONE
    chain_id: str | None = None
    height: int | None = None  # of the last block in it
    block_time: datetime | None = None  # of that block, UTC
    reached: int | None = None  # the height at which the node was when it was ended
    signed: int | None = None  # up to which a validator had signed when its newest config backup was made
    gaps: tuple[Gap, ...] = ()
    warnings: tuple[str, ...] = ()  # what the read noticed, such as signs of a node that ran meanwhile

    @property
    def wrong(self) -> str:
        """Why the backup is bad; empty: it is good."""
        return next((taken.wrong for taken in self.steps if taken.wrong), "")

    @property
    def is_good(self) -> bool:
        return not self.wrong

    @property
    def seconds(self) -> float:
        """From the first byte read until the last block was made."""
        return sum(taken.seconds for taken in self.steps)

    @property
    def age_seconds(self) -> float:
        """The chain's time that a restore of it loses, if the chain stopped when the proof began.

        From the last block, or where that is not known from when the backup was taken.
        """
        return max(0.0, (self.began - (self.block_time or self.taken_at)).total_seconds())

    @property
    def blocks_lost(self) -> int | None:
        """At least so many, by what a validator had signed; None: that tells nothing."""
        if self.height is None or self.signed is None or self.signed <= self.height:
            return None
        return self.signed - self.height


def all_good(proofs: Sequence[Proof]) -> bool:
    return bool(proofs) and all(proof.is_good for proof in proofs)
