"""One look at a node takes one round trip, and everything in it is optional.

Private keys never leave the node.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from loomtui.errors import HostKeyRefused, LoomtuiError, NodeUnreachable, Unreachable
from loomtui.fleet.batch import Look
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import Active, ClusterStatus, NodeStatus, ServiceState
from loomtui.fleet.probes.refreshing import Refresher
from loomtui.fleet.probes.service_state import flaps
from loomtui.fleet.probes.status_facts import clock_offset, read_node_status, read_version, with_members
from loomtui.fleet.probes.unit_sources import read_around
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Output, Session
from loomtui.loom.rpc import read_net_info, read_status
from loomtui.text import clean_line

_STATUS = InspectScript("status")
_IDENTITY = InspectScript("identity")
_PATIENCE_SECONDS = 3.0  # with a node that could not be reached the last time; connecting goes on meanwhile

#: What each session's node said of its loom program, by the program file's stamp.
_versions: WeakKeyDictionary[Session, tuple[str, str | None]] = WeakKeyDictionary()
_refreshers: WeakKeyDictionary[Session, Refresher] = WeakKeyDictionary()


async def look(
    fleet: Fleet,
    previous: ClusterStatus | None = None,
    *,
    timeout: float = 15,
    on_status: Callable[[NodeStatus], None] | None = None,
) -> ClusterStatus:
    """Looks at all nodes at once. Never raises for a node; `on_status` is called as each answer comes in."""
    before = {node.name: node for node in previous.nodes} if previous else {}

    async def one(name: str) -> NodeStatus:
        status = await look_at(fleet.session(name), before.get(name), timeout=timeout)
        if on_status:
            on_status(status)
        return status

    nodes = await asyncio.gather(*(one(name) for name in fleet.names))
    return ClusterStatus(datetime.now(UTC), tuple(nodes))


async def look_at(session: Session, previous: NodeStatus | None, *, timeout: float = 15) -> NodeStatus:
    """Looks once; `previous` shows whether the service flaps. Never raises a LoomtuiError.

    Without a `previous`, everything is looked at afresh. With one, what lies in files may be as it was half a
    minute ago if nobody changed them since.
    """
    node = session.node
    try:
        await _connect_unless_away(session, previous)
        again = await _look_again(session, previous, timeout) if previous and previous.reachable else None
        return again or await _look_afresh(session, previous, timeout)
    except LoomtuiError as error:
        reached = session.connected and not isinstance(error, Unreachable)
        refused = isinstance(error, HostKeyRefused)
        return NodeStatus(node.name, node.role, datetime.now(UTC), reached, error=error.what, refused=refused)


async def _look_afresh(session: Session, previous: NodeStatus | None, timeout: float) -> NodeStatus:
    begin, part = time.time(), status_look(session)
    output = await session.inspect(part.script, *part.args, timeout=timeout)
    return await read_look(session, output, begin, previous, timeout=timeout)


def status_look(session: Session) -> Look:
    """The look as a part of a batch; `read_look` reads what it printed."""
    return Look(_STATUS, _arguments(session))


def identity_look(session: Session) -> Look:
    """What a stopped node can tell, as a part of a batch; `read_identity` reads what it printed."""
    return Look(_IDENTITY, _arguments(session))


async def read_identity(session: Session, output: Output, *, timeout: float = 15) -> NodeStatus:
    """What `identity_look` printed. Nothing of the chain, the disk, the clock and the program is in it.

    Asks the node further where that does not tell all of its unit. Raises LoomtuiError.
    """
    facts = read_facts(output.stdout)
    status = read_node_status(session.node, session.loom.unit_name, facts, time.time(), None)
    if status.unit is None:
        return status
    return replace(status, unit=await read_around(session, status.unit, timeout=timeout))


async def read_look(
    session: Session, output: Output, begin: float, previous: NodeStatus | None = None, *, timeout: float = 15
) -> NodeStatus:
    """What `status_look` printed; it began at `begin`, seconds since the epoch by our clock.

    Asks the node further where that does not tell all. Raises LoomtuiError.
    """
    end = time.time()
    facts = read_facts(output.stdout)
    status = read_node_status(
        session.node, session.loom.unit_name, facts, end, clock_offset(facts, begin, end)
    )
    status = await _looked_further(session, status, facts, timeout)
    return await _for_now(session, status, facts, previous)


async def _look_again(session: Session, previous: NodeStatus, timeout: float) -> NodeStatus | None:
    """None if the node has to be looked at afresh."""
    refresher = _refreshers.setdefault(session, Refresher())
    seen = await refresher.look(session, _arguments(session), timeout)
    if seen is None:
        return None
    status = seen.status
    if seen.whole:
        status = await _looked_further(session, status, seen.facts, timeout)
    refresher.keep(status)
    return await _for_now(session, status, seen.facts, previous)


async def _looked_further(session: Session, status: NodeStatus, facts: Facts, timeout: float) -> NodeStatus:
    """With what the unit's command depends on, and the version of the program."""
    if status.unit is not None:
        status = replace(status, unit=await read_around(session, status.unit, timeout=timeout))
    _, known = _versions.get(session, ("-", None))
    version = read_version(facts) if "version" in facts else known
    _versions[session] = (facts.line("version.stamp", "-"), version)
    return replace(status, version=version)


async def _for_now(
    session: Session, status: NodeStatus, facts: Facts, previous: NodeStatus | None
) -> NodeStatus:
    """With what only holds for this look."""
    status = replace(status, service=_with_flapping(status.service, previous))
    return status if facts.line("rpc.tool") != "none" else await _ask_from_here(session, status, facts)


def _with_flapping(service: ServiceState | None, previous: NodeStatus | None) -> ServiceState | None:
    if service is not None and flaps(previous.service if previous else None, service):
        return replace(service, active=Active.FLAPPING)
    return service


async def _connect_unless_away(session: Session, previous: NodeStatus | None) -> None:
    """Connects, but a node that is known to be away does not hold up every refresh."""
    if session.connected or previous is None or previous.reachable:
        await session.ready()
        return
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await session.ready()
    except TimeoutError as error:
        raise NodeUnreachable(previous.error or "it does not answer.", node=session.node.name) from error


def _arguments(session: Session) -> tuple[str, ...]:
    loom, (stamp, _) = session.loom, _versions.get(session, ("-", None))
    return (
        loom.unit_name,
        loom.working_directory,
        loom.binary,
        loom.unit_file,
        str(loom.ports.rpc),
        stamp,
    )


async def _ask_from_here(session: Session, status: NodeStatus, facts: Facts) -> NodeStatus:
    """Asks the same question through the SSH connection, for nodes without curl and wget."""
    host, _, port = facts.line("rpc.address").rpartition(":")
    try:
        body = await session.http_get(host.strip("[]"), int(port), "/status", timeout=5)
        chain = read_status(body)
        peers = await session.http_get(host.strip("[]"), int(port), "/net_info", timeout=5)
        chain = read_net_info(peers, chain)
        with contextlib.suppress(LoomtuiError):
            members = await session.http_get(host.strip("[]"), int(port), "/validators", timeout=5)
            chain = with_members(chain, members)
        return replace(status, chain=chain, chain_error=None)
    except LoomtuiError as error:
        return replace(status, chain_error=error.what)
    except ValueError as error:  # RpcError is one
        return replace(status, chain_error=clean_line(str(error)))
