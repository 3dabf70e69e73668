"""Tendermint's rounds, small: propose, prevote, precommit, with locks, and a commit at more than 2/3.

Knows no network and no clock: what it wants to say goes to `host.send`, what it waits for to `host.later`.
Messages are JSON objects: `{"t": "proposal", "h", "r", "block", "a", "n"}` and
`{"t": "vote", "h", "r", "s": 2|3, "b": hash or "", "a": address, "n": node ID, "time"}`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from loomtui.drill.node.blocks import Block, timestamp
from loomtui.drill.node.height import PRECOMMIT, PREVOTE, PROPOSE, Height, Message
from loomtui.drill.node.log import Log
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.node.standin_chain import Chain
from loomtui.drill.node.voice import Voice
from loomtui.drill.node.wal import Wal, WalGapError


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
        self._voice = Voice(signer, host.node_id, log)
        self._wal = wal
        self._host = host
        self._log = log
        self._beat = beat
        self._ahead: list[Message] = []  # of later heights
        self.running = False
        self.failed = False
        self._reset()

    def _reset(self) -> None:
        """To the next height, with the set that decides there."""
        self._height = Height(self.chain, self._log)
        self.round = 0
        self.step = 0
        self._locked: tuple[int, Block] | None = None
        self._waits: set[tuple[int, int]] = set()

    @property
    def height(self) -> int:
        """The one that is being decided."""
        return self._height.number

    @property
    def messages(self) -> list[Message]:
        """All that is known of the present height, for a peer that has just come."""
        return self._height.messages

    def start(self) -> None:
        """After the handshake or the fast sync."""
        self._reset()
        self.running = True
        self._wal.height = self.chain.height
        try:
            replayed = self._wal.replay()
        except WalGapError as gap:
            self._log.error(
                "Error on catchup replay. Proceeding to start ConsensusState anyway",
                module="consensus",
                err=gap,
            )
            self._wal.end(self.chain.height)
            replayed = []
        for message in replayed:
            if message["h"] == self.height:
                self._take(message, replayed=True)
        self._lock_again()
        self._host.later(self._beat / 4, self._begin(self.height, self.round))

    def _lock_again(self) -> None:
        own = self._voice.address
        for (round_, step), votes in sorted(self._height.votes.items()):
            block = votes[own]["b"] if step == PRECOMMIT and own in votes else ""
            if block in self._height.blocks:
                self._locked = (round_, self._height.blocks[block])

    def receive(self, message: Message) -> None:
        """A proposal or vote of a peer. Raises KeyError, TypeError, ValueError for nonsense."""
        if not self.running or self.failed:
            return
        if int(message["h"]) > self.height:
            self._ahead = [*self._ahead[-500:], message]
        elif message["h"] == self.height:
            self._or_fail(lambda: self._take(message))

    def _take(self, message: Message, *, replayed: bool = False) -> None:
        height, own = self._height, self._voice.address
        is_new = height.add_proposal(message) if message["t"] == "proposal" else height.add_vote(message, own)
        if not is_new:
            return
        if not replayed:
            self._wal.write(message)
        elif message["a"] == own:
            self._voice.repeat(message)
        self._host.send(message)
        self._advance()

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
        self.round, self.step = round_, PROPOSE
        patience = min(1.0, max(0.4, self._beat)) + 0.3 * round_
        self._host.later(patience, self._unless_later(PROPOSE, self._prevote))
        if self._voice.address == self._height.proposer(round_) and round_ not in self._height.proposals:
            self._propose()
        self._advance()

    def _unless_later(self, step: int, act: Callable[[], None]) -> Callable[[], None]:
        height, round_ = self.height, self.round

        def check() -> None:
            if (height, round_, step) == (self.height, self.round, self.step) and not self.failed:
                self._or_fail(act)

        return check

    def _propose(self) -> None:
        own, chain = self._voice.address, self.chain
        new = Block(self.height, timestamp(), own, chain.last_hash, chain.app_hash)
        message = self._voice.proposal(self.height, self.round, self._locked[1] if self._locked else new)
        if message is not None:
            self._take(message)

    def _advance(self) -> None:
        """Whatever the messages at hand allow, in order."""
        block = self._height.committed()
        if block is not None:
            self.apply(block)
            return
        if self.step == 0:
            return
        later = self._height.round_after(self.round)
        if later is not None:
            self._host.later(0, self._begin(self.height, later))
        elif self.step == PROPOSE and self.round in self._height.proposals:
            self._prevote()
        elif self.step == PREVOTE:
            self._after_prevotes()
        elif self.step == PRECOMMIT and self._height.enough_voted(self.round, PRECOMMIT):
            self._wait_once(lambda: self._enter_round(self.round + 1))

    def _prevote(self) -> None:
        self.step = PREVOTE
        proposal = self._height.proposals.get(self.round)
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
            majority = self._height.majority(round_, PREVOTE)
            if self._locked and majority not in (None, self._locked[1].hash):
                self._locked = None

    def _after_prevotes(self) -> None:
        majority = self._height.majority(self.round, PREVOTE)
        if majority is not None and (majority == "" or majority in self._height.blocks):
            self._precommit(majority)
        elif self._height.enough_voted(self.round, PREVOTE):
            self._wait_once(lambda: self._precommit(""))

    def _precommit(self, block: str) -> None:
        self.step = PRECOMMIT
        if block:
            self._locked = (self.round, self._height.blocks[block])
        elif self._height.majority(self.round, PREVOTE) == "":
            self._locked = None
        self._vote(block)
        self._advance()

    def _wait_once(self, act: Callable[[], None]) -> None:
        if (self.round, self.step) not in self._waits:
            self._waits.add((self.round, self.step))
            self._host.later(0.2 + 0.1 * self.round, self._unless_later(self.step, act))

    def _vote(self, block: str) -> None:
        own, height = self._voice.address, self._height
        if own not in height.order:
            return
        if own in height.votes[self.round, self.step]:
            return  # said before a restart
        message = self._voice.vote(height.number, self.round, self.step, block, height.order.index(own))
        if message is not None:
            self._take(message)

    # The end of a height

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
