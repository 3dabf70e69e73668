"""Makes an authenticated SSH transport from a target, and tells each failure in words."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paramiko import PKey

from loomtui.errors import HostKeyRefused, LoomtuiError, NodeUnreachable
from loomtui.fleet.ssh import paramiko_words
from loomtui.fleet.ssh.client import (
    THREADS,
    Channel,
    ChannelException,
    IncompatiblePeer,
    SSHException,
    Transport,
)
from loomtui.fleet.ssh.credentials import log_in
from loomtui.fleet.ssh.heartbeat import Heartbeat
from loomtui.fleet.ssh.hostkeys import KnownHosts, Verdict, fingerprint
from loomtui.fleet.ssh.jumps import JumpHosts
from loomtui.fleet.ssh.keyboard_interactive import LoginRefused
from loomtui.fleet.ssh.negotiation import Client, limit_algorithms, prefer_known_keys
from loomtui.fleet.ssh.prompter import Secrets
from loomtui.fleet.ssh.proxycommand import start_proxy
from loomtui.fleet.ssh.revocation import keys_behind, revoked_in
from loomtui.fleet.ssh.sshconfig import Target
from loomtui.fleet.ssh.talk import Asker, Unsent
from loomtui.text import clean_line

# Without a handler, Python would print paramiko's tracebacks on standard error, over the screens.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_PATIENCE = 2  # times the time in which a server has to greet: then one that says nothing more is given up
_DEAD_AFTER_SECONDS = 30
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
#: In between only what is sent or comes wakes the thread: also for new keys, which are due after 512 MB.
_POLL_SECONDS = 15.0
_AT_ONCE = 32  # connections being made at a time: more do not go faster under one GIL


class NoConnection(NodeUnreachable):
    """The node could not be reached for a reason that may pass, so it is worth another try."""


class Throttled(NoConnection):
    """Something there closes the connection before it greets, as sshd does at MaxStartups."""


def drop(transport: Transport) -> None:
    """Ends a connection at once, even if its peer hangs. Blocks for a moment at most, and never raises."""
    sock: Any = transport.sock
    with contextlib.suppress(Exception):
        sock.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(Exception):
        transport.close()
    with contextlib.suppress(Exception):
        sock.close()


def _poll_seldom(transport: Transport) -> None:
    """paramiko's thread wakes ten times a second to see whether it is to end. `drop` wakes it."""
    sock: Any = transport.sock
    sock.settimeout(_POLL_SECONDS)


def drop_later(transport: Transport) -> None:
    """`drop`, without waiting for it."""
    THREADS.start(lambda: drop(transport))


@dataclass(frozen=True)
class Login:
    """A connection over which commands can be run."""

    transport: Transport
    code_asked: bool  # another login would ask for another code


