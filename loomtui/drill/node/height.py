"""What was proposed and voted for at one height, and how much power stands behind it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from loomtui.drill.node.blocks import Block, enough
from loomtui.drill.node.log import Log
from loomtui.drill.node.standin_chain import Chain

Message = dict[str, Any]
PROPOSE, PREVOTE, PRECOMMIT = 1, 2, 3


class Height:
    """The next one of a chain, with the set that decides there. The first word of each counts."""

    def __init__(self, chain: Chain, log: Log) -> None:
        self.number = chain.height + 1
        self.blocks: dict[str, Block] = {}
        self.proposals: dict[int, Message] = {}
        self.votes: dict[tuple[int, int], dict[str, Message]] = defaultdict(dict)  # by round and step
        self.order = [validator.address for validator in chain.validators]
        self._powers = {validator.address: validator.power for validator in chain.validators}
        self._chain = chain
        self._log = log

    @property
    def messages(self) -> list[Message]:
        """All that is known, for a peer that has just come."""
        votes = [vote for votes in self.votes.values() for vote in votes.values()]
        return [*self.proposals.values(), *votes]

    def proposer(self, round_: int) -> str:
        return self.order[(self.number + round_) % len(self.order)]

    def add_proposal(self, message: Message) -> bool:
        """False where it is known, or not for this height and round."""
        block = Block.from_json(message["block"])
        if message["r"] in self.proposals or message["a"] != self.proposer(message["r"]):
            return False
        if self._chain.problem(block):
            return False
        self.proposals[message["r"]] = message
        self.blocks[block.hash] = block
        return True

    def add_vote(self, message: Message, own: str) -> bool:
        """False where it is known, or of nobody who decides. `own`: the address of this node's validator."""
        address = message["a"]
        votes = self.votes[message["r"], message["s"]]
        if address not in self._powers:
            self._log.error(
                "Error attempting to add vote",
                module="consensus",
                err=f"Cannot find validator in valSet of size {len(self._powers)}: Invalid validator index",
            )
            return False
        if address not in votes:
            votes[address] = message
            return True
        if votes[address]["b"] != message["b"] and address == own:
            self._log.error(
                "Found conflicting vote from ourselves. Did you unsafe_reset a validator?",
                module="consensus",
                height=self.number,
                round=message["r"],
                type=message["s"] - 1,
            )
        return False

    def enough_voted(self, round_: int, step: int) -> bool:
        """More than 2/3 of the power, for whatever."""
        return enough(self._power(round_, step), self._total)

    def majority(self, round_: int, step: int) -> str | None:
        """The block, or '' for none at all, that more than 2/3 voted for; None: no such majority."""
        votes = self.votes.get((round_, step), {})
        for block in {vote["b"] for vote in votes.values()}:
            if enough(self._power(round_, step, block), self._total):
                return str(block)
        return None

    def round_after(self, round_: int) -> int | None:
        """The latest round after this one at which more than 2/3 are already; None: there is none."""
        for later in sorted({key[0] for key in self.votes}, reverse=True):
            if later > round_ and any(self.enough_voted(later, step) for step in (PREVOTE, PRECOMMIT)):
                return later
        return None

    def committed(self) -> Block | None:
        """The block that more than 2/3 committed, with its signers; None: not yet, or not known."""
        for round_, step in list(self.votes):
            block = self.majority(round_, step) if step == PRECOMMIT else None
            if block and block in self.blocks:
                votes = self.votes[round_, step]
                signers = tuple(sorted(address for address, vote in votes.items() if vote["b"] == block))
                return Block.from_json({**self.blocks[block].to_json(), "signers": signers})
        return None

    @property
    def _total(self) -> int:
        return sum(self._powers.values())

    def _power(self, round_: int, step: int, block: str | None = None) -> int:
        votes = self.votes.get((round_, step), {})
        return sum(self._powers[a] for a, vote in votes.items() if block is None or vote["b"] == block)
