"""`loomtui serve`: what is refused before it serves, and what a browser sees and cannot do."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from loomtui.drill.practice import Practice, practice
from tests.cli.conftest import ROOT, Cluster, Run
from tests.cli.terminal import Terminal
from tests.web.serving import Served, is_gone, serving

pytestmark = pytest.mark.slow

SAMPLE = str(ROOT / "sample_inventory.yml")
_SECONDS = 60


@pytest.fixture
def served(healthy: Practice, home: Path, tmp_path: Path) -> Iterator[Served]:
    env = {**healthy.environment, "HOME": str(home), "LOOMTUI_INVENTORY": str(healthy.inventory_path)}
    (tmp_path / "cwd").mkdir(exist_ok=True)
    with serving(env=env, cwd=tmp_path / "cwd") as found:
        yield found


class Viewer:
    """A browser, without the terminal in it: what came so far, and keys to send."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._came = b""

    async def sees(self, *texts: str) -> None:
        """Waits until all of it has come, after what was waited for before."""
        async with asyncio.timeout(_SECONDS):
            while not all(text.encode() in self._came for text in texts):
                message = await self._socket.receive()
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                self._came += message.data if isinstance(message.data, bytes) else b""
        self._came = b""

    async def press(self, keys: str) -> None:
        await self._socket.send_json(["stdin", keys])

    async def is_over(self) -> bool:
        async with asyncio.timeout(_SECONDS):
            while not self._socket.closed:
                await self._socket.receive()
        return True


@asynccontextmanager
async def looking(served: Served) -> AsyncIterator[Viewer]:
    jar = aiohttp.CookieJar(unsafe=True)  # of addresses without a name, too
    async with aiohttp.ClientSession(cookie_jar=jar) as client:
        async with client.get(served.url) as page:
            assert page.status == 200
        async with client.ws_connect(f"{served.base}/ws?width=120&height=40", origin=served.base) as socket:
            yield Viewer(socket)


async def test_the_health_of_every_node_is_seen(served: Served, healthy: Practice) -> None:
    async with looking(served) as viewer:
        await viewer.sees("Cluster health", "read-only", "running", *healthy.names)


async def test_a_browser_changes_nothing_and_leaves_no_file(
    served: Served, healthy: Practice, home: Path, tmp_path: Path
) -> None:
    """It asks for a restore, suspends, saves, takes other colours."""
    async with looking(served) as viewer:
        await viewer.sees("running", *healthy.names)
        await viewer.press("r\x1a")
        await viewer.press("o")
        await viewer.sees("Logs")
        await viewer.press("S")
        await viewer.press("T")
        await viewer.sees("high-contrast")
        await asyncio.sleep(0.6)  # a question takes no key in its first moment
        await viewer.press("\x1b[B\r")
        await viewer.sees("Follow")  # it is answered
        await viewer.press("?")
        await viewer.sees("In a browser")
    assert files_in(tmp_path / "cwd") == set()
    assert {path for path in files_in(home) if not path.startswith(".cache/")} == set()


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


async def test_the_token_is_in_no_process_list_and_in_no_log(served: Served, healthy: Practice) -> None:
    async with looking(served) as viewer:
        await viewer.sees(*healthy.names)
        (process,) = served.viewers
        seen = served.told_of(process)
        assert b"served" in seen
        assert served.token.encode() not in seen + served.told_of(served.process.pid)
    async with aiohttp.ClientSession() as client, client.get(f"{served.url}x") as refused:
        assert refused.status == 403
    assert served.token not in served.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_no_process_is_left(served: Served, healthy: Practice, number: signal.Signals) -> None:
    async with looking(served) as one, looking(served) as other:
        for viewer in (one, other):
            await viewer.sees(*healthy.names)
        processes = [os.pidfd_open(process) for process in served.viewers]
        assert len(processes) == 2
        status = await asyncio.to_thread(served.end, number)
        assert await one.is_over()
        assert await other.is_over()
        assert all([await asyncio.to_thread(is_gone, process) for process in processes])
    assert status == (130 if number != signal.SIGKILL else -signal.SIGKILL)
    assert ("Interrupted." in served.said) is (number != signal.SIGKILL)


