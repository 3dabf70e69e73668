"""Reaching a node: logging in, the causes of failure in words, ways through other hosts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.ssh.client import Transport
from loomtui.fleet.ssh.negotiation import Client
from tests.fleet.agent import FakeAgent
from tests.fleet.place import Person, Place, write_key
from tests.fleet.sshd import Sshd

RIGHTS = InspectScript("rights")


async def failure(place: Place, port: int, **ssh: object) -> LoomtuiError:
    async with Fleet(place.inventory(port, **ssh), place.person) as fleet:
        outcome = (await fleet.connect())["n1"]
    assert outcome is not None
    assert outcome.node == "n1"
    return outcome


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)],
    ids=["ecdsa", "rsa"],
)
async def test_kinds_of_keys(place: Place, sshd: Sshd, key: serialization.SSHPrivateKeyTypes) -> None:
    place.behaviour.keys = frozenset({write_key(place.root / "id", key=key).asbytes()})
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert place.behaviour.logins == ["operator"]


async def test_an_old_pem_key(place: Place, sshd: Sshd) -> None:
    key = rsa.generate_private_key(65537, 2048)
    place.behaviour.keys = frozenset({write_key(place.root / "id", key=key).asbytes()})
    encryption = serialization.BestAvailableEncryption(b"secret")
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, encryption
    )
    (place.root / "id").write_bytes(pem)
    place.person.answers = ["secret"]
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}


async def test_a_passphrase_is_asked_for_once_for_all_nodes(place: Place) -> None:
    place.behaviour.keys = frozenset({write_key(place.root / "id", "open sesame").asbytes()})
    place.person.answers = ["wrong", "open sesame"]
    with (
        Sshd(place.behaviour, place.host_key, place.bin) as one,
        Sshd(place.behaviour, place.host_key, place.bin) as two,
    ):
        place.knows(one.port, two.port)
        async with Fleet(place.inventory(one.port, two.port), place.person) as fleet:
            assert await fleet.connect() == {"n1": None, "n2": None}
    assert [question[1] for question in place.person.asked] == [
        f"Passphrase of the SSH key {place.root}/id",
        f"That was not right (try 2 of 3). Passphrase of the SSH key {place.root}/id",
    ]


async def test_nobody_knows_the_passphrase(place: Place, sshd: Sshd) -> None:
    write_key(place.root / "id", "open sesame")
    error = await failure(place, sshd.port)
    assert isinstance(error, NodeUnreachable)
    assert "id (encrypted, and nobody gave its passphrase)" in str(error)


async def test_a_refused_key_says_what_was_tried(place: Place, sshd: Sshd) -> None:
    place.behaviour.keys = frozenset()
    error = await failure(place, sshd.port)
    assert isinstance(error, NodeUnreachable)
    assert error.what == (f"operator@127.0.0.1:{sshd.port} did not let us in. Tried: key {place.root}/id.")
    assert "ssh-add -l" in error.advice


async def test_a_refused_login_is_not_repeated_at_every_look(place: Place, sshd: Sshd) -> None:
    place.behaviour.keys = frozenset()
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        for _ in range(3):
            with pytest.raises(NodeUnreachable, match="did not let us in"):
                await fleet.session("n1").inspect(RIGHTS)
        assert len(sshd.transports) == 1
        place.behaviour.keys = frozenset({place.key.asbytes()})
        assert await fleet.connect() == {"n1": None}


async def test_a_missing_key_file(place: Place, sshd: Sshd) -> None:
    error = await failure(place, sshd.port, key_file=place.root / "absent")
    assert "absent (no such file)" in error.what


async def test_a_broken_key_file(place: Place, sshd: Sshd) -> None:
    (place.root / "id").write_text("not a key")
    assert f"key {place.root}/id (" in (await failure(place, sshd.port)).what


async def test_a_server_that_takes_no_keys(place: Place, sshd: Sshd) -> None:
    place.behaviour.auth = "password"
    assert "takes no keys from this user, only: password" in (await failure(place, sshd.port)).what


async def test_keys_of_the_agent(place: Place, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    other, mine = write_key(place.root / "other"), write_key(place.root / "mine")
    place.behaviour.keys = frozenset({mine.asbytes()})
    with FakeAgent(place.root / "agent", other, mine) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
        settings = {"agent": True, "key_file": place.root / "absent"}
        async with Fleet(place.inventory(sshd.port, **settings), place.person) as fleet:
            assert await fleet.connect() == {"n1": None}
        assert agent.signed == 2
        place.behaviour.keys = frozenset()
        error = await failure(place, sshd.port, **settings)
        assert "absent (no such file); agent key key 0; agent key key 1." in error.what
        error = await failure(place, sshd.port)
        assert agent.signed == 4
        assert "agent key" not in error.what


async def test_an_encrypted_key_that_the_agent_holds_is_not_asked_about(
    place: Place, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = write_key(place.root / "id", "open sesame")
    (place.root / "id.pub").write_text(f"{key.get_name()} {key.get_base64()} me\n")
    place.behaviour.keys = frozenset({key.asbytes()})
    decoys = [write_key(place.root / f"decoy{number}") for number in range(4)]
    with FakeAgent(place.root / "agent", *decoys, key) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
        async with Fleet(place.inventory(sshd.port, agent=True), place.person) as fleet:
            assert await fleet.connect() == {"n1": None}
        assert agent.signed == 1
    assert place.person.asked == []


@pytest.mark.parametrize("setting", ["{}", "$OTHER_AGENT", "SSH_AUTH_SOCK"])
async def test_the_agent_that_the_configuration_names(
    place: Place, sshd: Sshd, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    mine = write_key(place.root / "mine")
    place.behaviour.keys = frozenset({mine.asbytes()})
    with FakeAgent(place.root / "agent", mine) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path) if setting == "SSH_AUTH_SOCK" else "/nowhere")
        monkeypatch.setenv("OTHER_AGENT", str(agent.path))
        config = configure(place, f"Host *\n IdentityAgent {setting.format(agent.path)}\n")
        settings = {"agent": True, "key_file": place.root / "absent", **config}
        async with Fleet(place.inventory(sshd.port, **settings), place.person) as fleet:
            assert await fleet.connect() == {"n1": None}
        error = await failure(place, sshd.port, **{**settings, **configure(place, "IdentityAgent none\n")})
        assert "absent (no such file)." in error.what


@pytest.mark.slow
async def test_an_agent_that_does_not_answer(
    place: Place, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(place.root / "agent"))
        silent.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place.root / "agent"))
        settings = {"agent": True, "connect_timeout": 1}
        async with Fleet(place.inventory(sshd.port, **settings), place.person) as fleet:
            assert await fleet.connect() == {"n1": None}  # by its file
        place.behaviour.keys = frozenset()
        error = await failure(place, sshd.port, **settings)
    assert "the SSH agent, which did not answer (it is slow)" in error.what


# ── causes in words ─────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def listener(answer: bytes | None) -> Iterator[int]:
    """A TCP server that sends `answer` to everybody and hangs up, or for ever says nothing (None)."""
    held: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                held.append(client)
                if answer is not None:
                    client.sendall(answer)
                    client.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    for client in held:
        client.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "not an SSH server, or is too busy"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not an SSH server, or is too busy"),
        (b"", "not an SSH server, or is too busy"),
        (b"SSH-2.0-x\r\n", "closed"),
    ],
)
async def test_what_answers_is_no_ssh_server(place: Place, answer: bytes | None, said: str) -> None:
    with listener(answer) as port:
        error = await failure(place, port, connect_timeout=0.6)
    assert error.exit_status == 4
    assert said in error.what


async def test_a_port_where_nothing_listens(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "the connection was refused" in (await failure(place, port)).what


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (socket.gaierror(-2, "Name or service not known"), "the name does not resolve"),
        (TimeoutError(), "no answer in time"),
        (OSError(113, "No route to host"), "there is no route to that host"),
        (OSError(101, "Network is unreachable"), "there is no route to that host"),
        (PermissionError(1, "Operation not permitted"), "Operation not permitted"),
    ],
)
async def test_causes_that_only_a_network_has(
    place: Place, monkeypatch: pytest.MonkeyPatch, cause: OSError, said: str
) -> None:
    def fail(*_: object) -> socket.socket:
        raise cause

    monkeypatch.setattr(socket, "create_connection", fail)
    assert said in (await failure(place, 22)).what


# ── other ways ──────────────────────────────────────────────────────────────────────────────────────────


def configure(place: Place, text: str) -> dict[str, object]:
    (place.root / "config").write_text(text)
    return {"config_file": place.root / "config"}


async def test_through_a_jump_host_that_all_nodes_share(place: Place, sshd: Sshd) -> None:
    with (
        Sshd(place.behaviour, place.host_key, place.bin) as jump,
        Sshd(place.behaviour, place.host_key, place.bin) as other,
    ):
        place.knows(sshd.port, jump.port, other.port)
        config = configure(
            place,
            f"Host bastion\n HostName 127.0.0.1\n Port {jump.port}\n User jumper\n"
            f" IdentityFile {place.root}/id\nHost 127.0.0.1\n ProxyJump bastion\n",
        )
        async with Fleet(place.inventory(sshd.port, other.port, **config), place.person) as fleet:
            assert await fleet.connect() == {"n1": None, "n2": None}
            await fleet.session("n1").inspect(RIGHTS)
        assert len(jump.transports) == 1
        assert sorted(place.behaviour.logins) == ["jumper", "operator", "operator"]


async def test_a_jump_host_that_cannot_get_there(place: Place, sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    config = configure(
        place,
        f"Host 127.0.0.1\n ProxyJump operator@localhost:{sshd.port}\n"
        f"Host localhost\n HostKeyAlias [127.0.0.1]:{sshd.port}\n IdentityFile {place.root}/id\n",
    )
    assert "the jump host could not get there" in (await failure(place, port, **config)).what


RELAY = """
import os, select, socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while True:
    for ready in select.select([0, s], [], [])[0]:
        data = os.read(0, 65536) if ready == 0 else s.recv(65536)
        if not data:
            sys.exit()
        os.write(1, data) if ready is s else s.sendall(data)
