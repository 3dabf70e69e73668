from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path

import pytest

from loomtui.fleet import scripts, session
from loomtui.fleet.fleet import Fleet, WritableFleet
from loomtui.fleet.scripts import ChangeScript, InspectScript
from tests import ability
from tests.fleet.machine import RECORDED, Machine, install
from tests.fleet.place import Place, write_key
from tests.fleet.sshd import Sshd


@pytest.fixture
def place(tmp_path: Path) -> Place:
    key, host_key = write_key(tmp_path / "id"), write_key(tmp_path / "host")
    place = Place(tmp_path, key, host_key)
    place.behaviour.keys = frozenset({key.asbytes()})
    for folder in (place.bin, place.working_directory, tmp_path / "units"):
        folder.mkdir()
    place.command("sudo", 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"')
    return place


@pytest.fixture
def sshd(place: Place) -> Iterator[Sshd]:
    with Sshd(place.behaviour, place.host_key, place.bin) as server:
        place.knows(server.port)
        yield server


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Bodies by name: any script may be run in the place of those that are installed."""
    bodies: dict[str, str] = {}
    installed = scripts.script_text
    library = (resources.files("loomtui.fleet") / "remote" / "lib.sh").read_text("utf-8")

    def text(script: InspectScript | ChangeScript) -> str:
        if script.name not in bodies:
            return installed(script)
        return f"{library}\n{bodies[script.name]}\n{scripts.LAST_LINE}\n"

    monkeypatch.setattr(session, "script_text", text)
    return bodies


@pytest.fixture
async def fleet(place: Place, sshd: Sshd) -> AsyncIterator[Fleet]:
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        yield fleet


@pytest.fixture
async def writable(place: Place, sshd: Sshd) -> AsyncIterator[WritableFleet]:
    async with WritableFleet(place.inventory(sshd.port), place.person) as fleet:
        yield fleet


@pytest.fixture
def silent() -> Iterator[tuple[int, threading.Event]]:
    """The port of a TCP server that takes every connection and never speaks; and whether it took one."""
    held: list[socket.socket] = []
    connected = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                held.append(server.accept()[0])
                connected.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], connected
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    for client in held:
        client.close()


@pytest.fixture
def machine(place: Place) -> Machine:
    """The files and stand-ins of a node that runs well."""
    return install(place)


class _Rpc(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = RECORDED / f"{self.path[1:]}.json"
        self.send_response(200 if path.exists() else 404)
        self.end_headers()
        self.wfile.write(path.read_bytes() if path.exists() else b"404 page not found")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def rpc_port() -> Iterator[int]:
    """A Tendermint RPC that gives the recorded answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Rpc) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(params=["program", "our reading"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The test is done with the `ssh` program, and without one."""
    if request.param == "program":
        ability.program("ssh", "openssh-client")
    else:
        (tmp_path / "empty").mkdir()
        monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return str(request.param)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is no `ssh` program."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def ssh_client() -> None:
    """The test calls `ssh` or `ssh-keygen`."""
    ability.program("ssh", "openssh-client")
    ability.program("ssh-keygen", "openssh-client")
