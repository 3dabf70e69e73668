"""A model of the consensus, for judging plans: it knows nothing of the planner, only what nodes do.

Sources: tendermint 0.27.3 privval/priv_validator.go (a validator signs nothing at or below the height in its
own file), types/validator_set.go (a block needs more than 2/3 of the power of the set of its height), and the
table in docs/loom.md 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """What lies on a node when it is started."""

    address: str | None  # of the validator key in its file
    signed: int  # last height in that file
    genesis: str  # what chain its genesis file is of
    data_of: str  # what chain its databases are of
    height: int  # of its block store


def blocks_made(
    machines: Sequence[Machine], chain: str, sets: Mapping[int, Mapping[str, int]], upto: int
) -> int:
    """The height that the chain reaches when these machines are started together, `upto` at most.

    `sets`: for each height who decides on its block, and with which power.
    """
    alive = [one for one in machines if one.genesis == chain and one.data_of == chain]
    signed = {one.address: one.signed for one in alive if one.address is not None}
    height = max((one.height for one in alive), default=0)
    while height < upto:
        deciding = sets[height + 1]
        voting = [address for address in deciding if address in signed and signed[address] <= height]
        if 3 * sum(deciding[address] for address in voting) <= 2 * sum(deciding.values()):
            break
        height += 1
        for address in voting:
            signed[address] = height
    return height
