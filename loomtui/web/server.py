"""The server: one page, the terminal in it, and behind each WebSocket a process of its own."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import textual_serve
from aiohttp import WSMsgType, web

from loomtui.errors import CallError
from loomtui.text import clean_line
from loomtui.web.address import Address
from loomtui.web.guard import Guard
from loomtui.web.viewer import LEAVE_SECONDS, Viewer, size_of

#: Each has a process, and connections to all nodes.
MOST_VIEWERS = 8
_HEARTBEAT_SECONDS = 15.0  # a browser that does not answer in half of it is gone
_CLOSE_SECONDS = 2.0
_MOST_HEARD = 64 * 1024  # bytes of one message: a paste


class Site:
    """What a browser can ask for. `command`: a shell command; `title`: as text."""

    def __init__(self, command: str, title: str) -> None:
        self._command = command
        self._page = Template(_page_file("index.html")).substitute(title=escape(clean_line(title)))
        self._viewers: set[Viewer] = set()
        self._leaving: set[asyncio.Task[None]] = set()

    def application(self, guard: Guard) -> web.Application:
        app = web.Application()
        guard.put_before(app)
        app.router.add_get("/", self._index)
        app.router.add_get("/page.css", self._style)
        app.router.add_get("/page.js", self._script)
        app.router.add_get("/ws", self._view)
        app.router.add_static("/static", Path(textual_serve.__file__).parent / "static")
        app.on_shutdown.append(self._close)
        app.on_cleanup.append(self._wait_for_leaving)
        return app

    async def _index(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._page, content_type="text/html")

    async def _style(self, _request: web.Request) -> web.Response:
        return web.Response(text=_page_file("page.css"), content_type="text/css")

    async def _script(self, _request: web.Request) -> web.Response:
        return web.Response(text=_page_file("page.js"), content_type="text/javascript")

    async def _view(self, request: web.Request) -> web.StreamResponse:
        if len(self._viewers) >= MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_VIEWERS} browsers are looking already.\n")
        socket = web.WebSocketResponse(
            timeout=_CLOSE_SECONDS, heartbeat=_HEARTBEAT_SECONDS, max_msg_size=_MOST_HEARD
        )
        viewer = Viewer(self._command, socket)
        self._viewers.add(viewer)
        try:
            await socket.prepare(request)
            await viewer.start(*size_of(request.query))
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    with suppress(ConnectionError):
                        await viewer.hear(message.data)
        finally:
            await asyncio.shield(self._leave(viewer))  # a browser that is gone cancels what serves it
        return socket

    def _leave(self, viewer: Viewer) -> asyncio.Task[None]:
        leaving = asyncio.create_task(self._end(viewer))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        return leaving

    async def _end(self, viewer: Viewer) -> None:
        try:
            await viewer.end()
        finally:
            self._viewers.discard(viewer)

    async def _close(self, _app: web.Application) -> None:
        await asyncio.gather(*(viewer.close() for viewer in self._viewers))

    async def _wait_for_leaving(self, _app: web.Application) -> None:
        await asyncio.gather(*self._leaving)


@asynccontextmanager
async def serving(command: str, title: str, address: Address) -> AsyncIterator[str]:
    """Serves what the command shows; yields the address for browsers, with its token.

    Raises CallError where it cannot be listened there. At the end all processes of browsers are gone.
    """
    guard = Guard(address)
    site = Site(command, title).application(guard)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=LEAVE_SECONDS + _CLOSE_SECONDS)
    try:
        await runner.setup()
        try:
            await web.TCPSite(runner, address.ip, address.port).start()
        except OSError as error:
            raise _no_listening(address, error) from error
        yield address.url(runner.addresses[0][1], guard.token)
    finally:
        await runner.cleanup()


def _no_listening(address: Address, error: OSError) -> CallError:
    where = f"port {address.port} of {address.ip}"
    if error.errno == errno.EADDRINUSE:
        return CallError(
            f"{where} is in use.",
            safe="Nothing was served.",
            advice="Another loomtui serve may be there. Take another with --port, or any with --port 0.",
        )
    why = os.strerror(error.errno) if error.errno else str(error)
    return CallError(f"{where} cannot be listened at: {clean_line(why)}.", safe="Nothing was served.")


def _page_file(name: str) -> str:
    return (resources.files("loomtui.web") / "page" / name).read_text(encoding="utf-8")
