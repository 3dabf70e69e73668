"""An SSH server per practice node: one user, one key, commands as a login would run them."""

from __future__ import annotations

import fcntl
import os
import pty
import socket
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import paramiko

_CHUNK = 32 * 1024
_NOBODY_LISTENS = paramiko.common.OPEN_FAILED_CONNECT_FAILED
_PROHIBITED = paramiko.common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


class SshServer:
    """All connections to one node. `environment` is that of each login; it may change."""

    def __init__(self, address: str, port: int, user_key: paramiko.PKey, environment: Mapping[str, str]):
        self._place = (address, port)
        self._user_key = user_key
        self._environment = environment
        self._listener: socket.socket | None = None
        self._connections: dict[socket.socket, paramiko.Transport] = {}
        self._frozen = threading.Event()
        self._processes: set[int] = set()
        self.host_key = new_key()

    def start(self) -> None:
        """Raises OSError."""
        if self._listener:
            return
        listener = socket.create_server(self._place, backlog=64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self) -> None:
        if self._listener:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop_connections()

    def drop_connections(self) -> None:
        for connection in list(self._connections):
            self._connections.pop(connection, None)
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        self._frozen.set()

    def thaw(self) -> None:
        self._frozen.clear()

    def kill_processes(self) -> None:
        """What logins have started, as a reboot does."""
        for group in list(self._processes):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, 9)

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while self._frozen.is_set():
            time.sleep(0.05)
        transport = AnsweringTransport(cast(socket.socket, _Freezable(connection, self._frozen)))
        self._connections[connection] = transport
        login = _Login(self)
        try:
            transport.add_server_key(self.host_key)
            transport.start_server(server=login, event=threading.Event())
            held: list[paramiko.Channel] = []  # paramiko closes a channel that nobody refers to
            while transport.is_active():
                channel = transport.accept(30)
                held = [old for old in (*held, channel) if old is not None and not old.closed]
                if channel is not None and channel.get_id() in login.forwards:
                    _forward(channel, login.forwards.pop(channel.get_id()))
        except (OSError, EOFError, paramiko.SSHException):
            pass
        finally:
            self._connections.pop(connection, None)
            transport.close()

    def key_is_right(self, key: paramiko.PKey) -> bool:
        return key.asbytes() == self._user_key.asbytes()

    def run(self, channel: paramiko.Channel, command: str | None, terminal: tuple[int, int] | None) -> None:
        """Starts the command, or an interactive shell, and carries its streams until they end."""
        environment = dict(self._environment)
        arguments = ["/bin/sh", "-c", command] if command is not None else ["/bin/sh", "-i"]
        home = environment["HOME"] if Path(environment["HOME"]).is_dir() else "/"
        host, port = self._place
        environment["SSH_CONNECTION"] = f"127.0.0.1 0 {host} {port}"
        work = _run_on_terminal if terminal else _run_on_pipes
        process = work(channel, arguments, home, environment, terminal or (24, 80))
        self._processes.add(process.pid)
        threading.Thread(target=self._reap, args=(channel, process), daemon=True).start()

    def _reap(self, channel: paramiko.Channel, process: _Running) -> None:
        status = process.wait()
        self._processes.discard(process.pid)
        with suppress(OSError, EOFError, paramiko.SSHException):
            channel.send_exit_status(status if status >= 0 else 128 - status)
        process.finish_output()
        with suppress(OSError, EOFError, paramiko.SSHException):
            channel.close()


def new_key() -> paramiko.Ed25519Key:
    from io import StringIO

    return paramiko.Ed25519Key.from_private_key(StringIO(new_key_text()))


