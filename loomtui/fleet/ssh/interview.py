"""One conversation of keyboard-interactive authentication (RFC 4256) over paramiko.

paramiko's own way wants the answers in the thread that reads from the server. While somebody types, no
message would be read, and nobody would notice that the server has hung up. So the questions are handed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paramiko import Message
from paramiko.auth_handler import AuthHandler
from paramiko.common import cMSG_USERAUTH_INFO_RESPONSE, cMSG_USERAUTH_REQUEST

from loomtui.fleet.ssh.challenge import Challenge, read_challenge
from loomtui.fleet.ssh.client import THREADS, BadAuthenticationType, SSHException, Transport

#: Seconds for the server's next message. Before it, PAM may wait for somebody to confirm on a telephone; sshd
#: itself hangs up after 120 (LoginGraceTime).
_PATIENCE_SECONDS = 150.0


@dataclass(frozen=True)
class LetIn:
    """`further` are the methods that the server wants besides; usually none."""

    further: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """The answers were not right. `methods` are those that the server has, if this one is not among them."""

    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class HungUp:
    """The connection is gone, or the server no longer says anything."""


Ending = LetIn | Refused | HungUp


class Interview:
    """Begins when it is made. `next` gives what the server asks, one after the other, and how it ended."""

    def __init__(self, transport: Transport, user: str) -> None:
        self._transport = transport
        self._arrived: asyncio.Queue[Challenge | Ending] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._handler = _Handler(transport, self._deliver)
        THREADS.start(lambda: self._deliver(self._handler.converse(user)))

    @property
    def alive(self) -> bool:
        """Whether the server can still be answered."""
        return self._transport.is_active()

    async def next(self) -> Challenge | Ending:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._arrived.get()
        except TimeoutError:
            return HungUp()

    async def reply(self, answers: Sequence[str]) -> None:
        """Sends them; if the connection is gone, `next` tells."""
        await THREADS.run(self._handler.reply, answers)

    def _deliver(self, item: Challenge | Ending) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self._loop.call_soon_threadsafe(self._arrived.put_nowait, item)


class _Handler(AuthHandler):
    """Hands the questions over and reads on."""

    def __init__(self, transport: Transport, deliver: Callable[[Challenge], None]) -> None:
        super().__init__(transport)
        self._owner = transport
        self._hand_over = deliver

    def converse(self, user: str) -> Ending:
        """Blocks until the server has decided, or the connection is gone. Never raises.

        Another method has been tried before. paramiko would ask for the service `ssh-userauth` once more, and
        servers that are not OpenSSH take that amiss.
        """
        event = self.auth_event = threading.Event()
        self.auth_method, self.username = "keyboard-interactive", user
        usual = self._owner.auth_timeout
        self._owner.auth_handler = self
        request = Message()
        request.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (user, "ssh-connection", self.auth_method, "", ""):
            request.add_string(text)
        try:
            # Only the server's patience bounds how long somebody may type.
            self._owner.auth_timeout = None  # type: ignore[assignment]
            self._send(request)
            return LetIn(tuple(self.wait_for_response(event)))
        except BadAuthenticationType as error:
            return Refused(tuple(error.allowed_types))
        except (SSHException, EOFError, OSError):
            return Refused() if self._owner.is_active() else HungUp()
        finally:
            self._owner.auth_timeout = usual

    def reply(self, answers: Sequence[str]) -> None:
        message = Message()
        message.add_byte(cMSG_USERAUTH_INFO_RESPONSE)
        message.add_int(len(answers))
        for answer in answers:
            message.add_string(answer.encode("utf-8", "replace"))
        with contextlib.suppress(SSHException, EOFError, OSError):
            self._send(message)

    def _send(self, message: Message) -> None:
        self._owner._send_message(message)  # type: ignore[attr-defined]

    def _parse_userauth_info_request(self, message: Message) -> None:
        """paramiko calls it for SSH_MSG_USERAUTH_INFO_REQUEST, in the thread that reads."""
        self._hand_over(read_challenge(message))
