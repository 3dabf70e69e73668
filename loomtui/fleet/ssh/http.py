"""HTTP asked from the node itself, over SSH, for nodes that have neither curl nor wget."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from http.client import HTTPException, HTTPResponse
from typing import cast

from loomtui.fleet.ssh.client import THREADS, Channel, Transport

_BODY_LIMIT = 8 * 1024 * 1024


async def get(transport: Transport, host: str, port: int, path: str, *, timeout: float) -> bytes:
    """The body. Raises ValueError if it is no good answer, TimeoutError, and what paramiko raises."""
    asking = _Asking(transport)
    try:
        async with asyncio.timeout(timeout):
            return await THREADS.run(asking.ask, host, port, path, timeout)
    finally:
        THREADS.start(asking.close)


class _Asking:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._channel: Channel | None = None

    def ask(self, host: str, port: int, path: str, timeout: float) -> bytes:
        channel = self._channel = self._transport.open_channel(
            "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout
        )
        channel.settimeout(timeout)
        channel.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        response = HTTPResponse(cast(socket.socket, channel), method="GET")
        try:
            response.begin()
            body = response.read(_BODY_LIMIT + 1)
        except HTTPException as error:
            raise ValueError(f"it speaks no HTTP ({type(error).__name__})") from error
        if response.status != 200:
            raise ValueError(f"HTTP status {response.status}")
        if len(body) > _BODY_LIMIT:
            raise ValueError(f"the answer is longer than {_BODY_LIMIT} bytes")
        return body

    def close(self) -> None:
        if self._channel is not None:
            with contextlib.suppress(Exception):
                self._channel.close()
