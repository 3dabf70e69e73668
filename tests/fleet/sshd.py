"""A small SSH server that runs commands by a real `sh`, with stand-ins first on PATH. It can misbehave."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from paramiko import Channel, PKey, Transport, common
from paramiko.server import InteractiveQuery

from loomtui.drill.sshd import AnsweringServer, AnsweringTransport

_CHUNK = 65536


@dataclass
class Questions:
    """What is asked at a login by keyboard-interactive, and which answers let in: each of them once."""

    rounds: tuple[InteractiveQuery, ...]
    right: list[tuple[str, ...]]  # all answers of one login, in the order of the questions
    hangs_up: bool = False  # as sshd does at MaxAuthTries
    begun: int = 0  # conversations

    def take(self, answers: list[str]) -> bool:
        if tuple(answers) not in self.right:
            return False
        self.right.remove(tuple(answers))
        return True


@dataclass
class Behaviour:
    """What the server does besides its duty."""

    keys: frozenset[bytes] = frozenset()  # public keys that may log in
    auth: str = "publickey"
    second: str = ""  # the method that is wanted after the key
    password: str = ""
    questions: Questions | None = None
    noise_stdout: bytes = b""  # what a login shell prints before the command
    noise_stderr: bytes = b""
    hang_exec: bool = False  # takes the request and never answers
    max_sessions: int = 10  # commands at a time over one connection
    drop_next_exec: int = 0  # so many commands end in a broken connection
    commands: list[str] = field(default_factory=list)  # all that were run
    inputs: list[bytearray] = field(default_factory=list)  # what each read
    logins: list[str] = field(default_factory=list)  # who logged in
    passwords: list[str] = field(default_factory=list)  # all that were tried


class _Server(AnsweringServer):
    def __init__(self, sshd: Sshd, transport: Transport) -> None:
        super().__init__()
        self._sshd = sshd
        self._transport = transport
        self._forwards: dict[int, socket.socket] = {}
        self._sessions = 0
        self._partial = False
        self._name = ""
        self._answers: list[str] = []
        self._rounds: list[InteractiveQuery] = []

    def get_allowed_auths(self, username: str) -> str:
        return self._sshd.behaviour.second if self._partial else self._sshd.behaviour.auth

    def check_auth_password(self, username: str, password: str) -> int:
        self._sshd.behaviour.passwords.append(password)
        if password != self._sshd.behaviour.password:
            return common.AUTH_FAILED
        self._sshd.behaviour.logins.append(username)
        return common.AUTH_SUCCESSFUL

    def check_auth_interactive(self, username: str, submethods: str) -> InteractiveQuery | int:
        self._name, self._answers = username, list[str]()
        questions = self._sshd.behaviour.questions
        if questions is None:
            return InteractiveQuery("", "", ("Password: ", False))
        questions.begun += 1
        if not questions.rounds:
            return common.AUTH_FAILED
        self._rounds = list(questions.rounds)
        return self._rounds.pop(0)

    def check_auth_interactive_response(self, responses: list[str]) -> int | InteractiveQuery:
        questions = self._sshd.behaviour.questions
        if questions is None:
            return self.check_auth_password(self._name, responses[0])
        self._answers += responses
        if self._rounds:
            return self._rounds.pop(0)
        if questions.take(self._answers):
            self._sshd.behaviour.logins.append(self._name)
            return common.AUTH_SUCCESSFUL
        if questions.hangs_up:
            self._transport.close()
        return common.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: PKey) -> int:
        if self._sshd.behaviour.auth == "publickey" and key.asbytes() in self._sshd.behaviour.keys:
            self._partial = bool(self._sshd.behaviour.second)
            if self._partial:
                return common.AUTH_PARTIALLY_SUCCESSFUL
            self._sshd.behaviour.logins.append(username)
            return common.AUTH_SUCCESSFUL
        return common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if kind != "session":
            return common.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE
        if self._sessions >= self._sshd.behaviour.max_sessions:
            return common.OPEN_FAILED_CONNECT_FAILED
        self._sessions += 1
        return common.OPEN_SUCCEEDED

    def session_ended(self) -> None:
        """OpenSSH counts a session until its command has ended, also where nobody listens any more."""
        self._sessions -= 1

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        try:
            target = socket.create_connection(destination, 5)
        except OSError:
            return common.OPEN_FAILED_CONNECT_FAILED
        self._forwards[chanid] = target
        return common.OPEN_SUCCEEDED

    def accept_channels(self) -> None:
        """Connects what was asked to be forwarded, for as long as the connection lasts."""
        held = []  # paramiko itself holds channels weakly, and closes one that nobody has
        while self._transport.is_active():
            channel = self._transport.accept(1)
            held.append(channel)
            target = self._forwards.pop(channel.get_id(), None) if channel is not None else None
            if channel is not None and target is not None:
                threading.Thread(target=_forward, args=(channel, target), daemon=True).start()
        for target in self._forwards.values():
            target.close()

    def check_channel_exec_request(self, channel: Channel, command: bytes) -> bool:
        behaviour = self._sshd.behaviour
        behaviour.commands.append(command.decode())
        if behaviour.drop_next_exec:
            behaviour.drop_next_exec -= 1
            threading.Thread(target=self._transport.close, daemon=True).start()
            return True
        if behaviour.hang_exec:
            self._sshd.hung.set()
            self._sshd.closing.wait()
            return False
        start = partial(self._sshd.start_command, channel, command.decode(), self.session_ended)
        self.begins[channel.get_id()] = start
        return True


class Sshd:
    """Context manager; listens on a loopback port of its own."""

    def __init__(
        self,
        behaviour: Behaviour,
        host_key: PKey,
        path: Path | str | None = None,
        more_host_keys: tuple[PKey, ...] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.behaviour = behaviour
        self.host_keys = (host_key, *more_host_keys)
        self.hung = threading.Event()
        self._env = {**os.environ, **(env or {})}
        if path:
            self._env["PATH"] = f"{path}:/usr/bin:/bin"
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.transports: list[Transport] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        self.closing = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for thread in self._threads:
            thread.join(10)

    def stop(self) -> None:
        """No longer listens, and drops every connection."""
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        for transport in self.transports:
            transport.close()
        self.transports.clear()

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        transport = AnsweringTransport(client)
        for key in self.host_keys:
            transport.add_server_key(key)
        self.transports.append(transport)
        if self.closing.is_set():  # it came in the very moment in which nobody listens any more
            transport.close()
            client.close()
            return
        server = _Server(self, transport)
        with contextlib.suppress(Exception):
            transport.start_server(server=server)
        server.accept_channels()

    def start_command(self, channel: Channel, command: str, ended: Callable[[], None]) -> None:
        self._thread(self._execute, channel, command, ended)

    def _thread(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()
        self._threads.append(thread)  # only what was started can be waited for

    def _execute(self, channel: Channel, command: str, ended: Callable[[], None]) -> None:
        seen = bytearray()
        self.behaviour.inputs.append(seen)
        process = subprocess.Popen(
            ["sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._env,
            start_new_session=True,
        )
        self._processes.append(process)
        self._thread(_pump_in, channel, process, seen)
        with contextlib.suppress(OSError):
            channel.sendall(self.behaviour.noise_stdout)
            channel.sendall_stderr(self.behaviour.noise_stderr)
        err = threading.Thread(target=_pump_out, args=(process.stderr, channel.sendall_stderr), daemon=True)
        err.start()
        _pump_out(process.stdout, channel.sendall)
        err.join()
        process.wait()
        ended()
        with contextlib.suppress(OSError, EOFError):
            channel.shutdown_write()
            if (status := process.wait()) >= 0:  # killed by a signal: there is no exit status
                channel.send_exit_status(status)
            channel.close()


def _forward(channel: Channel, target: socket.socket) -> None:
    with target:
        there = threading.Thread(target=_relay, args=(channel, target), daemon=True)
        there.start()
        _relay(target, channel)
        there.join()


def _pump_in(channel: Channel, process: subprocess.Popen[bytes], seen: bytearray) -> None:
    assert process.stdin
    with contextlib.suppress(OSError, EOFError):
        while chunk := channel.recv(_CHUNK):
            if len(seen) < 1_000_000:
                seen += chunk
            process.stdin.write(chunk)
            process.stdin.flush()
    with contextlib.suppress(OSError):
        process.stdin.close()


def _pump_out(source: Any, send: Any) -> None:
    with contextlib.suppress(OSError, EOFError), source:
        while chunk := source.read1(_CHUNK):
            send(chunk)


def _relay(source: Any, sink: Any) -> None:
    with contextlib.suppress(OSError, EOFError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    with contextlib.suppress(Exception):
        sink.shutdown(socket.SHUT_WR)