"""


async def test_through_a_proxy_command(place: Place, sshd: Sshd) -> None:
    relay = place.root / "relay.py"
    relay.write_text(RELAY)
    config = configure(place, f"Host *\n ProxyCommand python3 {relay} %h %p\n")
    async with Fleet(place.inventory(sshd.port, **config), place.person) as fleet:
        await fleet.session("n1").inspect(RIGHTS)


async def test_a_proxy_command_that_fails(place: Place, sshd: Sshd) -> None:
    error = await failure(place, sshd.port, **configure(place, "Host *\n ProxyCommand false\n"))
    assert isinstance(error, NodeUnreachable)


async def test_dead_nodes_do_not_hold_up_the_others(place: Place, sshd: Sshd, tmp_path: Path) -> None:
    with listener(None) as silent:
        async with Fleet(place.inventory(silent, sshd.port, silent, connect_timeout=0.5), Person()) as fleet:
            outcomes = await fleet.connect()
    assert [outcome is None for outcome in outcomes.values()] == [False, True, False]


# ── idle connections ────────────────────────────────────────────────────────────────────────────────────────


async def test_an_idle_connection_sleeps_and_is_closed_at_once_all_the_same(place: Place, sshd: Sshd) -> None:
    """paramiko's thread wakes ten times a second otherwise, which costs with hundreds of nodes."""
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        await fleet.connect()
        transport = await fleet.session("n1")._lanes.transport()
        assert (transport.sock.gettimeout() or 0) >= 5
        begun = time.monotonic()
    await asyncio.to_thread(transport.join, 10)
    assert not transport.is_alive()
    assert time.monotonic() - begun < 3


def test_a_connection_ends_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of paramiko's that raises would print a traceback over the screens."""

    def run(transport: Transport) -> None:
        raise EOFError

    monkeypatch.setattr(Transport, "run", run)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Client(ours).run()
