"""One node's connection. It is made when it is first needed, and made again if it was lost."""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Iterator

import tenacity

from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.ssh.client import THREADS, ChannelException, SSHException, Transport
from loomtui.fleet.ssh.connector import Connector, NoConnection, Throttled, drop_later
from loomtui.fleet.ssh.process import Process
from loomtui.fleet.ssh.refusal import Refusal
from loomtui.fleet.ssh.sshconfig import Routes
from loomtui.inventory.model import Node, SshSettings
from loomtui.text import clean_line
from loomtui.wording.quantities import count

_RECONNECTS = 4
_BRIEFLY_SECONDS = 2.0  # an answer that takes longer is no answer, where there was none the last time


class LostConnection(NodeUnreachable):
    """The connection broke while something was done over it."""


class ChannelRefused(NodeUnreachable):
    """The server allows no further command over this connection at the moment."""


class Connection:
    """Starts commands on one node over one connection."""

    def __init__(self, node: Node, settings: SshSettings, connector: Connector) -> None:
        self._node = node
        self._settings = settings
        self._connector = connector
        self._transport: Transport | None = None
        self._connecting: asyncio.Task[Transport] | None = None
        self._refusal: Refusal | None = None
        self._dialled = 0.0  # when, by the loop's clock
        self._silence: NoConnection | None = None  # the last attempt was waited for to its end, in vain
        self._closed = False
        self.code_asked = False  # whether a further connection would ask for a code that changes

    @property
    def connected(self) -> bool:
        return self._transport is not None and self._transport.is_active()

    def forget_refusal(self) -> None:
        """Makes the next attempt at once, and waits for it, whatever came of the last one."""
        self._refusal = self._silence = None

    async def close(self) -> None:
        """Ends everything that runs on this session. Returns at once, even if the node hangs."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        self.drop()

    def drop(self) -> None:
        """Ends the connection; the next command makes a new one."""
        transport, self._transport = self._transport, None
        if transport is not None:
            drop_later(transport)

    async def transport(self) -> Transport:
        """The live connection. One attempt serves all who wait for it, and outlives those who give up."""
        if self._closed:
            raise NodeUnreachable("the session has been closed.", node=self._node.name)
        if self._transport is not None and self._transport.is_active():
            return self._transport
        if self._refusal and self._refusal.holds:
            raise self._refusal.error
        if self._connecting is None or self._connecting.done():
            self._dialled = asyncio.get_running_loop().time()
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(_retrieve)
        if self._silence is None:
            return await asyncio.shield(self._connecting)
        return await self._briefly(self._connecting, self._silence)

    async def _briefly(self, connecting: asyncio.Task[Transport], silence: NoConnection) -> Transport:
        """Nobody waits twice for a node that is off; it is dialled on, and seen as soon as it is back."""
        try:
            async with asyncio.timeout_at(self._dialled + _BRIEFLY_SECONDS):
                return await asyncio.shield(connecting)
        except TimeoutError:
            raise copy.copy(silence) from None  # whoever gets it may add what is safe, and advice

    async def _connect(self) -> Transport:
        lost = self._transport is not None
        self.drop()
        target = await THREADS.run(Routes(self._settings).target, self._node)
        try:
            async for attempt in self._attempts(lost=lost):
                with attempt:
                    login = await self._connector.connect(target)
                    self._transport, self.code_asked = login.transport, login.code_asked
                    self._silence = None
        except NoConnection as error:
            waited = asyncio.get_running_loop().time() - self._dialled
            self._silence = error if waited > _BRIEFLY_SECONDS and not isinstance(error, Throttled) else None
            raise
        except LoomtuiError as error:
            self._refusal = Refusal.of(error)
            raise
        if self._transport is None:  # not reached: the loop ends with a transport or raises
            raise NodeUnreachable("not connected.", node=self._node.name)
        return self._transport

    def _attempts(self, *, lost: bool) -> tenacity.AsyncRetrying:
        """A first attempt tells at once what is wrong; a connection that was lost is worth some patience.

        A server that is too busy to greet is asked again in any case, at times that differ from those of
        others.
        """

        late = tenacity.stop_after_delay(self._settings.connect_timeout)

        def enough(state: tenacity.RetryCallState) -> bool:
            busy = state.outcome is not None and isinstance(state.outcome.exception(), Throttled)
            return late(state) or (not busy and state.attempt_number >= (_RECONNECTS if lost else 1))

        return tenacity.AsyncRetrying(
            stop=enough,
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=3),
            retry=tenacity.retry_if_exception_type(NoConnection),
            reraise=True,
        )

    def allows_nothing(self) -> NodeUnreachable:
        """The error for a server that lets us in and then runs nothing."""
        return NodeUnreachable(
            "the SSH server lets us in and allows no command.",
            node=self._node.name,
            advice="Look at MaxSessions in its sshd_config: 0 allows none.",
        )

    def has_no_room(self, lasting: int) -> NodeUnreachable:
        """The error where all room is taken, and a further connection would ask for another code."""
        followed = f" ({count(lasting, 'log')} followed there)" if lasting else ""
        return NodeUnreachable(
            f"the SSH server runs no more commands over this connection{followed}, and wants a code for "
            "another one.",
            node=self._node.name,
            advice="Follow fewer logs at a time, or allow more commands with MaxSessions in its sshd_config.",
        )

    async def start(self, command: str) -> Process:
        """A command that the caller reads and closes. Raises ChannelRefused, NodeUnreachable."""
        transport = await self.transport()
        with self._errors_in_words():
            return await Process.start(transport, command, timeout=self._settings.connect_timeout)

    @contextlib.contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            self.drop()  # sshd itself does not answer: this connection is of no more use
            raise LostConnection("the SSH server no longer answers.", node=self._node.name) from error
        except ChannelException as error:
            raise ChannelRefused(
                f"the SSH server refuses a further channel: {clean_line(str(error), limit=120)}.",
                node=self._node.name,
            ) from error
        except (SSHException, EOFError, OSError) as error:
            self.drop()
            words = clean_line(str(error), limit=120) or "it was closed"
            raise LostConnection(f"the connection was lost: {words}.", node=self._node.name) from error


def _retrieve(task: asyncio.Task[Transport]) -> None:
    """Takes an outcome that nobody waits for any more, because whoever waited gave up."""
    if not task.cancelled():
        task.exception()
