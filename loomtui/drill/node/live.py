"""A node that runs: serves the RPC, finds peers, follows or makes the chain."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loomtui.drill.node.addresses import Address
from loomtui.drill.node.blocks import Block, enough
from loomtui.drill.node.consensus import Consensus
from loomtui.drill.node.height import Message
from loomtui.drill.node.log import Log
from loomtui.drill.node.peers import Peer, Switch
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.node.rpc import Rpc
from loomtui.drill.node.settings import Machine, Settings, split_listen
from loomtui.drill.node.standin_chain import Chain, FatalError, PanicError
from loomtui.drill.node.wal import Wal

_BLOCKS_AT_ONCE = 50


def run_for_ever(node: Node, persistent: list[Address], seeds: list[Address]) -> int:
    """Raises FatalError, PanicError."""
    return asyncio.run(node.run(persistent, seeds))


class Node:
    """One running node; the host of its consensus."""

    def __init__(
        self, wal: Path, settings: Settings, log: Log, chain: Chain, node_id: str, validator: PrivValidator
    ) -> None:
        self._machine = Machine.read()
        self._settings = settings
        self._log = log
        self.chain = chain
        self.node_id = node_id
        self.validator = validator
        self.rpc_address = settings.rpc_listen
        self._p2p_port = split_listen(settings.p2p_listen)[1]
        info = {
            "id": node_id,
            "network": chain.chain_id,
            "moniker": settings.moniker,
            "listen": settings.external_address or settings.p2p_listen,
        }
        self.switch = Switch(info, self._machine.address, log, hello=self._hello, receive=self._receive)
        alone = {entry.address for entry in chain.validators} == {validator.address}
        self.catching_up = not alone
        log_of_votes = Wal(wal, height=chain.height)
        self.consensus = Consensus(chain, validator, log_of_votes, self, log, self._machine.block_seconds)
        self._stop = asyncio.Event()
        self._fatal: Exception | None = None

    async def run(self, persistent: list[Address], seeds: list[Address]) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            loop.add_signal_handler(number, _end)
        await self._listen()
        if self._settings.strict_addrbook:
            for address in persistent:
                self._harmless(address)
        if not self.catching_up:
            self.consensus.start()
        self.switch.start(persistent, seeds)
        loop.create_task(self._tick())  # noqa: RUF006 - lives as long as the process
        await self._stop.wait()
        raise self._fatal or SystemExit(0)

    def _harmless(self, address: Address) -> None:
        self._log.error(
            "Can't add peer's address to addrbook",
            module="p2p",
            err=f"Cannot add non-routable address {address}",
        )

    async def _listen(self) -> None:
        rpc = Rpc(self)
        for value in (self._settings.rpc_listen, self._settings.api_listen):
            host, port = split_listen(value)
            place = f"{host}:{port}"
            try:
                await rpc.serve("127.0.0.1" if host in ("0.0.0.0", "") else host, port)  # noqa: S104
            except OSError:
                busy = f"listen tcp {place}: bind: address already in use"
                raise FatalError(f"Failed to listen on {place}: {busy}") from None
        try:
            await self.switch.listen(self._p2p_port)
        except OSError:
            place = f"{self._machine.address}:{self._p2p_port}"
            raise FatalError(f"listen tcp {place}: bind: address already in use") from None

    # What the consensus asks for

    def send(self, message: Message) -> None:
        self.switch.broadcast(message, author=None if message["n"] == self.node_id else message["n"])

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, call)

    def committed(self) -> None:
        self.switch.broadcast({"t": "status", "h": self.chain.height})

    # What peers say

    def _hello(self, peer: Peer) -> None:
        peer.send({"t": "status", "h": self.chain.height})
        for message in self.consensus.messages:
            peer.send(message)

    def _receive(self, peer: Peer, message: dict[str, Any]) -> None:
        try:
            self._handle(peer, message)
        except (KeyError, TypeError, ValueError) as error:
            self._log.error("Error decoding message", module="p2p", err=error)
        except (FatalError, PanicError) as error:
            self._fatal = error
            self._stop.set()

    def _handle(self, peer: Peer, message: dict[str, Any]) -> None:
        kind = message["t"]
        if kind == "status":
            peer.height = max(peer.height, int(message["h"]))
            if self.catching_up and peer.height <= self.chain.height:
                self._caught_up()
            elif peer.height > self.chain.height:
                self.later(0 if self.catching_up else 0.2, lambda: self._ask(peer))
        elif kind == "get":
            self._give(peer, int(message["h"]))
        elif kind == "blocks":
            self._take_blocks(peer, [Block.from_json(block) for block in message["blocks"]])
        else:
            self.consensus.receive(message)

    def _ask(self, peer: Peer) -> None:
        if peer.height > self.chain.height and not self.consensus.failed:
            peer.send({"t": "get", "h": self.chain.height + 1})

    def _give(self, peer: Peer, first: int) -> None:
        own_blocks = [self.chain.block(height) for height in range(first, first + _BLOCKS_AT_ONCE)]
        blocks = [block.to_json() for block in own_blocks if block]
        if blocks:
            peer.send({"t": "blocks", "blocks": blocks})

    def _take_blocks(self, peer: Peer, blocks: list[Block]) -> None:
        for block in blocks:
            if block.height != self.chain.height + 1 or self.consensus.failed:
                continue
            if not self.catching_up:
                self.consensus.apply(block)
                continue
            powers = {entry.address: entry.power for entry in self.chain.validators}
            signed = enough(sum(powers.get(address, 0) for address in block.signers), sum(powers.values()))
            problem = self.chain.problem(block) or (
                None if signed else "Invalid commit -- insufficient voting power"
            )
            if problem:
                where = f"{block.height}:{block.hash[:12]}"
                raise PanicError(
                    f"Panicked questionably: Failed to process committed block ({where}): {problem}"
                )
            self.chain.append(block)
        if self.catching_up and peer.height <= self.chain.height:
            self._caught_up()
        else:
            self._ask(peer)

    def _caught_up(self) -> None:
        self.catching_up = False
        self.consensus.start()

    async def _tick(self) -> None:
        """What was lost on the way is said again when a height takes long."""
        pause = max(1.0, 3 * self._machine.block_seconds)
        last_height = -1
        while True:
            await asyncio.sleep(pause)
            if self.chain.height == last_height:
                self.switch.broadcast({"t": "status", "h": self.chain.height})
                for message in self.consensus.messages:
                    self.switch.broadcast(message)
            last_height = self.chain.height


def _end() -> None:
    """Two handlers race in the real program: one exits with 0, the other stops the node and exits with 1."""
    if random.random() < 0.1:  # noqa: S311
        sys.stdout.write("captured terminated, exiting...\n")
        sys.stdout.flush()
        os._exit(1)
    os._exit(0)
