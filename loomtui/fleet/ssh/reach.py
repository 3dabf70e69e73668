"""Whether a node reaches another machine. Its sshd opens a TCP connection to it (RFC 4254, section 7.2)."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from loomtui.fleet.ssh import paramiko_words
from loomtui.fleet.ssh.client import (
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    THREADS,
    Channel,
    ChannelException,
    SSHException,
    Transport,
)
from loomtui.text import clean_line


@dataclass(frozen=True)
class Reach:
    reached: bool | None  # None: it could not be tried
    words: str  # what came of it, for the operator


async def reach(transport: Transport, host: str, port: int, *, timeout: float) -> Reach:
    """Tries it within `timeout` seconds, and closes the connection at once.

    Never raises for what it finds.
    """
    opening = _Opening(transport)
    try:
        async with asyncio.timeout(timeout):
            await THREADS.run(opening.open, host, port, timeout)
    except TimeoutError:
        return Reach(False, f"no connection within {timeout:g} s")
    except ChannelException as error:
        if error.code == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
            return Reach(None, "the node's sshd does not let it be tried")
        return Reach(False, f"no connection ({clean_line(error.text, limit=80)})")
    except (SSHException, OSError, EOFError) as error:
        words = clean_line(str(error), limit=200)
        # paramiko's own deadline, when it comes first
        reached = False if paramiko_words.is_timeout(error) else None
        return Reach(reached, words or "the connection was lost")
    finally:
        THREADS.start(opening.close)
    return Reach(True, "reached")


class _Opening:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._channel: Channel | None = None

    def open(self, host: str, port: int, timeout: float) -> None:
        self._channel = self._transport.open_channel(
            "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout
        )

    def close(self) -> None:
        if self._channel is not None:
            with contextlib.suppress(Exception):
                self._channel.close()
