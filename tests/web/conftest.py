"""A site before a program of our own, and how a browser asks it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from loomtui.web.address import Address
from loomtui.web.guard import Guard
from loomtui.web.server import Site

TOKEN = "the-token"
COOKIE = "loomtui-test"
PROGRAM = Path(__file__).with_name("program.py")


class Asked:
    """A browser without a mind of its own: it sends what it is told to, and keeps no cookie."""

    def __init__(self, client: aiohttp.ClientSession, base: str) -> None:
        self._client = client
        self.base = base

    async def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers."""
        async with self._client.request(
            method, f"{self.base}{path}", headers=headers, allow_redirects=False
        ) as found:
            return found.status, await found.text(errors="replace"), dict(found.headers)

    async def socket(self, query: str = "", **headers: str) -> aiohttp.ClientWebSocketResponse:
        """Raises aiohttp.WSServerHandshakeError."""
        headers = {"Origin": self.base, "Cookie": f"{COOKIE}={TOKEN}", **headers}
        return await self._client.ws_connect(f"{self.base}/ws{query}", headers=headers)


class Serve(Protocol):
    def __call__(
        self, *arguments: str, title: str = "a title"
    ) -> AbstractAsyncContextManager[tuple[Asked, Site]]: ...


@pytest.fixture
def serve() -> Serve:
    """A site whose browsers see `program.py` with the arguments."""

    @asynccontextmanager
    async def begin(*arguments: str, title: str = "a title") -> AsyncIterator[tuple[Asked, Site]]:
        command = "exec " + shlex.join([sys.executable, str(PROGRAM), *arguments])
        site = Site(command, title)
        guard = Guard(Address("127.0.0.1", 0, "127.0.0.1"), TOKEN, COOKIE)
        async with (
            TestServer(site.application(guard)) as server,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
        ):
            yield Asked(client, f"http://127.0.0.1:{server.port}"), site

    return begin
