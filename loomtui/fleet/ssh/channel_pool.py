"""The connections to one node.

There is only one, unless its server allows too few commands at a time over it. It stays the only one where
each login asks for a code that changes: nobody is asked twice for one node.

A server tells how many it allows (`MaxSessions`, sshd_config(5)) only by refusing: usually 10, and often 1 if
it was hardened.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from loomtui.errors import ScriptFailed
from loomtui.fleet.ssh.client import Transport
from loomtui.fleet.ssh.connection import ChannelRefused, Connection, LostConnection
from loomtui.fleet.ssh.process import Process, TooMuchOutputError

_OUTPUT_LIMIT = 64 * 1024 * 1024
_ROOM = 10  # sshd's default
_LANES = 8
_PATIENCE_SECONDS = 1.0  # a command that ends soon waits so long for another one before it gets a connection
_LEFT_OVER_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.0)  # what was given up on may run there for a moment still


@dataclass(frozen=True)
class Output:
    """What a script or command left behind."""

    status: int  # -1: none, for it was killed
    stdout: bytes
    stderr: bytes


@dataclass(eq=False)
class _Lane:
    connection: Connection
    room: int
    used: int = 0
    lasting: int = 0  # of these, those that may never end


class ChannelPool:
    """Runs commands on one node."""

    def __init__(self, name: str, make: Callable[[], Connection]) -> None:
        self._name = name
        self._make = make
        self._lanes = [_Lane(make(), _ROOM)]
        self._freed = asyncio.Event()
        self._opened = 0.0  # when the last lane was, by the loop's clock

    @property
    def connected(self) -> bool:
        return self._lanes[0].connection.connected

    def forget_refusal(self) -> None:
        """Makes the next attempt at once, even if the last one was refused a moment ago."""
        for lane in self._lanes:
            lane.connection.forget_refusal()

    async def transport(self) -> Transport:
        """The first connection. Raises NodeUnreachable, HostKeyRefused."""
        return await self._lanes[0].connection.transport()

    async def close(self) -> None:
        """Ends everything that runs. Returns at once, even if the node hangs."""
        await asyncio.gather(*(lane.connection.close() for lane in self._lanes))

    async def execute(
        self, command: str, first: bytes, stdin: bytes | AsyncIterator[bytes] | None = None
    ) -> Output:
        """Feeds `first` and the stream to a command and waits for its end. Cancelling ends the channel.

        Raises NodeUnreachable, ScriptFailed for endless output, and what the stream raises.
        """
        lasting = stdin is not None and not isinstance(stdin, bytes)
        async with self.command(command, lasting=lasting) as process:
            output = await (
                self._exchange(process, first) if stdin is None else self._stream(process, first, stdin)
            )
            if output.status == -1 and process.lost:
                raise LostConnection("the connection was lost.", node=self._name)
            return output

    async def _exchange(self, process: Process, data: bytes) -> Output:
        try:
            stdout, stderr, status = await process.exchange(data, _OUTPUT_LIMIT)
        except TooMuchOutputError as error:
            raise self._too_much(error) from None
        return Output(status, stdout, stderr)

    def _too_much(self, error: TooMuchOutputError) -> ScriptFailed:
        return ScriptFailed(f"the node sent {error}.", node=self._name, safe="")

    async def _stream(self, process: Process, first: bytes, stdin: bytes | AsyncIterator[bytes]) -> Output:
        """What is long is fed while the outputs are read."""
        try:
            async with asyncio.TaskGroup() as tasks:
                feeding = tasks.create_task(process.feed_all(first, stdin))
                stdout = tasks.create_task(process.read(_OUTPUT_LIMIT))
                stderr = await process.errors()
                output = Output(await process.status(), await stdout, stderr)
                feeding.cancel()  # nobody reads it any more
        except ExceptionGroup as errors:
            error = errors.exceptions[0]
            if isinstance(error, TooMuchOutputError):
                raise self._too_much(error) from None
            raise error from None
        return output

    @contextlib.asynccontextmanager
    async def command(self, command: str, *, lasting: bool) -> AsyncIterator[Process]:
        """A command that the caller feeds and reads.

        If it is `lasting`, it gets a new connection rather than wait.

        Raises NodeUnreachable.
        """
        lane, process = await self._begin(command, lasting=lasting)
        try:
            yield process
        finally:
            process.close()
            self._leave(lane, lasting=lasting)

    async def _begin(self, command: str, *, lasting: bool) -> tuple[_Lane, Process]:
        left_over = itertools.chain(_LEFT_OVER_SECONDS, (None,))
        while True:
            await self.transport()  # a login tells whether another one would ask for another code
            lane = await self._free_lane(lasting=lasting)
            lane.used += 1
            lane.lasting += lasting
            try:
                return lane, await lane.connection.start(command)
            except ChannelRefused:
                alone = lane.used == 1
                lane.room = max(1, lane.used - 1)
                self._leave(lane, lasting=lasting)
                if alone:
                    await self._await_left_over(lane, next(left_over, -1.0))
            except BaseException:
                self._leave(lane, lasting=lasting)
                raise

    async def _await_left_over(self, lane: _Lane, seconds: float | None) -> None:
        """Nothing of ours runs there, and still there is no room.

        None means that a new connection has room.
        """
        if seconds is None and not self.one_only:
            lane.connection.drop()
        elif seconds is None:
            raise lane.connection.has_no_room(lane.lasting)
        elif seconds < 0:
            raise lane.connection.allows_nothing()
        else:
            await asyncio.sleep(seconds)

    @property
    def one_only(self) -> bool:
        """Whether no further connection is opened: its login would ask for a code."""
        return self._lanes[0].connection.code_asked

    def _refuse_to_wait_for_ever(self, *, lasting: bool) -> None:
        """What lasts leaves a place for what ends, as no other connection may be opened.

        Raises NodeUnreachable.
        """
        lane = self._lanes[0]
        if self.one_only and lane.lasting + lasting >= lane.room:
            raise lane.connection.has_no_room(lane.lasting)

    async def _free_lane(self, *, lasting: bool) -> _Lane:
        loop = asyncio.get_running_loop()
        begun, patience = loop.time(), 0.0 if lasting else _PATIENCE_SECONDS
        while True:
            self._refuse_to_wait_for_ever(lasting=lasting)
            until = max(begun, self._opened) + patience  # who waits beside others does not open one each
            free = next((lane for lane in self._lanes if lane.used < lane.room), None)
            if free is not None:
                return free
            may_open = len(self._lanes) < _LANES and not self.one_only
            if may_open and loop.time() >= until:
                self._lanes.append(_Lane(self._make(), min(lane.room for lane in self._lanes)))
                self._opened = loop.time()
                continue
            self._freed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until if may_open else None):
                    await self._freed.wait()

    def _leave(self, lane: _Lane, *, lasting: bool) -> None:
        lane.used -= 1
        lane.lasting -= lasting
        self._freed.set()
