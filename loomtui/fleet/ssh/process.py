"""One command on a node.

Its input is fed, both outputs are read at the same time, and it ends when nobody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator

from loomtui.fleet.ssh import paramiko_words
from loomtui.fleet.ssh.client import (
    OPEN_FAILED_CONNECT_FAILED,
    THREADS,
    Channel,
    ChannelException,
    SSHException,
    Transport,
)

_CHUNK = 256 * 1024
_STDERR_KEPT = 64 * 1024
_LINE_LIMIT = 1024 * 1024
_BATCH_LINES = 200
_BATCH_SECONDS = 0.1


class TooMuchOutputError(Exception):
    """The command printed more than was asked for."""


class _Woken(threading.Event):
    """Tells one thread that something came, on either output. Only that thread forgets it.

    paramiko's buffers clear an event where one of them is empty, though the other may not be.
    """

    def clear(self) -> None:
        """Leaves it as it is."""

    def forget(self) -> None:
        super().clear()


class Process:
    """Made by `start`; `close` frees every thread that waits for it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._channel: Channel | None = None
        self._closed = False
        self._rest = b""  # of a line that has not come to its end
        self._ready: list[bytes] = []  # lines that nobody has taken yet

    @classmethod
    async def start(cls, transport: Transport, command: str, *, timeout: float) -> Process:
        """Raises SSHException, EOFError, OSError of paramiko, TimeoutError."""
        process = cls(transport)
        try:
            async with asyncio.timeout(timeout):
                await THREADS.run(process._open, command, timeout)
        except BaseException:
            process.close()
            raise
        return process

    def _open(self, command: str, timeout: float) -> None:
        try:
            channel = self._channel = self._transport.open_session(timeout=timeout)
        except SSHException as error:
            if self._transport.is_active() and paramiko_words.is_refusal_of_a_channel(error):
                raise ChannelException(OPEN_FAILED_CONNECT_FAILED, "no further channel") from error
            raise
        if self._closed:
            channel.close()
        channel.exec_command(command)

    @property
    def _open_channel(self) -> Channel:
        if self._channel is None:
            raise EOFError("the channel is not open")
        return self._channel

    @property
    def lost(self) -> bool:
        """Whether the connection that it ran over is gone."""
        return not self._transport.is_active()

    def close(self) -> None:
        """Does not block: a channel is closed by a message, and the peer may not be reading."""
        self._closed = True
        channel = self._channel
        if channel is not None:
            THREADS.start(lambda: _close(channel))

    async def feed(self, data: bytes) -> bool:
        """False means that the command has ended or reads no more."""
        try:
            await THREADS.run(self._open_channel.sendall, data)
        except (OSError, EOFError, SSHException):
            return False
        return True

    async def feed_all(self, first: bytes, stream: bytes | AsyncIterator[bytes] | None) -> None:
        """Sends `first`, then the stream, then the end of input. What the stream raises is raised here."""
        going = await self.feed(first)
        if isinstance(stream, bytes):
            view = memoryview(stream)
            for start in range(0, len(view), _CHUNK):
                going = going and await self.feed(bytes(view[start : start + _CHUNK]))
        elif stream is not None and going:
            async for chunk in stream:
                if chunk and not await self.feed(chunk):
                    break
        with contextlib.suppress(OSError, EOFError, SSHException):
            await THREADS.run(self._open_channel.shutdown_write)

    async def exchange(self, data: bytes, limit: int) -> tuple[bytes, bytes, int]:
        """Sends the data and the end of input; both outputs, and the status, once it has ended.

        One thread does all of it. Raises TooMuchOutputError for standard output of more than `limit` bytes.
        """
        return await THREADS.run(self._exchange, data, limit)

    def _exchange(self, data: bytes, limit: int) -> tuple[bytes, bytes, int]:
        channel, woken = self._open_channel, _Woken()
        with contextlib.suppress(OSError, EOFError, SSHException):  # it has ended, or reads no more
            channel.sendall(data)
            channel.shutdown_write()
        channel.in_buffer.set_event(woken)
        channel.in_stderr_buffer.set_event(woken)
        stdout, stderr, ended = bytearray(), b"", False
        while not ended:
            woken.wait()
            woken.forget()
            ended = bool(
                channel.eof_received or channel.closed
            )  # before the last reading: nothing comes after it
            while channel.recv_ready():
                stdout += channel.recv(_CHUNK)
                if len(stdout) > limit:
                    raise TooMuchOutputError(f"more than {limit} bytes")
            while channel.recv_stderr_ready():
                stderr = (stderr + channel.recv_stderr(_CHUNK))[-_STDERR_KEPT:]
        return bytes(stdout), stderr, channel.recv_exit_status()

    async def ask(self, data: bytes, end: bytes, *, limit: int) -> bytes:
        """Sends the data, and gives what comes on standard output up to `end`.

        Raises EOFError if it ends before, TooMuchOutputError after `limit` bytes, and what paramiko does.
        """
        return await THREADS.run(self._ask, data, end, limit)

    def _ask(self, data: bytes, end: bytes, limit: int) -> bytes:
        self._open_channel.sendall(data)
        answer = bytearray()
        while not answer.endswith(end):
            chunk = self._open_channel.recv(_CHUNK)
            if not chunk:
                raise EOFError("it has ended")
            answer += chunk
            if len(answer) > limit:
                raise TooMuchOutputError(f"more than {limit} bytes")
        return bytes(answer)

    async def read(self, limit: int) -> bytes:
        """The whole standard output. Raises TooMuchOutputError."""
        return await THREADS.run(self._read, limit)

    def _read(self, limit: int) -> bytes:
        output = bytearray()
        while chunk := self._open_channel.recv(_CHUNK):
            output += chunk
            if len(output) > limit:
                raise TooMuchOutputError(f"more than {limit} bytes")
        return bytes(output)

    async def errors(self) -> bytes:
        """The end of standard error, once it is closed."""
        return await THREADS.run(self._errors)

    def _errors(self) -> bytes:
        kept = b""
        while True:
            try:
                chunk = self._open_channel.recv_stderr(_CHUNK)
            except TimeoutError:
                continue  # `lines` sets a time limit on the channel
            if not chunk:
                return kept
            kept = (kept + chunk)[-_STDERR_KEPT:]

    async def status(self) -> int:
        """The exit status, or -1 if there is none because it was killed or the connection was lost."""
        return await THREADS.run(self._open_channel.recv_exit_status)

    async def lines(self) -> tuple[bytes, ...]:
        """The next lines of standard output, gathered for 100 ms or up to 200; () at its end."""
        return await THREADS.run(self._lines)

    def _lines(self) -> tuple[bytes, ...]:
        channel = self._open_channel
        until = time.monotonic() + _BATCH_SECONDS if self._ready else None
        while len(self._ready) < _BATCH_LINES:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                break
            channel.settimeout(left)
            try:
                chunk = channel.recv(_CHUNK)
            except TimeoutError:
                break
            if not chunk:
                self._split(b"\n" if self._rest else b"")
                break
            self._split(chunk)
            if self._ready:
                until = until or time.monotonic() + _BATCH_SECONDS
        batch, self._ready = self._ready[:_BATCH_LINES], self._ready[_BATCH_LINES:]
        return tuple(batch)

    def _split(self, chunk: bytes) -> None:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        self._ready += whole
        if len(self._rest) > _LINE_LIMIT:
            self._ready.append(self._rest)
            self._rest = b""


def _close(channel: Channel) -> None:
    with contextlib.suppress(Exception):
        channel.close()
