"""A practice node's SSH server, through paramiko's own client."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from loomtui.drill.sshd import SshServer, _Login, _Running, new_key
from tests.drill.looking import until


class Login:
    def __init__(self, server: SshServer, port: int, key: paramiko.PKey) -> None:
        self.server = server
        self.port = port
        self.key = key

    def connect(self, key: paramiko.PKey | None = None) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        client.get_host_keys().add(f"[127.0.0.1]:{self.port}", "ssh-ed25519", self.server.host_key)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(
            "127.0.0.1",
            self.port,
            username="anybody",
            pkey=key or self.key,
            allow_agent=False,
            look_for_keys=False,
            timeout=10,
        )
        return client


@pytest.fixture
def login(tmp_path: Path) -> Iterator[Login]:
    key = new_key()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = SshServer("127.0.0.1", port, key, {"HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    server.start()
    yield Login(server, port, key)
    server.stop()
    server.kill_processes()


@pytest.fixture
def client(login: Login) -> Iterator[paramiko.SSHClient]:
    with login.connect() as made:
        yield made


def run(client: paramiko.SSHClient, command: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    into, out, err = client.exec_command(command, timeout=20)
    into.write(stdin)
    into.channel.shutdown_write()
    said = out.read(), err.read()
    return out.channel.recv_exit_status(), *said


def test_a_command_has_its_streams_and_its_status(client: paramiko.SSHClient, tmp_path: Path) -> None:
    assert run(client, "cat; echo bad >&2; pwd; exit 7", b"in\n") == (
        7,
        f"in\n{tmp_path}\n".encode(),
        b"bad\n",
    )


def test_much_data_both_ways(client: paramiko.SSHClient) -> None:
    data = os.urandom(1_000_000) * 8
    into, out, _ = client.exec_command("cat", timeout=30)

    def feed() -> None:
        into.write(data)
        into.channel.shutdown_write()

    feeder = threading.Thread(target=feed)
    feeder.start()
    assert out.read() == data
    feeder.join()


def test_another_key_is_refused(login: Login) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        login.connect(new_key())


def test_a_dropped_connection_does_not_end_the_command(login: Login, tmp_path: Path) -> None:
    with login.connect() as client:
        _, out, _ = client.exec_command("echo here; sleep 0.5; touch done")
        assert out.readline() == "here\n"
        login.server.drop_connections()
        transport = client.get_transport()
        assert transport
        until(lambda: not transport.is_active())
    until(lambda: (tmp_path / "done").exists())


def test_a_stopped_server_refuses_and_comes_back(login: Login) -> None:
    login.server.stop()
    with pytest.raises(OSError):
        login.connect()
    login.server.start()
    login.connect().close()


@pytest.mark.slow
def test_a_request_is_answered_before_its_command_can_end(
    client: paramiko.SSHClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    accept, reap = _Login.check_channel_exec_request, SshServer._reap

    def accept_slowly(login: _Login, channel: paramiko.Channel, command: bytes) -> bool:
        accepted = accept(login, channel, command)
        ended.wait(2)
        return accepted

    def reap_and_tell(server: SshServer, channel: paramiko.Channel, process: _Running) -> None:
        reap(server, channel, process)
        ended.set()

    monkeypatch.setattr(_Login, "check_channel_exec_request", accept_slowly)
    monkeypatch.setattr(SshServer, "_reap", reap_and_tell)
    assert run(client, "echo here") == (0, b"here\n", b"")


def test_a_frozen_server_says_nothing_until_it_thaws(login: Login, client: paramiko.SSHClient) -> None:
    login.server.freeze()
    done = threading.Event()

    def ask() -> None:
        run(client, "true")
        done.set()

    prompter = threading.Thread(target=ask)
    prompter.start()
    assert not done.wait(0.5)
    login.server.thaw()
    assert done.wait(20)
    prompter.join()


def test_forwarding_to_the_nodes_own_ports_only(client: paramiko.SSHClient) -> None:
    transport = client.get_transport()
    assert transport
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = listener.getsockname()
        channel = transport.open_channel("direct-tcpip", place, ("127.0.0.1", 0), timeout=10)
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"hello")
            assert channel.recv(100) == b"hello"
            channel.sendall(b"back")
            assert connection.recv(100) == b"back"
        channel.close()
    with pytest.raises(paramiko.ChannelException):
        transport.open_channel("direct-tcpip", place, ("127.0.0.1", 0), timeout=10)
    with pytest.raises(paramiko.ChannelException):
        transport.open_channel("direct-tcpip", ("192.0.2.1", 80), ("127.0.0.1", 0), timeout=10)


def test_a_terminal(client: paramiko.SSHClient) -> None:
    _, out, _ = client.exec_command("tty; stty size", get_pty=True, timeout=10)
    assert out.read().splitlines()[0].startswith(b"/dev/")
