"""Can the chain move from a given height? From signing states and voting powers.

Sources: tendermint 0.27.3 privval/priv_validator.go (CheckHRS) and types/validator_set.go (more than 2/3);
tried out on real nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loomtui.loom.validator import SigningState


@dataclass(frozen=True)
class Signer:
    """One validator of the set at the restored height."""

    name: str  # of the node that holds the key; else something to call it by
    address: str  # upper-case hex
    power: int
    state: SigningState | None  # None: nobody here can sign with it


@dataclass(frozen=True)
class Forecast:
    moves: bool
    height: int  # that the chain starts from
    signing_power: int
    total_power: int
    stuck: tuple[str, ...]  # names of those that cannot sign the next block
    sentence: str


def forecast(height: int, signers: Sequence[Signer], *, wal_of_same_state: bool = False) -> Forecast:
    """Whether more than 2/3 of the voting power can sign block `height` + 1.

    `wal_of_same_state`: the restored consensus WAL holds the very votes of the signing states, so that a
    validator which is one step ahead can go on from there.
    """
    raise NotImplementedError
