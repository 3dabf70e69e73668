"""Tendermint's rounds, small: propose, prevote, precommit, with locks, and a commit at more than 2/3.

Knows no network and no clock: what it wants to say goes to `host.send`, what it waits for to `host.later`.
Messages are JSON objects: `{"t": "proposal", "h", "r", "block", "a", "n"}` and
`{"t": "vote", "h", "r", "s": 2|3, "b": hash or "", "a": address, "n": node ID, "time"}`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from loomtui.drill.node.blocks import Block, enough, timestamp
from loomtui.drill.node.keys import PrivValidator, SigningError
from loomtui.drill.node.log import Log
from loomtui.drill.node.standin_chain import Chain
from loomtui.drill.node.wal import Wal, WalGapError

Message = dict[str, Any]
_PROPOSE, _PREVOTE, _PRECOMMIT = 1, 2, 3
_TYPES = {_PREVOTE: "Prevote", _PRECOMMIT: "Precommit"}


class Host(Protocol):
    node_id: str

    def send(self, message: Message) -> None: ...

    def later(self, seconds: float, call: Callable[[], None]) -> None: ...

    def committed(self) -> None: ...


class Consensus:
    def __init__(
        self, chain: Chain, signer: PrivValidator, wal: Wal, host: Host, log: Log, beat: float
    ) -> None:
        self.chain = chain
        self._signer = signer
        self._wal = wal
        self._host = host
        self._log = log
        self._beat = beat
        self._ahead: list[Message] = []
        self.running = False
        self.failed = False
        self._reset()

    def _reset(self) -> None:
        """To the next height, with the set that decides there."""
        self.height = self.chain.height + 1
        self._powers = {validator.address: validator.power for validator in self.chain.validators}
        self._order = [validator.address for validator in self.chain.validators]
        self.round = 0
        self.step = 0
        self._blocks: dict[str, Block] = {}
        self._proposals: dict[int, Message] = {}
        self._votes: dict[tuple[int, int], dict[str, Message]] = defaultdict(dict)
        self._locked: tuple[int, Block] | None = None
        self._waits: set[tuple[int, int]] = set()

    @property
    def messages(self) -> list[Message]:
        """All that is known of the present height, for a peer that has just come."""
        votes = [vote for votes in self._votes.values() for vote in votes.values()]
        return [*self._proposals.values(), *votes]

    def start(self) -> None:
        """After the handshake or the fast sync."""
        self._reset()
        self.running = True
        self._wal.height = self.chain.height
        try:
            said = self._wal.replay()
        except WalGapError as gap:
            self._log.error(
                "Error on catchup replay. Proceeding to start ConsensusState anyway",
                module="consensus",
                err=gap,
            )
            self._wal.end(self.chain.height)
            said = []
        for message in said:
            if message["h"] == self.height:
                self._take(message, replayed=True)
        self._lock_again()
        self._host.later(self._beat / 4, self._begin(self.height, self.round))

    def _lock_again(self) -> None:
        own = self._signer.address
        for (round_, step), votes in sorted(self._votes.items()):
            block = votes[own]["b"] if step == _PRECOMMIT and own in votes else ""
            if block in self._blocks:
                self._locked = (round_, self._blocks[block])

    def receive(self, message: Message) -> None:
        """A proposal or vote of a peer. Raises KeyError, TypeError, ValueError for nonsense."""
        if not self.running or self.failed:
            return
        if int(message["h"]) > self.height:
            self._ahead = [*self._ahead[-500:], message]
        elif message["h"] == self.height:
            self._or_fail(lambda: self._take(message))

    def _take(self, message: Message, *, replayed: bool = False) -> None:
        known = self._add_proposal(message) if message["t"] == "proposal" else self._add_vote(message)
        if not known:
            return
        if not replayed:
            self._wal.write(message)
        elif message["a"] == self._signer.address:
            self._sign_again(self._signer, message)
        self._host.send(message)
        self._advance()

    def _sign_again(self, signer: PrivValidator, message: Message) -> None:
        """Own words out of the WAL: they count as said, whether or not the file had been saved."""
        with suppress(SigningError):
            signer.sign(self.height, message["r"], message.get("s", _PROPOSE), _content(message))

    def _add_proposal(self, message: Message) -> bool:
        block = Block.from_json(message["block"])
        if message["r"] in self._proposals or message["a"] != self._proposer(message["r"]):
            return False
        if self.chain.problem(block):
            return False
        self._proposals[message["r"]] = message
        self._blocks[block.hash] = block
        return True

    def _add_vote(self, message: Message) -> bool:
        address = message["a"]
        votes = self._votes[message["r"], message["s"]]
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
        if votes[address]["b"] != message["b"] and address == self._signer.address:
            self._log.error(
                "Found conflicting vote from ourselves. Did you unsafe_reset a validator?",
                module="consensus",
                height=self.height,
                round=message["r"],
                type=message["s"] - 1,
            )
        return False

    def _proposer(self, round_: int) -> str:
        return self._order[(self.height + round_) % len(self._order)]

    # The steps of a round

    def _begin(self, height: int, round_: int) -> Callable[[], None]:
        def begin() -> None:
            if height == self.height and round_ >= self.round and self.running and not self.failed:
                self._or_fail(lambda: self._enter_round(round_))

        return begin

    def _or_fail(self, act: Callable[[], None]) -> None:
        """What cannot be written ends the consensus, and the process stays.

        Tendermint's receiveRoutine (consensus/state.go) ends so: it recovers from a panic with a log line.
        """
        try:
            act()
        except OSError as error:
            self._fail(f"write: {(error.strerror or str(error)).lower()}")

    def _fail(self, reason: str) -> None:
        self.failed = True
        self._log.error(
            "CONSENSUS FAILURE!!!", module="consensus", err=reason, stack="goroutine 1 [running]:"
        )

    def _enter_round(self, round_: int) -> None:
        if self.step and round_ <= self.round:
            return
        self.round, self.step = round_, _PROPOSE
        patience = min(1.0, max(0.4, self._beat)) + 0.3 * round_
        self._host.later(patience, self._unless_later(_PROPOSE, self._prevote))
        signer = self._signer
        if signer.address == self._proposer(round_) and round_ not in self._proposals:
            self._propose(signer)
        self._advance()

    def _unless_later(self, step: int, act: Callable[[], None]) -> Callable[[], None]:
        height, round_ = self.height, self.round

        def check() -> None:
            if (height, round_, step) == (self.height, self.round, self.step) and not self.failed:
                self._or_fail(act)

        return check

    def _propose(self, signer: PrivValidator) -> None:
        block = self._locked[1] if self._locked else self._new_block(signer.address)
        message = {"t": "proposal", "h": self.height, "r": self.round, "block": block.to_json()}
        try:
            self._say(signer, {**message, "a": signer.address, "n": self._host.node_id}, _PROPOSE)
        except SigningError as refused:
            self._log.error(
                "enterPropose: Error signing proposal",
                module="consensus",
                height=self.height,
                round=self.round,
                err=f"Error signing proposal: {refused}",
            )

    def _new_block(self, proposer: str) -> Block:
        return Block(self.height, timestamp(), proposer, self.chain.last_hash, self.chain.app_hash)

    def _say(self, signer: PrivValidator, message: Message, step: int) -> None:
        """Sign, save, then tell; raises SigningError before anything is told."""
        signer.sign(self.height, self.round, step, _content(message))
        self._take(message)

    def _advance(self) -> None:
        """Whatever the messages at hand allow, in order."""
        if self._commit() or self.step == 0:
            return
        for round_ in sorted({key[0] for key in self._votes}, reverse=True):
            if round_ > self.round and any(enough(self._power(round_, step), self._total) for step in _TYPES):
                self._host.later(0, self._begin(self.height, round_))
                return
        if self.step == _PROPOSE and self.round in self._proposals:
            self._prevote()
        elif self.step == _PREVOTE:
            self._after_prevotes()
        elif self.step == _PRECOMMIT:
            self._after_precommits()

    @property
    def _total(self) -> int:
        return sum(self._powers.values())

    def _power(self, round_: int, step: int, block: str | None = None) -> int:
        votes = self._votes.get((round_, step), {})
        return sum(self._powers[a] for a, vote in votes.items() if block is None or vote["b"] == block)

    def _majority(self, round_: int, step: int) -> str | None:
        """The block, or '' for none at all, that more than 2/3 voted for; None: no such majority."""
        votes = self._votes.get((round_, step), {})
        for block in {vote["b"] for vote in votes.values()}:
            if enough(self._power(round_, step, block), self._total):
                return str(block)
        return None

    def _prevote(self) -> None:
        self.step = _PREVOTE
        proposal = self._proposals.get(self.round)
        self._unlock()
        if self._locked:
            choice = self._locked[1].hash
        else:
            choice = Block.from_json(proposal["block"]).hash if proposal else ""
        self._vote(choice)
        self._advance()

    def _unlock(self) -> None:
        """A later majority for something else frees from the lock."""
        for round_ in range(self._locked[0] + 1 if self._locked else self.round, self.round):
            majority = self._majority(round_, _PREVOTE)
            if self._locked and majority not in (None, self._locked[1].hash):
                self._locked = None

    def _after_prevotes(self) -> None:
        majority = self._majority(self.round, _PREVOTE)
        if majority is not None and (majority == "" or majority in self._blocks):
            self._precommit(majority)
        elif enough(self._power(self.round, _PREVOTE), self._total):
            self._wait_once(lambda: self._precommit(""))

    def _precommit(self, block: str) -> None:
        self.step = _PRECOMMIT
        if block:
            self._locked = (self.round, self._blocks[block])
        elif self._majority(self.round, _PREVOTE) == "":
            self._locked = None
        self._vote(block)
        self._advance()

    def _after_precommits(self) -> None:
        if enough(self._power(self.round, _PRECOMMIT), self._total):
            self._wait_once(self._next_round)

    def _next_round(self) -> None:
        self._enter_round(self.round + 1)

    def _wait_once(self, act: Callable[[], None]) -> None:
        if (self.round, self.step) not in self._waits:
            self._waits.add((self.round, self.step))
            self._host.later(0.2 + 0.1 * self.round, self._unless_later(self.step, act))

    def _vote(self, block: str) -> None:
        signer = self._signer
        if signer.address not in self._powers:
            return
        if signer.address in self._votes[self.round, self.step]:
            return  # said before a restart
        message = {
            "t": "vote",
            "h": self.height,
            "r": self.round,
            "s": self.step,
            "b": block,
            "a": signer.address,
        }
        try:
            self._say(signer, {**message, "n": self._host.node_id, "time": timestamp()}, self.step)
        except SigningError as refused:
            index = self._order.index(signer.address)
            what = f"{self.height}/{self.round:02d}/{self.step - 1}({_TYPES[self.step]})"
            hashes = f"{block[:12] or '0' * 12} {'0' * 12}"
            vote = f"Vote{{{index}:{signer.address[:12]} {what} {hashes} @ {timestamp()}}}"
            self._log.error(
                "Error signing vote",
                module="consensus",
                height=self.height,
                round=self.round,
                vote=vote,
                err=f"Error signing vote: {refused}",
            )

    # The end of a height

    def _commit(self) -> bool:
        for round_, step in list(self._votes):
            block = self._majority(round_, step) if step == _PRECOMMIT else None
            if block and block in self._blocks:
                votes = self._votes[round_, step]
                signers = tuple(sorted(address for address, vote in votes.items() if vote["b"] == block))
                self.apply(Block.from_json({**self._blocks[block].to_json(), "signers": signers}))
                return True
        return False

    def apply(self, block: Block) -> None:
        """A committed block, from the votes at hand or from a peer that is ahead."""
        problem = self.chain.problem(block)
        if problem:
            self._fail(f"Panicked on a Consensus Failure: +2/3 committed an invalid block: {problem}")
            return
        self.chain.append(block)
        self._wal.end(block.height)
        ahead, self._ahead = self._ahead, []
        self._reset()
        self._host.committed()
        self._host.later(self._beat, self._begin(self.height, 0))
        for message in ahead:
            self.receive(message)


def _content(message: Message) -> bytes:
    """What is signed: all but the time, so that the same vote said twice is the same vote."""
    block = Block.from_json(message["block"]).hash if message["t"] == "proposal" else message["b"]
    return f"{message['t']}/{message['h']}/{message['r']}/{message.get('s', _PROPOSE)}/{block}".encode()
