"""The expensive look at a node, before a plan is made."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from loomtui.errors import LoomtuiError
from loomtui.fleet.batch import Look
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.backup_jobs import find_backup_jobs
from loomtui.fleet.probes.looks import identity_look, look_at, read_identity, read_look, status_look
from loomtui.fleet.probes.node_status import NodeDetails, NodeStatus
from loomtui.fleet.probes.service_state import node_clock
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session
from loomtui.loom.databases import STATE_NAMES
from loomtui.loom.nodekey import read_nodekey_output
from loomtui.text import clean_line

_DETAILS = InspectScript("details")
_NODEKEY = InspectScript("nodekey")
_TIMEOUT = 120.0  # du over large databases


async def node_details(fleet: Fleet, names: Iterable[str]) -> Mapping[str, NodeDetails | LoomtuiError]:
    """The details of many nodes at once. A node that fails gives its error."""

    async def one(name: str) -> NodeDetails | LoomtuiError:
        try:
            return await details(fleet.session(name))
        except LoomtuiError as error:
            return error

    names = tuple(names)
    return dict(zip(names, await asyncio.gather(*(one(name) for name in names)), strict=True))


async def details(session: Session, status: NodeStatus | None = None) -> NodeDetails:
    """The details of one node, with a new status if none is given. Raises LoomtuiError."""
    status = status or await look_at(session, None)
    loom = session.loom
    unit = status.unit.files[0].path if status.unit and status.unit.files else ""
    output, reported, backups = await asyncio.gather(
        session.inspect(_DETAILS, loom.unit_name, loom.working_directory, *STATE_NAMES, timeout=_TIMEOUT),
        session.inspect(_NODEKEY, loom.unit_name, loom.working_directory, loom.binary),
        find_backup_jobs(session, unit or loom.unit_file, loom.working_directory),
    )
    node_details = read_details(read_facts(output.stdout), read_facts(reported.stdout), status)
    return replace(node_details, backups=backups)


async def identity_details(
    fleet: Fleet, names: Iterable[str], stopped: Container[str] = ()
) -> Mapping[str, NodeDetails | LoomtuiError]:
    """As `node_details`, in one round trip to each node, and only what a comparison of identities needs.

    The databases are not measured, and backup.sh is not looked for. Of nodes that are `stopped` is only asked
    what these can tell.
    """

    async def one(name: str) -> NodeDetails | LoomtuiError:
        try:
            session = fleet.session(name)
            return await (_stopped_identity(session) if name in stopped else _identity(session))
        except LoomtuiError as error:
            return error

    names = tuple(names)
    return dict(zip(names, await asyncio.gather(*(one(name) for name in names)), strict=True))


async def _identity(session: Session) -> NodeDetails:
    loom, begin = session.loom, time.time()
    status, described, reported = await session.inspect_all(
        status_look(session),
        Look(_DETAILS, (loom.unit_name, loom.working_directory)),
        Look(_NODEKEY, (loom.unit_name, loom.working_directory, loom.binary)),
        timeout=_TIMEOUT,
    )
    seen = await read_look(session, status, begin)
    return read_details(read_facts(described.stdout), read_facts(reported.stdout), seen)


async def _stopped_identity(session: Session) -> NodeDetails:
    loom = session.loom
    told, reported = await session.inspect_all(
        identity_look(session), Look(_NODEKEY, (loom.unit_name, loom.working_directory, loom.binary))
    )
    status = await read_identity(session, told)
    return read_details(read_facts(told.stdout), read_facts(reported.stdout), status)


def read_details(facts: Facts, nodekey: Facts, status: NodeStatus) -> NodeDetails:
    """What the scripts `details` and `nodekey` found. Raises LoomtuiError if the user does not exist."""
    user = facts.line("user")
    account = re.fullmatch(r"[^:]*:[^:]*:\d{1,10}:(\d{1,10}):.*", facts.line("account"))
    if not account:
        raise LoomtuiError(
            f"the service runs as {user}, and the node has no such user.",
            node=status.name,
            advice="Make the user, or correct User= of the unit.",
        )
    group = re.fullmatch(r"([^:]*):[^:]*:\d{1,10}:.*", facts.line("group"))
    reported, problem = read_reported(nodekey)
    return NodeDetails(
        name=status.name,
        status=status,
        user=user,
        group=group[1] if group else str(int(account[1])),
        working_directory=facts.line("dir"),
        databases=_sizes(facts),
        texts={name: text.decode("utf-8", "replace") for name, text in _texts(facts).items()},
        modified=_times(facts),
        digests={name: clean_line(value) for name, value in facts.under("digest").items()},
        loom_configs=_lines(facts, "config"),
        addrbook=read_addrbook(facts.get("addrbook", b"")),
        reported_node_id=reported,
        reported_problem=problem,
        tendermint_configs=_lines(facts, "tendermint_config"),
        environment=_lines(facts, "environment"),
        physical={name: clean_line(value) for name, value in facts.under("physical").items()},
        tools=frozenset(_lines(facts, "tool")),
    )


def _texts(facts: Facts) -> Mapping[str, bytes]:
    texts = facts.under("text")
    return {name: value for name, value in texts.items() if not name.endswith(".problem")}


def _sizes(facts: Facts) -> Mapping[str, int]:
    """Bytes of each database. `du` counts in KiB."""
    return {name: (facts.number(f"database/{name}") or 0) * 1024 for name in facts.under("database")}


def _times(facts: Facts) -> Mapping[str, datetime]:
    epochs = {name: facts.number(f"modified/{name}") for name in facts.under("modified")}
    times = {name: node_clock(seconds) for name, seconds in epochs.items() if seconds is not None}
    return {name: at for name, at in times.items() if at is not None}


def _lines(facts: Facts, name: str) -> tuple[str, ...]:
    return tuple(clean_line(value) for value in facts.all(name))


def read_reported(nodekey: Facts) -> tuple[str | None, str | None]:
    """What `loom nodekey` printed, or why it gives nothing to go by."""
    if "not_run" in nodekey:
        return None, nodekey.line("not_run")
    if nodekey.line("before") != nodekey.line("after"):
        return None, "node_key.json changed while `loom nodekey` ran: look at it before anything starts"
    status = nodekey.number("status")
    try:
        return read_nodekey_output(nodekey.get("stdout", b""), 255 if status is None else status), None
    except ValueError as error:
        return None, clean_line(str(error))


def read_addrbook(text: bytes) -> tuple[tuple[str, str], ...]:
    """The ID and host:port of each peer in an addrbook.json; () if it cannot be read."""
    try:
        entries = json.loads(text)["addrs"]
        return tuple(_address(entry["addr"]) for entry in entries)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


def _address(addr: Mapping[str, object]) -> tuple[str, str]:
    shown = [clean_line(str(addr[name]), limit=100) for name in ("id", "ip", "port")]
    host = f"[{shown[1]}]" if ":" in shown[1] else shown[1]
    return shown[0], f"{host}:{shown[2]}"
