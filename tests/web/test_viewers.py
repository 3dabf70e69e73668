"""What goes between a browser and its process, and that they end together."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select

import aiohttp
import pytest

from loomtui.web import server, viewer
from tests.web.conftest import Asked, Serve

_SECONDS = 30


async def heard(socket: aiohttp.ClientWebSocketResponse, until: str) -> str:
    """What came, up to and with a text."""
    text = ""
    while not re.search(until, text):
        message = await socket.receive(_SECONDS)
        assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), (message, text)
        text += message.data.decode() if isinstance(message.data, bytes) else f"TEXT {message.data}\n"
    return text


async def begun(asked: Asked, query: str = "") -> tuple[aiohttp.ClientWebSocketResponse, int]:
    """A browser that looks, and the process that it looks at."""
    socket = await asked.socket(query)
    found = re.search(r"pid (\d+)", await heard(socket, "size"))
    assert found
    return socket, os.pidfd_open(int(found[1]))


async def is_gone(process: int) -> bool:
    """Waits for it."""
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process, gone.set)
    try:
        async with asyncio.timeout(_SECONDS):
            return await gone.wait()
    finally:
        loop.remove_reader(process)
        os.close(process)


async def ended(socket: aiohttp.ClientWebSocketResponse) -> bool:
    while not socket.closed:
        await socket.receive(_SECONDS)
    return True


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("?width=100&height=50", "100x50"),
        ("", "80x24"),
        ("?width=99999999&height=99999", "80x1000"),
        ("?width=-1&height=0", "80x1"),
        (f"?width={'9' * 5000}&height=x", "80x24"),
        ("?width=%C2%B2&height=%D9%A3", "80x24"),
    ],
    ids=range(6),
)
async def test_a_size_is_one(serve: Serve, query: str, size: str) -> None:
    async with serve() as (asked, _), await asked.socket(query) as socket:
        assert f"size {size}\n" in await heard(socket, r"size .*\n")


async def test_keys_and_sizes_arrive_and_nothing_else(serve: Serve) -> None:
    said: list[object] = [
        ["stdin", "kä\x1b[A"],
        ["stdin", "\ud800"],
        ["resize", {"width": 10**9, "height": -5}],
        ["resize", {"width": "1", "height": 2}],
        ["resize", {"width": 1.5, "height": 2}],
        ["resize"],
        ["resize", None],
        ["stdin"],
        ["stdin", 7],
        ["stdin", ["x"]],
        ["quit"],
        ["deliver_chunk_request", {"key": "k"}],
        {"type": "quit"},
        [],
        None,
        17,
        ["focus"],
        ["blur"],
    ]
    async with serve() as (asked, _), await asked.socket() as socket:
        for text in ("{", "", "[" * 60_000, *map(json.dumps, said)):
            await socket.send_str(text)
        await socket.send_bytes(b'["stdin", "bytes"]')
        await socket.send_json(["ping", "5"])
        await socket.send_json(["stdin", "last"])
        lines = (await heard(socket, r"(?s)last.*TEXT|TEXT.*last")).splitlines()
        assert sorted(line for line in lines if not line.startswith("pid")) == sorted(
            [
                "D kä\x1b[A",
                "D ?",
                'M {"type": "resize", "width": 1000, "height": 1}',
                'M {"type": "focus"}',
                'M {"type": "blur"}',
                'TEXT ["pong", "5"]',
                "D last",
            ]
        )


async def test_no_file_and_no_address_comes_to_the_browser(serve: Serve) -> None:
    async with serve("naughty") as (asked, _), await asked.socket() as socket:
        await socket.send_json(["stdin", "last"])
        assert "TEXT" not in await heard(socket, "D last")


async def test_a_message_without_end_is_not_taken(serve: Serve) -> None:
    async with serve() as (asked, _):
        socket, process = await begun(asked)
        await socket.send_json(["stdin", "x" * 200_000])
        assert await ended(socket)
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        assert await is_gone(process)


async def test_the_process_goes_with_its_browser(serve: Serve) -> None:
    async with serve() as (asked, _):
        socket, process = await begun(asked)
        await socket.close()
        assert await is_gone(process)


async def test_a_process_that_stays_is_killed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "LEAVE_SECONDS", 0.2)
    async with serve("stays") as (asked, _):
        socket, process = await begun(asked)
        await socket.close()
        assert await is_gone(process)


async def test_the_browser_is_told_when_its_process_ends(serve: Serve) -> None:
    async with serve() as (asked, _), await asked.socket() as socket:
        await socket.send_json(["stdin", "crash"])
        assert await ended(socket)


async def test_the_browser_is_told_when_nothing_can_be_shown(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve("fails") as (asked, _):
        assert await ended(await asked.socket())
    assert "it cannot start" in capsys.readouterr().out


async def test_only_so_many_look_at_once(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_VIEWERS", 2)
    async with serve() as (asked, _), await asked.socket(), asyncio.timeout(_SECONDS):
        async with await asked.socket():
            assert await free_place(asked) is False
        while not await free_place(asked):  # when the process of the second is gone
            pass


async def free_place(asked: Asked) -> bool:
    try:
        await (await asked.socket()).close()
    except aiohttp.WSServerHandshakeError as refused:
        return refused.status != 503
    return True


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("how", ["goes", "stays"])
async def test_the_server_ends_after_all_its_processes(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, how: str, left: bool
) -> None:
    """`left`: the browsers went a moment before."""
    monkeypatch.setattr(viewer, "LEAVE_SECONDS", 5.0 if how == "goes" else 0.5)
    async with serve(how) as (asked, _):
        looking = [await begun(asked) for _ in range(3)]
        for socket, _ in looking if left else ():
            await socket.close()
    processes = [process for _, process in looking]
    gone, _, _ = select.select(processes, [], [], 0)  # now: there is nobody left to end them
    assert gone == processes
    for process in processes:
        os.close(process)