class Connector:
    """Makes the connections of one fleet.

    Their number is bounded, jump hosts are shared, and it asks one question at a time.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._host_keys = asyncio.Lock()
        self._accepted: set[tuple[str, int, bytes]] = set()
        self._heartbeat = Heartbeat()
        self._jumps = JumpHosts(self._connect_jump, NoConnection)

    async def connect(self, target: Target) -> Login:
        """Raises NodeUnreachable, HostKeyRefused."""
        return await self._connect(target, jump=False)

    async def _connect_jump(self, target: Target) -> Transport:
        return (await self._connect(target, jump=True)).transport

    async def _connect(self, target: Target, *, jump: bool) -> Login:
        asker = Asker(target, jump, self._secrets, Unsent())
        while True:
            asked_before = self._secrets.asked
            transport = await self._open_over_jumps(target)
            try:
                code_asked = await log_in(transport, asker)
                _poll_seldom(transport)
                self._heartbeat.watch(transport, _PATIENCE * target.timeout, drop_later)
                return Login(transport, code_asked)
            except BaseException as error:
                hung_up = not transport.is_active()
                drop_later(transport)
                # While somebody was asked, the server may have lost its patience (LoginGraceTime).
                asked_meanwhile = self._secrets.asked > asked_before
                again = isinstance(error, NodeUnreachable) and not isinstance(error, LoginRefused)
                if not (asked_meanwhile and hung_up and again):
                    raise

    def forget_refusals(self) -> None:
        """Lets jump hosts be dialled at once, even if they refused a moment ago, and asks again."""
        self._jumps.forget_refusals()
        self._secrets.ask_again()

    def close(self) -> None:
        """Ends the connections to jump hosts, and lets no other connection ask any more."""
        self._heartbeat.close()
        self._jumps.close(drop_later)

    async def _open_over_jumps(self, target: Target) -> Transport:
        if not target.jumps:
            return await self._open_checked(target, None)
        through = await self._jumps.transport(target.jumps, target.node)
        try:
            return await self._open_checked(target, through)
        except NoConnection:
            if through.is_active():
                raise
        # The jump host had gone away, and nobody had noticed it before.
        return await self._open_checked(target, await self._jumps.transport(target.jumps, target.node))

    async def _open_checked(self, target: Target, through: Transport | None) -> Transport:
        """A connection whose host key is right, but which is not logged in yet."""
        dialling = _Dialling(target, through)
        try:
            async with self._gate, asyncio.timeout(target.timeout + 1):
                transport = await THREADS.run(dialling.dial)
            await self._check_host_key(transport, target)
            return transport
        except BaseException as error:
            THREADS.start(dialling.abandon)
            if isinstance(error, Exception) and not isinstance(error, LoomtuiError):
                raise _connection_failure(error, target) from error
            raise

    async def _check_host_key(self, transport: Transport, target: Target) -> None:
        """Raises HostKeyRefused."""
        key = transport.get_remote_server_key()
        if await self._is_known(key, target):
            return
        async with self._host_keys:  # an accepted key may make the next question needless
            if await self._is_known(key, target):
                return
            kind, blob, host = key.get_name(), key.asbytes(), f"{target.host}:{target.port}"
            if not target.asks or not await self._secrets.accepts(target.node, host, kind, fingerprint(blob)):
                raise _host_key_unknown(target, kind, fingerprint(blob))
            self._accepted.add((*target.known_as, blob))
            with contextlib.suppress(OSError):  # it holds for this session, and is asked about again
                await THREADS.run(KnownHosts(target.known_hosts).add, *target.known_as, kind, blob)

    async def _is_known(self, key: PKey, target: Target) -> bool:
        """False means that nobody knows the host. Raises HostKeyRefused if it is known with another key."""
        kind, blob = key.get_name(), key.asbytes()
        hosts = KnownHosts(target.known_hosts)
        certificate = getattr(key, "public_blob", None)
        if target.revoked_host_keys:
            await THREADS.run(_refuse_revoked, target, key, target.revoked_host_keys)
        verdict, where = await THREADS.run(hosts.judge, *target.known_as, kind, blob)
        if certificate is not None and verdict is not Verdict.REVOKED:
            vouched, by = await THREADS.run(hosts.judge_certificate, *target.known_as, certificate.key_blob)
            verdict, where = (verdict, where) if vouched is Verdict.UNKNOWN else (vouched, by)
        if verdict not in (Verdict.KNOWN, Verdict.UNKNOWN):
            raise _host_key_changed(target, kind, fingerprint(blob), verdict, where)
        return verdict is Verdict.KNOWN or (*target.known_as, blob) in self._accepted


class _Dialling:
    """One attempt to reach a server, up to its host key. It can be given up from elsewhere at any moment."""

    def __init__(self, target: Target, through: Transport | None) -> None:
        self._target = target
        self._through = through
        self._transport: Client | None = None
        self._socket: socket.socket | Channel | None = None
        self._abandoned = False

    def dial(self) -> Transport:
        """Blocks, for at most the target's timeout and a little more."""
        target = self._target
        until = time.monotonic() + target.timeout
        self._socket = self._open()
        if self._abandoned:
            self._socket.close()
            raise TimeoutError
        self._transport = transport = Client(self._socket)
        left = max(0.1, until - time.monotonic())
        transport.banner_timeout = transport.handshake_timeout = left
        transport.auth_timeout = transport.channel_timeout = target.timeout
        limit_algorithms(transport, target)
        prefer_known_keys(transport, target)
        transport.start_client(timeout=left + 0.5)  # so that the cause comes first
        if not transport.initial_kex_done:
            raise TimeoutError("no key exchange")
        return transport

    def abandon(self) -> None:
        self._abandoned = True
        if self._transport is not None:
            drop(self._transport)
        elif self._socket is not None:
            self._socket.close()

    def _open(self) -> socket.socket | Channel:
        target = self._target
        if self._through is not None:
            return _open_through(self._through, target)
        if target.proxy_command:
            return start_proxy(target.proxy_command, target.timeout, gives_socket=target.proxy_gives_socket)
        source = (target.bind_address, 0) if target.bind_address else None
        sock = socket.create_connection((_address(target), target.port), target.timeout, source)
        _notice_dead_peer(sock)
        return sock


