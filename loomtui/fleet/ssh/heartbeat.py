"""Notices a server that hangs: the network takes every packet, and nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from loomtui.fleet.ssh.client import THREADS, SSHException, Transport

_BEAT_SECONDS = 10.0
_REQUEST = "keepalive@openssh.com"  # nobody knows it, and RFC 4254 (4) wants every server to say so


class Heartbeat:
    """Asks over every connection, as OpenSSH's ServerAliveInterval does.

    That also keeps the connection open.
    """

    def __init__(self) -> None:
        self._watches: set[asyncio.Task[None]] = set()

    def watch(self, transport: Transport, patience: float, drop: Callable[[Transport], None]) -> None:
        """Calls `drop` for a connection that leaves a question unanswered for `patience` seconds."""
        watch = asyncio.create_task(_watch(transport, patience, drop), name="heartbeat")
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    def close(self) -> None:
        for watch in self._watches:
            watch.cancel()


async def _watch(transport: Transport, patience: float, drop: Callable[[Transport], None]) -> None:
    while transport.is_active():
        await asyncio.sleep(_BEAT_SECONDS)
        try:
            async with asyncio.timeout(patience):
                await THREADS.run(transport.global_request, _REQUEST, None, True)
        except TimeoutError:
            drop(transport)
            return
        except (OSError, EOFError, SSHException):
            return  # it broke in the meantime: whoever uses it is told
