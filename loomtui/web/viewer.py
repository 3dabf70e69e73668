"""One browser: its WebSocket, and the process whose screens it sees. They end together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

LEAVE_SECONDS = 6.0  # the screens give a node that hangs 3
_MOST_CELLS = 1_000  # of a side; a terminal as large as a browser says costs as much memory


class Viewer(AppService):
    """Keys and sizes in, the bytes of a terminal out; files and addresses to open never reach a browser."""

    def __init__(self, command: str, socket: web.WebSocketResponse) -> None:
        super().__init__(
            command,
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=self.close,
            download_manager=DownloadManager(),
        )
        self._socket = socket

    async def close(self) -> None:
        """The browser is told that it is over; what serves it comes to its end then."""
        await self._socket.close()

    async def run(self) -> None:
        """Raises nothing; a process that ends by itself ends the view, however it ends."""
        try:
            await super().run()
        finally:
            await self.close()

    async def on_data(self, payload: bytes) -> None:
        with suppress(ConnectionError):  # read on: a process that is not read from could not end
            await super().on_data(payload)

    async def on_meta(self, data: bytes) -> None:
        if json.loads(data).get("type") == "exit":
            await self.close()

    async def on_packed(self, payload: bytes) -> None:
        """Parts of a file: none was asked for."""

    async def hear(self, text: str) -> None:
        """What the browser says; what is none of these is passed over."""
        match _document(text):
            case ["stdin", str(keys)]:
                await self.send_bytes(keys.encode(errors="replace"))
            case ["resize", {"width": int(width), "height": int(height)}]:
                await self.set_terminal_size(_bounded(width), _bounded(height))
            case ["ping", str(stamp)]:
                await self.remote_write_str(json.dumps(["pong", stamp]))
            case ["focus"]:
                await self.focus()
            case ["blur"]:
                await self.blur()

    async def end(self) -> None:
        """The process leaves in order; one that does not is killed. Returns when it is gone."""
        process = self._process
        if process is None:
            return
        leaving = asyncio.create_task(self._leave(process))
        await asyncio.wait([leaving], timeout=LEAVE_SECONDS)
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await leaving

    async def _leave(self, process: asyncio.subprocess.Process) -> None:
        await self.stop()
        await process.wait()


def size_of(query: Mapping[str, str]) -> tuple[int, int]:
    """Columns and rows, as the page asks for them; else those of a terminal."""
    return _cells(query.get("width", ""), 80), _cells(query.get("height", ""), 24)


def _cells(text: str, default: int) -> int:
    return _bounded(int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else default


def _bounded(cells: int) -> int:
    return max(1, min(cells, _MOST_CELLS))


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
