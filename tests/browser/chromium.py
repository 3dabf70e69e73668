"""Headless Chromium, driven over its DevTools protocol: a page, its keys, and what a person reads on it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.ability import give_up

_FLAGS = (
    "--headless",
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=1400,900",
    "--remote-debugging-port=0",
)
_SECONDS = 60.0
_SHIFT_DRAG = {"button": "left", "buttons": 1, "clickCount": 1, "modifiers": 8}
_COPY = """(() => {
    const event = new ClipboardEvent("copy", {clipboardData: new DataTransfer(), bubbles: true});
    document.querySelector(".xterm").dispatchEvent(event);
    return event.clipboardData.getData("text/plain");
})()"""
_BOX = """(() => {
    const box = document.querySelector(".xterm-screen")?.getBoundingClientRect();
    return box && [box.left, box.top, box.right, box.bottom];
})()"""


def program() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or give_up("no Chromium: install Debian's package chromium")


class Page:
    """One tab. `requests`: every address that it asked for; `faults`: what its console calls an error."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._changed = asyncio.Event()
        self._loaded = asyncio.Event()
        self._session: dict[str, str] = {}
        self.requests: list[str] = []
        self.faults: list[str] = []

    async def begin(self) -> None:
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.call(f"{domain}.enable")

    async def listen(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            else:
                self._note(told["method"], told["params"])

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(told["url"])
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.faults.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif method == "Runtime.exceptionThrown":
            self.faults.append(json.dumps(told["exceptionDetails"]))
        elif method == "Page.loadEventFired":
            self._loaded.set()
        self._changed.set()

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params, **self._session})
        async with asyncio.timeout(_SECONDS):
            told = await answer
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    @asynccontextmanager
    async def loading(self) -> AsyncIterator[None]:
        """What is done in the block leads to another page; ends when that is loaded."""
        self._loaded.clear()
        yield
        async with asyncio.timeout(_SECONDS):
            await self._loaded.wait()

    async def open(self, url: str) -> None:
        async with self.loading():
            await self.call("Page.navigate", url=url)

    async def comes_true(self, expression: str) -> None:
        """Looked at in the page, with each of its frames."""
        look = f"const look = () => ({expression}) ? resolve() : requestAnimationFrame(look); look();"
        await self.run(f"new Promise((resolve) => {{ {look} }})")

    async def run(self, script: str) -> Any:
        """What a JavaScript expression gives, awaited where it is a promise."""
        told = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def press(self, key: str) -> None:
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def terminal(self) -> str:
        """All that can be read: selected with shift and the mouse, and copied, as a person would."""
        box = await self.run(_BOX)
        if not box:
            return ""
        left, top, right, bottom = box
        begin, end = (left + 1, top + 1), (right - 2, bottom - 2)
        for kind, (x, y) in (("mousePressed", begin), ("mouseMoved", end), ("mouseReleased", end)):
            place: dict[str, Any] = {"type": kind, "x": x, "y": y}
            await self.call("Input.dispatchMouseEvent", **place, **_SHIFT_DRAG)
        return str(await self.run(_COPY))

    async def shows(self, expected: Callable[[str], bool]) -> str:
        """Waits until the terminal shows it; looks whenever something has come from the server."""
        text = ""
        try:
            async with asyncio.timeout(_SECONDS):
                while not expected(text):
                    self._changed.clear()
                    text = await self.terminal()
                    if not expected(text):
                        await self._changed.wait()
        except TimeoutError:
            pytest.fail(f"not shown in time:\n{text}\n{self.faults}")
        return text

    async def picture(self, path: Path) -> None:
        """A PNG of what is seen now, for people to look at."""
        told = await self.call("Page.captureScreenshot")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(told["data"]))


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Page]:
    """A browser with a profile of its own in the folder; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        program(), *_FLAGS, f"--user-data-dir={folder}", "about:blank", stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(_SECONDS), aiohttp.ClientSession() as client:
            address = ""
            while "ws://" not in address:
                line = await process.stderr.readline()
                assert line, "Chromium has ended"
                address = line.decode("utf-8", "replace")
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(address[address.index("ws://") :].strip(), max_msg_size=0) as socket,
        ):
            page = Page(socket)
            listening = asyncio.create_task(page.listen())
            try:
                await page.begin()
                yield page
            finally:
                listening.cancel()
    finally:
        process.kill()
        await process.wait()
