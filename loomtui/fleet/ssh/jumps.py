"""Connections to jump hosts. Each serves all nodes whose way leads over it, and is opened once for all.

sshd's MaxSessions does not count what is forwarded (`direct-tcpip`), so one connection is enough for any
number of nodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from loomtui.errors import LoomtuiError
from loomtui.fleet.ssh.client import Transport
from loomtui.fleet.ssh.refusal import Refusal
from loomtui.fleet.ssh.sshconfig import Target

_Connect = Callable[[Target], Awaitable[Transport]]


@dataclass
class _Jump:
    connecting: asyncio.Task[Transport] | None = None
    transport: Transport | None = None
    refusal: Refusal | None = None


class JumpHosts:
    """`connect` makes the connection to the last host of a way, over those before it."""

    def __init__(
        self, connect: Callable[[Target], Awaitable[Transport]], passing: type[LoomtuiError]
    ) -> None:
        """A failure of the kind `passing` is worth another try at once."""
        self._connect = connect
        self._passing = passing
        self._jumps: dict[tuple[Target, ...], _Jump] = {}

    async def transport(self, way: tuple[Target, ...], node: str) -> Transport:
        """The connection over all of these hosts. Whoever waits for it shares its outcome.

        It outlives those who give up. Raises what `connect` raises, as an error of this node.
        """
        # It is the same one whichever node the way leads to, and however patient that is.
        same = tuple(replace(hop, node="", timeout=0.0) for hop in way)
        jump = self._jumps.setdefault(same, _Jump())
        if jump.transport is not None and jump.transport.is_active():
            return jump.transport
        if jump.connecting is None or jump.connecting.done():
            if jump.refusal is not None and jump.refusal.holds:
                raise jump.refusal.error.of(node)
            jump.connecting = asyncio.create_task(self._open(jump, way), name="jump host")
            jump.connecting.add_done_callback(_retrieve)
        try:
            return await asyncio.shield(jump.connecting)
        except LoomtuiError as error:
            raise error.of(node) from error

    async def _open(self, jump: _Jump, way: tuple[Target, ...]) -> Transport:
        jump.transport = None
        try:
            jump.transport = await self._connect(replace(way[-1], jumps=way[:-1]))
        except LoomtuiError as error:
            if not isinstance(error, self._passing):
                jump.refusal = Refusal.of(error)
            raise
        return jump.transport

    def forget_refusals(self) -> None:
        for jump in self._jumps.values():
            jump.refusal = None

    def close(self, drop: Callable[[Transport], None]) -> None:
        for jump in self._jumps.values():
            if jump.connecting is not None:
                jump.connecting.cancel()
            if jump.transport is not None:
                drop(jump.transport)
        self._jumps.clear()


def _retrieve(task: asyncio.Task[Transport]) -> None:
    """Takes an outcome that nobody waits for any more, because whoever waited gave up."""
    if not task.cancelled():
        task.exception()