def _open_through(jump: Transport, target: Target) -> Channel:
    place = target.host, target.port
    try:
        return jump.open_channel("direct-tcpip", place, ("127.0.0.1", 0), timeout=target.timeout)
    except EOFError:
        drop(jump)  # it is what could not be written to
        raise


def _address(target: Target) -> str:
    """The host, or its first address of the one family that is wanted (AddressFamily)."""
    family = _FAMILIES.get(target.address_family)
    if family is None:
        return target.host
    [(*_, address), *_] = socket.getaddrinfo(target.host, target.port, family, socket.SOCK_STREAM)
    return str(address[0])


def _notice_dead_peer(sock: socket.socket) -> None:
    """Lets a peer that vanished be noticed in half a minute, not after the kernel's quarter of an hour."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER_SECONDS * 1000)


def _connection_failure(error: Exception, target: Target) -> NodeUnreachable:
    advice = "Check host and port in the inventory, the network, and that sshd runs there."
    kind = Throttled if paramiko_words.closed_before_greeting(error) else NoConnection
    return kind(f"{target} cannot be reached: {_reason_of(error)}.", node=target.node, advice=advice)


def _reason_of(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "the name does not resolve"
        case ConnectionRefusedError():
            return "the connection was refused; nothing listens on that port"
        case TimeoutError():
            return "no answer in time"
        case ChannelException():
            return "the jump host could not get there"
        case IncompatiblePeer():
            return f"no common SSH algorithm ({clean_line(str(error), limit=120)})"
        case EOFError() | ConnectionResetError() | BrokenPipeError():
            return "the connection was closed at once"
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            return "there is no route to that host"
        case SSHException():
            return paramiko_words.reason(error)
        case _:
            return clean_line(str(error), limit=120) or type(error).__name__


def _host_key_changed(target: Target, kind: str, shown: str, verdict: Verdict, where: str) -> HostKeyRefused:
    here = f"{target.host}:{target.port}"
    if verdict is Verdict.INVALID:
        return HostKeyRefused(
            f"the certificate of the {kind} host key of {here} {where}. The key has {shown}.",
            node=target.node,
            advice="Have the authority sign the host key anew, for the name by which the inventory calls it.",
        )
    known = "is marked as revoked" if verdict is Verdict.REVOKED else "is not the one that is known"
    return HostKeyRefused(
        f"the {kind} host key of {here} {known} ({where}). It has now {shown}.",
        node=target.node,
        advice="Somebody may be in between. If the machine was made anew, take that line out of the file.",
    )


def _refuse_revoked(target: Target, key: PKey, file: Path) -> None:
    """Raises HostKeyRefused for what is on the list, and if nobody can tell."""
    try:
        where = revoked_in(file, keys_behind(key))
    except (OSError, ValueError) as error:
        raise HostKeyRefused(
            f"whether the host key of {target.host}:{target.port} is revoked cannot be looked up in {file}:"
            f" {clean_line(str(error), limit=120)}",
            node=target.node,
            advice="Look at the file that RevokedHostKeys of the SSH configuration names.",
        ) from error
    if where:
        raise _host_key_changed(target, key.get_name(), fingerprint(key.asbytes()), Verdict.REVOKED, where)


def _host_key_unknown(target: Target, kind: str, shown: str) -> HostKeyRefused:
    return HostKeyRefused(
        f"the {kind} host key of {target.host}:{target.port} is unknown and was not accepted: {shown}.",
        node=target.node,
        advice="Compare it with what `ssh-keygen -lf` says of the key in /etc/ssh on the node, then accept.",
    )
