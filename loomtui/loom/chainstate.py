"""What `state.db` tells of a chain: which one it is, its last block, and who decides on the next ones.

Tendermint writes the key `stateKey` anew with every block, in Amino (the protobuf wire format), so it is
always in the journal. Source: tendermint 0.27.3 state/state.go (`State`), state/store.go and
types/validator_set.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Power:
    """One validator of a set, with its voting power at that height."""

    address: str  # upper-case hex
    public_key: str  # base64 of 32 bytes, as a genesis has it
    power: int


@dataclass(frozen=True)
class ChainState:
    """The value of `stateKey`. On a DPOS chain the powers change with every block, and elections the set."""

    chain_id: str
    height: int  # of the last block; 0: no block yet
    block_hash: str | None  # of the last block, upper-case hex; None: no block yet
    block_time: datetime | None  # of the last block, UTC, to the microsecond; None: no block yet
    last_validators: tuple[Power, ...]  # who signed block `height`
    validators: tuple[Power, ...]  # who decides on block `height` + 1
    next_validators: tuple[Power, ...]  # who decides on block `height` + 2
    last_change: int  # the height at which the set changed last
    app_hash: str  # after block `height`, upper-case hex