def new_key_text() -> str:
    """An ed25519 key in OpenSSH's format."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


class _Freezable:
    """A socket that pretends to be silent while the node is frozen."""

    def __init__(self, connection: socket.socket, frozen: threading.Event) -> None:
        self._connection = connection
        self._frozen = frozen

    def recv(self, size: int) -> bytes:
        self._wait()
        return self._connection.recv(size)

    def send(self, data: bytes) -> int:
        self._wait()
        return self._connection.send(data)

    def _wait(self) -> None:
        if self._frozen.is_set():
            time.sleep(0.05)
            raise TimeoutError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class AnsweringServer(paramiko.ServerInterface):
    """What requests ask for begins once they are answered, as with sshd; wants an `AnsweringTransport`.

    A command that ended before would have its channel closed under a client that still waits for the answer.
    """

    def __init__(self) -> None:
        self.begins: dict[int, Callable[[], None]] = {}  # by channel


def _answer_first(channel: paramiko.Channel, request: paramiko.Message) -> None:
    paramiko.Channel._handle_request(channel, request)  # type: ignore[attr-defined]  # paramiko has no other way in
    server = channel.get_transport().server_object
    if isinstance(server, AnsweringServer) and (begin := server.begins.pop(channel.get_id(), None)):
        begin()


class AnsweringTransport(paramiko.Transport):
    _channel_handler_table: ClassVar = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]  # paramiko has no other way in
        paramiko.common.MSG_CHANNEL_REQUEST: _answer_first,
    }


class _Login(AnsweringServer):
    def __init__(self, server: SshServer) -> None:
        super().__init__()
        self._server = server
        self._terminals: dict[int, tuple[int, int]] = {}
        self.forwards: dict[int, socket.socket] = {}

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = self._server.key_is_right(key)
        return paramiko.common.AUTH_SUCCESSFUL if known else paramiko.common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED if kind == "session" else _PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return self._begin(channel, command.decode("utf-8", "surrogateescape"))

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return self._begin(channel, None)

    def _begin(self, channel: paramiko.Channel, command: str | None) -> bool:
        terminal = self._terminals.get(channel.get_id())
        self.begins[channel.get_id()] = partial(self._server.run, channel, command, terminal)
        return True

    def check_channel_pty_request(
        self,
        channel: paramiko.Channel,
        term: bytes,
        width: int,
        height: int,
        pixelwidth: int,
        pixelheight: int,
        modes: bytes,
    ) -> bool:
        self._terminals[channel.get_id()] = (height, width)
        return True

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        if not destination[0].startswith("127.") and destination[0] != "localhost":
            return _PROHIBITED
        try:
            self.forwards[chanid] = socket.create_connection(destination, timeout=5)
        except OSError:
            return _NOBODY_LISTENS
        return paramiko.common.OPEN_SUCCEEDED


class _Running:
    """A process whose output is being carried to a channel."""

    def __init__(self, process: subprocess.Popen[bytes], carriers: list[threading.Thread]) -> None:
        self._process = process
        self._carriers = carriers
        self.pid = process.pid
        for carrier in carriers:
            carrier.start()

    def wait(self) -> int:
        return self._process.wait()

    def finish_output(self) -> None:
        """Until all have closed it: also those that the command has left in the background, as sshd waits."""
        for carrier in self._carriers:
            carrier.join()


def _run_on_pipes(
    channel: paramiko.Channel,
    arguments: list[str],
    home: str,
    environment: Mapping[str, str],
    _size: tuple[int, int],
) -> _Running:
    process = subprocess.Popen(
        arguments,
        cwd=home,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        bufsize=0,
    )
    _thread(_to_process, channel, process.stdin).start()
    out = _thread(_to_channel, process.stdout, channel.sendall)
    return _Running(process, [out, _thread(_to_channel, process.stderr, channel.sendall_stderr)])


def _run_on_terminal(
    channel: paramiko.Channel,
    arguments: list[str],
    home: str,
    environment: Mapping[str, str],
    size: tuple[int, int],
) -> _Running:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = subprocess.Popen(
        arguments,
        cwd=home,
        env={**environment, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    _thread(_to_process, channel, os.fdopen(os.dup(ours), "wb", 0)).start()
    return _Running(process, [_thread(_to_channel, os.fdopen(ours, "rb", 0), channel.sendall)])


def _thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    return threading.Thread(target=work, args=arguments, daemon=True)


def _to_channel(source: Any, send: Callable[[bytes], object]) -> None:
    """A closed connection closes the pipe: the process learns it when it writes, as under sshd."""
    with suppress(OSError, EOFError, paramiko.SSHException), source:
        while data := source.read(_CHUNK):
            send(data)


def _to_process(channel: paramiko.Channel, sink: Any) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):
        while data := channel.recv(_CHUNK):
            view = memoryview(data)
            while view:
                view = view[sink.write(view) :]
    with suppress(OSError):
        sink.close()


def _forward(channel: paramiko.Channel, target: socket.socket) -> None:
    target.settimeout(None)

    def back() -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            while data := target.recv(_CHUNK):
                channel.sendall(data)
        with suppress(OSError, EOFError, paramiko.SSHException):  # who was logged in has gone
            channel.close()
        target.close()

    def forth() -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            while data := channel.recv(_CHUNK):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    _thread(back).start()
    _thread(forth).start()
