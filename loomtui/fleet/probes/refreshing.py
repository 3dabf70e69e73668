"""Looks at a node again, for one that was looked at before: only what has changed comes back.

A shell stays on the node for it (`watch.sh`). What lies in files is read there where a file was changed; all
of it is read again, with the disk, the version, the clock and the set of validators, every half minute and
whenever systemd says something else of the service.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.facts import Facts, joined, read_facts
from loomtui.fleet.look_shell import LookShell
from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.fleet.probes.status_facts import (
    clock_offset,
    read_chain,
    read_node_status,
    read_validator_facts,
)
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session
from loomtui.fleet.ssh.connection import LostConnection

_WATCH = InspectScript("watch")
_ALL_AFTER_SECONDS = 30.0
#: Shells in a row that gave no answer, after which the node is looked at without one.
_MOST_FAILURES = 3
#: The parts that each answer tells, or says to be as before.
_ALWAYS = frozenset({"service", "unit", "files", "signing", "chain"})
_SOMETIMES = frozenset({"members", "machine", "clock"})
#: What stays as it was if of all parts at most these have changed.
_QUICK = frozenset({"signing", "chain"})
_NOTHING = Facts(iter(()))


class GarbledError(Exception):
    """An answer that the script does not give."""


@dataclass(frozen=True)
class Answer:
    """One look. `loose` are the facts of no part."""

    loose: Facts
    parts: Mapping[str, Facts]
    same: frozenset[str]


def read_answer(text: bytes) -> Answer:
    """Raises GarbledError."""
    parts: dict[str, list[bytes]] = {}
    same: set[str] = set()
    lines: list[bytes] = []
    loose = lines
    for line in text.split(b"\n"):
        kind, _, name = line.partition(b" =")
        if kind == b"part":
            lines = parts.setdefault(_name_of(name), [])
        elif kind == b"same":
            same.add(_name_of(name))
            lines = loose
        else:
            lines.append(line)
    told = _ALWAYS - parts.keys() - same
    if told:
        raise GarbledError(f"it says nothing of {', '.join(sorted(told))}")
    facts = {name: read_facts(b"\n".join(own)) for name, own in parts.items()}
    return Answer(read_facts(b"\n".join(loose)), facts, frozenset(same - parts.keys()))


def _name_of(name: bytes) -> str:
    part = name.decode("ascii", "replace")
    if part not in _ALWAYS | _SOMETIMES:
        raise GarbledError("it has a part that is not known")
    return part


@dataclass(frozen=True)
class Seen:
    """What a look found. `whole` means that more than the chain and the signing state may have changed."""

    status: NodeStatus
    facts: Facts
    whole: bool


class Refresher:
    """Looks at one node again and again. It keeps what its shell told, and replaces one that fails."""

    def __init__(self) -> None:
        self._shell: LookShell | None = None
        self._failures = 0
        self._busy = asyncio.Lock()
        self._parts: dict[str, Facts] = {}
        self._all_at = 0.0  # by the monotonic clock
        self._offset: float | None = None
        self._last: NodeStatus | None = None

    def keep(self, status: NodeStatus) -> None:
        """The status of the last look, with all that it takes further looks to know."""
        self._last = status

    async def look(self, session: Session, args: tuple[str, ...], timeout: float) -> Seen | None:
        """None means that the node has to be looked at without a shell.

        Raises NodeUnreachable for one that does not answer within `timeout` seconds.
        """
        if self._busy.locked() or self._failures >= _MOST_FAILURES:
            return None
        async with self._busy:
            shell = self._shell or await self._begin(session, args)
            if shell is None:
                return None
            try:
                seen = await self._ask(shell, session, timeout)
            except LostConnection:
                self._forget()
                return None
            except NodeUnreachable:
                self._forget()
                raise
            except (LoomtuiError, GarbledError):
                self._failures += 1
                self._forget()
                await shell.close()
                return None
            self._failures = 0
            return seen

    async def _begin(self, session: Session, args: tuple[str, ...]) -> LookShell | None:
        """A new shell, or None if there is no room for one, or the connection was lost."""
        try:
            self._shell = await session.stay(_WATCH, *args)
        except LoomtuiError:
            self._failures += 1
        return self._shell

    def _forget(self) -> None:
        self._shell, self._last = None, None
        self._parts.clear()

    async def _ask(self, shell: LookShell, session: Session, timeout: float) -> Seen | None:
        """None means that systemd does not answer. Raises LoomtuiError, GarbledError."""
        everything = not self._parts or time.monotonic() - self._all_at > _ALL_AFTER_SECONDS
        begin = time.time()
        text = await shell.ask("all" if everything else "new", timeout=timeout)
        end = time.time()
        if text.startswith(b"failed ="):
            return None
        answer = read_answer(text)
        if not answer.same <= self._parts.keys():
            raise GarbledError("it says that a part is as before, and never told it")
        self._parts |= answer.parts
        if "machine" in answer.parts:
            self._all_at = time.monotonic()
        if "clock" in answer.parts:
            self._offset = clock_offset(answer.parts["clock"], begin, end)
        changed = answer.parts.keys()
        if self._last is not None and changed <= _QUICK:
            return Seen(self._quickly(self._last, changed), self._parts["files"], whole=False)
        facts = joined(answer.loose, *self._parts.values())
        status = read_node_status(session.node, session.loom.unit_name, facts, end, self._offset)
        return Seen(status, facts, whole=True)

    def _quickly(self, last: NodeStatus, changed: Set[str]) -> NodeStatus:
        """The last status, with what changes at every look."""
        chain, error = read_chain(joined(self._parts["chain"], self._parts.get("members", _NOTHING)))
        status = replace(last, at=datetime.now(UTC), chain=chain, chain_error=error)
        if "signing" in changed:
            facts = joined(self._parts["files"], self._parts["signing"])
            status = replace(status, validator=read_validator_facts(facts))
        return status
