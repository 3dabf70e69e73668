"""What a validator says in the consensus: signed, or not said at all."""

from __future__ import annotations

from contextlib import suppress

from loomtui.drill.node.blocks import Block, timestamp
from loomtui.drill.node.height import PRECOMMIT, PREVOTE, PROPOSE, Message
from loomtui.drill.node.log import Log
from loomtui.drill.node.priv_validator import PrivValidator, SigningError

_TYPES = {PREVOTE: "Prevote", PRECOMMIT: "Precommit"}


class Voice:
    """Signs and saves before anything is told. What the signer refuses is logged, in Tendermint's words."""

    def __init__(self, signer: PrivValidator, node_id: str, log: Log) -> None:
        self._signer = signer
        self._node_id = node_id
        self._log = log

    @property
    def address(self) -> str:
        return self._signer.address

    def proposal(self, height: int, round_: int, block: Block) -> Message | None:
        """None where it must not be signed."""
        message = {"t": "proposal", "h": height, "r": round_, "block": block.to_json()}
        message |= {"a": self.address, "n": self._node_id}
        try:
            self._signer.sign(height, round_, PROPOSE, _content(message))
        except SigningError as refused:
            self._log.error(
                "enterPropose: Error signing proposal",
                module="consensus",
                height=height,
                round=round_,
                err=f"Error signing proposal: {refused}",
            )
            return None
        return message

    def vote(self, height: int, round_: int, step: int, block: str, index: int) -> Message | None:
        """`index`: of this validator in the set. None where it must not be signed."""
        message = {"t": "vote", "h": height, "r": round_, "s": step, "b": block, "a": self.address}
        message |= {"n": self._node_id, "time": timestamp()}
        try:
            self._signer.sign(height, round_, step, _content(message))
        except SigningError as refused:
            what = f"{height}/{round_:02d}/{step - 1}({_TYPES[step]})"
            hashes = f"{block[:12] or '0' * 12} {'0' * 12}"
            vote = f"Vote{{{index}:{self.address[:12]} {what} {hashes} @ {timestamp()}}}"
            self._log.error(
                "Error signing vote",
                module="consensus",
                height=height,
                round=round_,
                vote=vote,
                err=f"Error signing vote: {refused}",
            )
            return None
        return message

    def repeat(self, message: Message) -> None:
        """Own words out of the WAL: they count as said, whether or not the file had been saved."""
        with suppress(SigningError):
            self._signer.sign(message["h"], message["r"], message.get("s", PROPOSE), _content(message))


def _content(message: Message) -> bytes:
    """What is signed: all but the time, so that the same vote said twice is the same vote."""
    block = Block.from_json(message["block"]).hash if message["t"] == "proposal" else message["b"]
    return f"{message['t']}/{message['h']}/{message['r']}/{message.get('s', PROPOSE)}/{block}".encode()
