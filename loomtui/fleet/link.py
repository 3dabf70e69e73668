"""One node's connection: made when it is first needed, and made again when it was lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import tenacity
from paramiko import Transport
from paramiko.ssh_exception import ChannelException, SSHException

from loomtui.errors import LoomtuiError, NodeUnreachable, ScriptFailed
from loomtui.fleet.connection import Connector, NoConnection, drop_later
from loomtui.fleet.executor import THREADS
from loomtui.fleet.process import Process, TooMuchOutputError
from loomtui.fleet.sshconfig import Routes
from loomtui.inventory.model import Node, SshSettings
from loomtui.text import clean_line

_OUTPUT_LIMIT = 64 * 1024 * 1024
_RECONNECTS = 4
_KEEP_REFUSAL_SECONDS = 30.0


class LostConnection(NodeUnreachable):
    """The connection broke while something was done over it."""


@dataclass(frozen=True)
class Output:
    """What a script or command left behind."""

    status: int  # -1: none, for it was killed or the connection was lost
    stdout: bytes
    stderr: bytes


class Link:
    """Runs commands on one node over one connection."""

    def __init__(self, node: Node, settings: SshSettings, connector: Connector) -> None:
        self._node = node
        self._settings = settings
        self._connector = connector
        self._transport: Transport | None = None
        self._connecting: asyncio.Task[Transport] | None = None
        self._refusal: tuple[float, LoomtuiError] | None = None
        self._closed = False

    @property
    def connected(self) -> bool:
        return self._transport is not None and self._transport.is_active()

    def forget_refusal(self) -> None:
        """The next attempt is made at once, also where the last one was refused a moment ago."""
        self._refusal = None

    async def close(self) -> None:
        """Ends everything that runs on this session. Returns at once, also when the node hangs."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        self._disconnect()

    def _disconnect(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            drop_later(transport)

    async def transport(self) -> Transport:
        """The live connection. One attempt serves all who wait for it, and outlives those who give up."""
        if self._closed:
            raise NodeUnreachable("the session has been closed.", node=self._node.name)
        if self._transport is not None and self._transport.is_active():
            return self._transport
        if self._refusal and time.monotonic() < self._refusal[0]:
            raise self._refusal[1]
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(_retrieve)
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> Transport:
        lost = self._transport is not None
        self._disconnect()
        target = await THREADS.run(Routes(self._settings).target, self._node)
        try:
            # A first attempt tells at once what is wrong; a connection that was lost is worth some patience.
            async for attempt in tenacity.AsyncRetrying(
                stop=tenacity.stop_after_attempt(_RECONNECTS if lost else 1)
                | tenacity.stop_after_delay(self._settings.connect_timeout),
                wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
                retry=tenacity.retry_if_exception_type(NoConnection),
                reraise=True,
            ):
                with attempt:
                    self._transport = await self._connector.connect(target)
        except NoConnection:
            raise
        except LoomtuiError as error:
            # Refused logins are not repeated at every refresh: the node would lock us out.
            self._refusal = (time.monotonic() + _KEEP_REFUSAL_SECONDS, error)
            raise
        if self._transport is None:  # not reached: the loop ends with a transport or raises
            raise NodeUnreachable("not connected.", node=self._node.name)
        return self._transport

    async def execute(
        self, command: str, first: bytes, stdin: bytes | AsyncIterator[bytes] | None = None
    ) -> Output:
        """Feeds `first` and the stream to a command and waits for its end; being cancelled ends the channel.

        Raises NodeUnreachable, ScriptFailed for endless output, and what the stream raises.
        """
        process = await self.start(command)
        try:
            async with asyncio.TaskGroup() as tasks:
                feeding = tasks.create_task(process.feed_all(first, stdin))
                stdout = tasks.create_task(process.read(_OUTPUT_LIMIT))
                stderr = await process.errors()
                output = Output(await process.status(), await stdout, stderr)
                feeding.cancel()  # nobody reads it any more
            return output
        except ExceptionGroup as errors:
            error = errors.exceptions[0]
            if isinstance(error, TooMuchOutputError):
                raise ScriptFailed(f"the node sent {error}.", node=self._node.name, safe="") from None
            raise error from None
        finally:
            process.close()

    async def start(self, command: str) -> Process:
        """A command that the caller reads and closes. Raises NodeUnreachable."""
        transport = await self.transport()
        with self._in_words():
            return await Process.start(transport, command, timeout=self._settings.connect_timeout)

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            self._disconnect()  # sshd itself does not answer: this connection is of no more use
            raise LostConnection("the SSH server no longer answers.", node=self._node.name) from error
        except ChannelException as error:
            raise NodeUnreachable(
                f"the SSH server refuses a further channel: {clean_line(str(error), limit=120)}.",
                node=self._node.name,
            ) from error
        except (SSHException, EOFError, OSError) as error:
            self._disconnect()
            words = clean_line(str(error), limit=120) or "it was closed"
            raise LostConnection(f"the connection was lost: {words}.", node=self._node.name) from error


def _retrieve(task: asyncio.Task[Transport]) -> None:
    """Whoever waited may have given up: the outcome is then nobody's."""
    if not task.cancelled():
        task.exception()
