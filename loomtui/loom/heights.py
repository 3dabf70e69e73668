"""What Tendermint makes of three heights at the handshake. Source: tendermint 0.27.3 consensus/replay.go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    """`app`: version of app.db; `state`: height in state.db; `store`: height of blockstore.db; 0: missing."""
    raise NotImplementedError
