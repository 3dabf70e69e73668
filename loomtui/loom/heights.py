"""What Tendermint makes of three heights at the handshake. Source: tendermint 0.27.3 consensus/replay.go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from loomtui.wording.quantities import count


class Handshake(StrEnum):
    GOOD = "good"
    REPLAY = "replay"  # good, after a replay of some blocks
    REFUSED = "refused"  # the node exits with an error
    PANIC = "panic"


@dataclass(frozen=True)
class HandshakeVerdict:
    result: Handshake
    replays: int  # blocks
    message: str


def judge(app: int, state: int, store: int) -> HandshakeVerdict:
    """`app` is the version of app.db, `state` and `store` the heights of those databases; 0: missing."""
    refusal = _refusal(app, state, store)
    if refusal:
        return refusal
    if app == store:
        return HandshakeVerdict(Handshake.GOOD, 0, f"All databases stand at {store}.")
    replays = store - app
    message = f"The node replays {count(replays, 'block')} ({app + 1} to {store}) before any port answers."
    return HandshakeVerdict(Handshake.REPLAY, replays, message)


def _refusal(app: int, state: int, store: int) -> HandshakeVerdict | None:
    """Checks in the order in which Tendermint looks."""
    if store == 0 and (app or state):
        message = f"Blocks are missing: the app stands at {app}, state.db at {state}, blockstore.db at 0."
        return HandshakeVerdict(Handshake.PANIC, 0, message)
    if app > store:
        message = f"App block height ({app}) is higher than core ({store}): the app is newer than the blocks."
        return HandshakeVerdict(Handshake.REFUSED, 0, message)
    if store < state:
        message = (
            f"StateBlockHeight ({state}) > StoreBlockHeight ({store}): state.db is newer than the blocks."
        )
        return HandshakeVerdict(Handshake.PANIC, 0, message)
    if store > state + 1:
        message = f"StoreBlockHeight ({store}) > StateBlockHeight + 1 ({state + 1}): state.db is too old."
        return HandshakeVerdict(Handshake.PANIC, 0, message)
    return None
