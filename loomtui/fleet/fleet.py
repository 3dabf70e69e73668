"""All nodes of one inventory, each behind its session."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from loomtui.errors import LoomtuiError
from loomtui.fleet.scripts import Ran
from loomtui.fleet.session import Session, WritableSession
from loomtui.fleet.ssh.connector import Connector
from loomtui.fleet.ssh.prompter import Prompter, Refuse, Secrets
from loomtui.inventory.model import Inventory

__all__ = ["Fleet", "Prompter", "Refuse", "WritableFleet"]

_RAN_KEPT = 10_000


class Fleet:
    """A fleet that can only look: its sessions take no ChangeScript."""

    _session_type: type[Session] = Session

    def __init__(self, inventory: Inventory, prompter: Prompter) -> None:
        self.inventory = inventory
        self.ran: deque[Ran] = deque(maxlen=_RAN_KEPT)  # every remote script that was run, the latest last
        secrets = Secrets(prompter)
        self._connector = Connector(secrets)
        self._dialling: list[asyncio.Task[None]] = []
        self._sessions = {
            node.name: self._session_type(
                node, inventory.ssh_of(node), inventory.loom_of(node), self._connector, secrets, self._record
            )
            for node in inventory.nodes
        }

    def _record(self, node: str, kind: str, name: str) -> None:
        self.ran.append(Ran(node, kind, name))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._sessions)

    def session(self, name: str) -> Session:
        """Raises KeyError for a node that is not in the inventory."""
        return self._sessions[name]

    async def connect(self) -> Mapping[str, LoomtuiError | None]:
        """Connects to all nodes at once. Gives for each node None, or why it cannot be reached."""

        async def one(session: Session) -> LoomtuiError | None:
            try:
                await session.connect()
            except LoomtuiError as error:
                return error
            return None

        self.ask_again()
        outcomes = await asyncio.gather(*(one(session) for session in self._sessions.values()))
        return dict(zip(self._sessions, outcomes, strict=True))

    def dial(self) -> None:
        """Begins to connect to all nodes. Who needs one later finds it connected, or does not wait for it."""

        async def one(session: Session) -> None:
            with suppress(LoomtuiError):
                await session.ready()

        self._dialling = [asyncio.create_task(one(session)) for session in self._sessions.values()]

    def ask_again(self) -> None:
        """Lets every node be dialled at once, also where a login was refused or nobody gave the code."""
        self._connector.forget_refusals()
        for session in self._sessions.values():
            session.forget_refusal()

    async def close(self) -> None:
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
        self._connector.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class WritableFleet(Fleet):
    """A fleet that can also change its nodes."""

    _session_type = WritableSession

    def session(self, name: str) -> WritableSession:
        """Raises KeyError for a node that is not in the inventory."""
        session = self._sessions[name]
        assert isinstance(session, WritableSession)  # noqa: S101 - `_session_type` made it
        return session
