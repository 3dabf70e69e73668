"""Peers: the handshake that compares IDs, and who is connected.

Frames are JSON lines. The listening side says first who it is; the dialling side answers only when that is
whom it dialled: so the node with the wrong ID in its list logs the `missmatch`, the other one sees an end.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from loomtui.drill.node.addresses import Address
from loomtui.drill.node.log import Log

_FRAME_BYTES = 4 * 1024 * 1024
_DIAL_SECONDS = 3.0
_RETRIES = 20
_RETRY_SECONDS = 5.0
_CROSSING_SECONDS = 2.0


class RejectedError(Exception):
    """This peer must not be added."""


@dataclass
class Peer:
    id: str
    info: dict[str, Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    outbound: bool
    remote_ip: str
    since: float = field(default_factory=time.monotonic)
    height: int = 0
    sees: set[str] = field(default_factory=set)

    def send(self, message: dict[str, Any]) -> None:
        if not self.writer.is_closing():
            self.writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")


class Switch:
    """All connections of one node."""

    def __init__(
        self,
        info: dict[str, Any],
        address: str,
        log: Log,
        *,
        hello: Callable[[Peer], None],
        receive: Callable[[Peer, dict[str, Any]], None],
    ) -> None:
        self.info = info  # id, network, moniker, listen
        self._address = address
        self._log = log
        self._hello = hello
        self._receive = receive
        self.peers: dict[str, Peer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, port: int) -> None:
        """Raises OSError."""
        await asyncio.start_server(self._accept, self._address, port, limit=_FRAME_BYTES)

    def start(self, persistent: list[Address], seeds: list[Address]) -> None:
        for address in persistent:
            self._keep(self._stay_connected(address))
        self._keep(self._look_for_peers(seeds))

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def broadcast(self, message: dict[str, Any], *, author: str | None = None) -> None:
        """To all peers; with an author, only to those that do not hear it from there themselves."""
        for peer in self.peers.values():
            if author is None or (peer.id != author and author not in peer.sees):
                peer.send(message)

    async def _stay_connected(self, address: Address) -> None:
        if address.id == self.info["id"]:
            return
        await asyncio.sleep(random.uniform(0, 0.3))  # noqa: S311 - spreads the dials
        attempt = 0
        while attempt < _RETRIES + 10:
            while address.id in self.peers:
                attempt = 0
                await asyncio.sleep(0.5)
            if not await self._dial(address, "Error dialing peer", "p2p"):
                late = attempt - _RETRIES
                attempt += 1
                pause = _RETRY_SECONDS + random.uniform(0, 3) if late < 0 else 3.0 ** (late + 1)  # noqa: S311
                await asyncio.sleep(pause)

    async def _look_for_peers(self, seeds: list[Address]) -> None:
        """Seeds are dialled by nodes that are alone, now and every 30 seconds."""
        await asyncio.sleep(0.1)
        while True:
            if not self.peers:
                dialled = [await self._dial(seed, "Error dialing seed", "p2p") for seed in seeds]
                if not any(dialled):
                    self._log.error("Couldn't connect to any seeds", module="p2p")
            await asyncio.sleep(30)

    async def _dial(self, address: Address, failure: str, module: str) -> bool:
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(
                    address.host, address.port, local_addr=(self._address, 0), limit=_FRAME_BYTES
                ),
                _DIAL_SECONDS,
            )
        except (OSError, TimeoutError) as error:
            reason = "i/o timeout" if isinstance(error, TimeoutError) else "connect: connection refused"
            self._log.error(failure, module=module, err=f"dial tcp {address.host}:{address.port}: {reason}")
            return False
        try:
            await self._shake_hands(reader, writer, address)
        except RejectedError as rejected:
            writer.close()
            self._log.error(failure, module=module, err=rejected)
            return False
        return True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._shake_hands(reader, writer, None)
        except RejectedError as rejected:
            writer.close()
            self._log.info("Inbound Peer rejected", module="p2p", err=rejected, numPeers=len(self.peers))

    async def _shake_hands(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dialled: Address | None
    ) -> None:
        """Raises RejectedError."""
        own_info = json.dumps(self.info).encode() + b"\n"
        if dialled is None:
            writer.write(own_info)
        info = await self._read_info(reader, dialled)
        if dialled and info["id"] != dialled.id:
            raise RejectedError(f"auth failure: conn.ID ({info['id']}) dialed ID ({dialled.id}) missmatch")
        if info["network"] != self.info["network"]:
            raise RejectedError(
                "incompatible: Peer is on a different network. "
                f"Got {info['network']}, expected {self.info['network']}"
            )
        if info["id"] == self.info["id"]:
            raise RejectedError(f"self ID<{info['id']}>")
        self._replace_crossed(info["id"], outbound=dialled is not None)
        if dialled:
            writer.write(own_info)
        remote = writer.get_extra_info("peername")[0]
        peer = Peer(info["id"], info, reader, writer, dialled is not None, remote)
        self.peers[peer.id] = peer
        self._log.info("Added peer", module="p2p", peer=peer.id)
        self._tell_whom_i_see()
        self._hello(peer)
        self._keep(self._read(peer))

    def _replace_crossed(self, identity: str, *, outbound: bool) -> None:
        """Two nodes that dial each other at once keep the same one of the two connections: the lower ID's.

        Raises RejectedError for the other one, and for a second node with the same ID.
        """
        known = self.peers.get(identity)
        if known is None:
            return
        crossed = known.outbound != outbound and time.monotonic() - known.since < _CROSSING_SECONDS
        if not crossed or outbound != (self.info["id"] < identity):
            raise RejectedError(f"duplicate ID<{identity}>")
        del self.peers[identity]
        known.writer.close()

    async def _read_info(self, reader: asyncio.StreamReader, dialled: Address | None) -> dict[str, Any]:
        try:
            line = await asyncio.wait_for(reader.readline(), _DIAL_SECONDS)
            info: dict[str, Any] = json.loads(line)
            if not isinstance(info["id"], str) or not isinstance(info["network"], str):
                raise ValueError
        except TimeoutError:
            where = f"read tcp {self._address}->{dialled.host}:{dialled.port}" if dialled else "read tcp"
            raise RejectedError(f"auth failure: secrect conn failed: {where}: i/o timeout") from None
        except (OSError, ValueError, KeyError, TypeError):
            raise RejectedError("auth failure: handshake failed: EOF") from None
        return info

    def _tell_whom_i_see(self) -> None:
        self.broadcast({"t": "peers", "ids": list(self.peers)})

    async def _read(self, peer: Peer) -> None:
        with suppress(OSError, ValueError):
            while line := await peer.reader.readline():
                message = json.loads(line)
                if message.get("t") == "peers":
                    peer.sees = set(message["ids"])
                else:
                    self._receive(peer, message)
        peer.writer.close()
        if self.peers.get(peer.id) is peer:
            del self.peers[peer.id]
            self._tell_whom_i_see()
        self._log.info("Stopping peer for error", module="p2p", peer=peer.id, err="EOF")
