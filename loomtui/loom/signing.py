"""Whether the chain can move from a given height, judged by signing states and voting powers.

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

    `wal_of_same_state` means that the restored consensus WAL holds the very votes of the signing states, so
    that a validator that is one step ahead can go on from there.
    """
    able = [signer for signer in signers if _can_sign(height, signer, wal_of_same_state)]
    stuck = [signer for signer in signers if signer not in able]
    total = sum(signer.power for signer in signers)
    power = sum(signer.power for signer in able)
    moves = 3 * power > 2 * total
    sentence = _moving_sentence(height, stuck, total) if moves else _halted_sentence(height, stuck, total)
    return Forecast(moves, height, power, total, tuple(signer.name for signer in stuck), sentence)


def _can_sign(height: int, signer: Signer, wal_of_same_state: bool) -> bool:
    if signer.state is None:
        return False
    ahead = signer.state.height - height
    return ahead <= 0 or (ahead == 1 and wal_of_same_state)


def _moving_sentence(height: int, stuck: Sequence[Signer], total: int) -> str:
    start = f"The chain can go on from {height}"
    if not stuck:
        return f"{start}: every validator can sign block {height + 1}."
    ahead = [signer for signer in stuck if signer.state]
    parts = [f"{signer.name} signs again after block {_height(signer)}" for signer in ahead]
    parts += [f"{signer.name} does not sign" for signer in stuck if not signer.state]
    return f"{start} without {_share(stuck, total)}: {', '.join(parts)}."


def _halted_sentence(height: int, stuck: Sequence[Signer], total: int) -> str:
    if not total:
        return f"The chain would stand still at {height + 1}: no validator with voting power is known."
    ahead = [signer for signer in stuck if signer.state]
    parts = []
    if ahead:
        verb = "have" if len(ahead) > 1 else "has"
        heights = sorted({_height(signer) for signer in ahead})
        upto = str(heights[0]) if len(heights) == 1 else f"between {heights[0]} and {heights[-1]}"
        limit = f"up to {upto}" if len(heights) == 1 else f"up to heights {upto}"
        parts.append(f"{_names(ahead)} ({_share(ahead, total)}) {verb} already signed {limit}")
    absent = [signer for signer in stuck if not signer.state]
    if absent:
        parts.append(f"{_names(absent)} ({_share(absent, total)}) cannot sign at all")
    return (
        f"The chain would stand still at {height + 1}: {' and '.join(parts)}, "
        "and a block needs more than two thirds of the voting power."
    )


def _height(signer: Signer) -> int:
    return signer.state.height if signer.state else 0


def _names(signers: Sequence[Signer]) -> str:
    return ", ".join(signer.name for signer in signers)


def _share(signers: Sequence[Signer], total: int) -> str:
    """'half of the voting power', '25 % of the voting power'."""
    power = sum(signer.power for signer in signers)
    known = {
        1.0: "all",
        0.5: "half",
        1 / 3: "a third",
        2 / 3: "two thirds",
        0.25: "a quarter",
        0.75: "three quarters",
    }
    share = known.get(power / total) or f"{100 * power / total:.3g} %"
    return f"{share} of the voting power"