async def test_leaving_the_screens_ends_the_view_alone(served: Served, healthy: Practice) -> None:
    async with looking(served) as one:
        await one.sees(*healthy.names)
        await one.press("q")
        assert await one.is_over()
    async with looking(served) as other:
        await other.sees(*healthy.names)


async def test_a_host_key_that_changes_later_is_not_asked_about(home: Path, tmp_path: Path) -> None:
    with practice("healthy", 1, block_seconds=0.5) as cluster:
        env = {**cluster.environment, "HOME": str(home), "LOOMTUI_INVENTORY": str(cluster.inventory_path)}
        with serving(env=env, cwd=tmp_path) as served:
            known = cluster.root / "known_hosts"
            before = known.read_text()
            known.write_text("")
            async with looking(served) as viewer:
                await viewer.sees("refused", *cluster.names)
            assert known.read_text() == ""
            known.write_text(before)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_that_others_reach_is_refused(loomtui: Run, host: str) -> None:
    done = loomtui("serve", "-i", SAMPLE, "--host", host)
    assert (done.status, done.out) == (3, "")
    assert "can be reached from other machines" in done.err
    assert "Nothing was served." in done.err
    assert "--anywhere" in done.err


def test_it_is_served_anywhere_when_that_is_asked_for(healthy: Practice, home: Path, tmp_path: Path) -> None:
    env = {**healthy.environment, "HOME": str(home), "LOOMTUI_INVENTORY": str(healthy.inventory_path)}
    with serving("--host", "0.0.0.0", "--anywhere", env=env, cwd=tmp_path) as served:
        assert served.base.startswith(f"http://{socket.gethostname()}:")
        assert "Nothing is encrypted" in served.said


def test_what_is_wrong_is_said_before_it_serves(loomtui: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("clutser: c\n", encoding="utf-8")
    for args, said in (
        (("serve", "-i", str(bad)), f"{bad}:1: clutser"),
        (("serve", "-i", "missing.yml"), "missing.yml"),
        (("serve", "-i", SAMPLE, "--host", "no such host"), "there is no address 'no such host'"),
        (("serve", "-i", SAMPLE, "--port", "65536"), "65536"),
        (("--theme", "purple", "serve", "-i", SAMPLE), "no theme 'purple'"),
    ):
        done = loomtui(*args)
        assert (done.status, done.out) == (2, ""), args
        assert said in done.err


def test_a_port_that_is_in_use(cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = cluster("serve", "--port", port)
    assert (done.status, done.out) == (2, "")
    assert f"port {port} of 127.0.0.1 is in use" in done.err
    assert "--port 0" in done.err


def test_an_address_that_is_not_this_machines(cluster: Cluster) -> None:
    done = cluster("serve", "--host", "192.0.2.1", "--anywhere")
    assert (done.status, done.out) == (2, "")
    assert "port 8023 of 192.0.2.1 cannot be listened at: Cannot assign" in done.err


def test_unknown_host_keys_are_refused_where_nobody_can_answer(cluster: Cluster, tmp_path: Path) -> None:
    known = f"known_hosts: {cluster.practice.root / 'known_hosts'}"
    strange = cluster.inventory_with(tmp_path, known, f"known_hosts: {tmp_path / 'nobody'}")
    done = cluster("serve", "-i", strange, "--port", "0")
    assert (done.status, done.out) == (3, "")
    assert all(name in done.err for name in cluster.practice.names)
    assert not (tmp_path / "nobody").exists()


def test_a_node_that_is_away_is_told_and_the_others_are_served(home: Path, tmp_path: Path) -> None:
    with practice("healthy", 1, block_seconds=0.5) as cluster:
        cluster.stop_ssh("val-1")
        env = {**cluster.environment, "HOME": str(home), "LOOMTUI_INVENTORY": str(cluster.inventory_path)}
        with serving(env=env, cwd=tmp_path) as served:
            assert "val-1: " in served.said
            assert "backup-1: " not in served.said


def test_what_is_run_for_a_browser_is_for_none_else(healthy: Practice, home: Path, tmp_path: Path) -> None:
    env = {**healthy.environment, "HOME": str(home)}
    with Terminal("served", "-i", str(healthy.inventory_path), env=env, cwd=tmp_path) as terminal:
        terminal.expect("Call loomtui serve")
        assert terminal.end() == 2
