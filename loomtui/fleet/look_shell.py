"""A look that stays on its node: one process there is asked again and again, over its standard input.

It runs one script that only looks, and carries no other one: what is sent to it are a number and a word.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from loomtui.errors import NodeUnreachable, ScriptFailed
from loomtui.fleet.bootstrap import after
from loomtui.fleet.ssh.client import SSHException
from loomtui.fleet.ssh.connection import LostConnection
from loomtui.fleet.ssh.process import Process, TooMuchOutputError

_MOST_BYTES = 16 * 1024 * 1024  # of one answer


class LookShell:
    """It is of no more use after any failure; whoever asked it makes another one.

    Answers end with the fact `answered`, and the number that was asked with, so that none is taken for
    another one. Its standard error is not read: what is said there is bounded by the channel's window.
    """

    def __init__(
        self, node: str, process: Process, nonce: str, opening: bytes, leave: Callable[[], Awaitable[None]]
    ) -> None:
        """`opening` is sent with the first question; `leave` frees the place on the connection."""
        self._node = node
        self._process = process
        self._nonce = nonce
        self._opening = opening
        self._leave = leave
        self._asked = 0

    async def ask(self, word: str, *, timeout: float) -> bytes:
        """The facts of one look. Raises NodeUnreachable, ScriptFailed."""
        self._asked += 1
        first, self._opening = self._opening, b""
        end = f"\nanswered ={self._asked}\n".encode()
        async with self._failing(timeout):
            answer = await self._process.ask(
                first + f"{self._asked} {word}\n".encode(), end, limit=_MOST_BYTES
            )
        return after(self._nonce, answer)[1] if first else answer

    async def close(self) -> None:
        """Ends it there, too: its input ends."""
        await self._leave()

    @contextlib.asynccontextmanager
    async def _failing(self, timeout: float) -> AsyncIterator[None]:
        """Closes it for any reason for which its answer is not the one that was asked for."""
        try:
            async with asyncio.timeout(timeout):
                yield
        except BaseException as error:
            await self._leave()
            match error:
                case TimeoutError():
                    words = f"no answer to a look within {timeout:g} s."
                    raise NodeUnreachable(words, node=self._node) from error
                case TooMuchOutputError():
                    raise ScriptFailed(f"the node sent {error}.", node=self._node, safe="") from error
                case EOFError() | OSError() | SSHException() if self._process.lost:
                    raise LostConnection("the connection was lost.", node=self._node) from error
                case EOFError() | OSError() | SSHException():
                    raise ScriptFailed("the look that stays there has ended.", node=self._node) from error
            raise
