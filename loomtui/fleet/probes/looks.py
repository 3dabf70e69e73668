"""One look at a node takes one round trip, and everything in it is optional.

Private keys never leave the node.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import posixpath
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from loomtui.errors import HostKeyRefused, LoomtuiError, NodeUnreachable, Unreachable
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import Active, ClusterStatus, Led, NodeStatus, ServiceState
from loomtui.fleet.probes.service_state import flaps, node_clock, read_service, read_show
from loomtui.fleet.probes.unit_sources import read_around
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session
from loomtui.loom.config import read_config_toml
from loomtui.loom.databases import BLOCK_DATA, NEEDED_DATABASES, NODE_KEY, VALIDATOR
from loomtui.loom.launch.sources import Sources
from loomtui.loom.nodekey import NodeKeyFacts, from_public_key
from loomtui.loom.rpc import ChainFacts, RpcError, read_net_info, read_status, read_validators
from loomtui.loom.units import EffectiveUnit, read_cat
from loomtui.loom.validator import ValidatorFacts, read_validator
from loomtui.text import clean_line

_STATUS = InspectScript("status")
_PATIENCE_SECONDS = 3.0  # with a node that could not be reached the last time; connecting goes on meanwhile
_CLOSED = "unreadable"
_UNTOLD = "untold"
_FILE_PROBLEMS = {
    "missing": "missing",
    "odd": "not a regular file",
    _CLOSED: "not readable without root rights",
    "large": "larger than 65536 bytes",
    "empty": "empty",
    "cut": "not a whole JSON object",
    _UNTOLD: "not known: loom's configuration does not tell plainly which file it is",
}
#: Of these it is not known either whether there is a key.
_UNSEEN = frozenset({_CLOSED, _UNTOLD})
#: The settings of config.toml that a look follows, and where each usually leads.
_FOLLOWED = {"node_key_file": NODE_KEY, "priv_validator_file": VALIDATOR, "db_dir": BLOCK_DATA}

#: What each session's node said of its loom program, by the program file's stamp.
_versions: WeakKeyDictionary[Session, tuple[str, str | None]] = WeakKeyDictionary()


async def look(
    fleet: Fleet,
    previous: ClusterStatus | None = None,
    *,
    timeout: float = 15,
    on_status: Callable[[NodeStatus], None] | None = None,
) -> ClusterStatus:
    """Looks at all nodes at once. Never raises for a node; `seen` is called as each answer comes in."""
    before = {node.name: node for node in previous.nodes} if previous else {}

    async def one(name: str) -> NodeStatus:
        status = await look_at(fleet.session(name), before.get(name), timeout=timeout)
        if on_status:
            on_status(status)
        return status

    nodes = await asyncio.gather(*(one(name) for name in fleet.names))
    return ClusterStatus(datetime.now(UTC), tuple(nodes))


async def look_at(session: Session, previous: NodeStatus | None, *, timeout: float = 15) -> NodeStatus:
    """Looks once; `previous` shows whether the service flaps. Never raises a LoomtuiError."""
    node = session.node
    try:
        await _connect_unless_away(session, previous)
        stamp, known = _versions.get(session, ("-", None))
        begin = time.time()
        output = await session.inspect(_STATUS, *_arguments(session, stamp), timeout=timeout)
        end = time.time()
        facts = read_facts(output.stdout)
        status = read_node_status(session, facts, begin, end)
        if status.unit is not None:
            status = replace(status, unit=await read_around(session, status.unit, timeout=timeout))
        version = _version(facts) if "version" in facts else known
        _versions[session] = (facts.line("version.stamp", "-"), version)
        status = replace(status, version=version, service=_with_flapping(status.service, previous))
        return status if facts.line("rpc.tool") != "none" else await _ask_from_here(session, status, facts)
    except LoomtuiError as error:
        reached = session.connected and not isinstance(error, Unreachable)
        refused = isinstance(error, HostKeyRefused)
        return NodeStatus(node.name, node.role, datetime.now(UTC), reached, error=error.what, refused=refused)


async def _connect_unless_away(session: Session, previous: NodeStatus | None) -> None:
    """Connects, but a node that is known to be away does not hold up every refresh."""
    if session.connected or previous is None or previous.reachable:
        await session.rights()
        return
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await session.rights()
    except TimeoutError as error:
        raise NodeUnreachable(previous.error or "it does not answer.", node=session.node.name) from error


def _arguments(session: Session, stamp: str) -> tuple[str, ...]:
    loom = session.loom
    return (
        loom.unit_name,
        loom.working_directory,
        loom.binary,
        loom.unit_file,
        str(loom.ports.rpc),
        stamp,
    )


def read_node_status(session: Session, facts: Facts, begin: float, end: float) -> NodeStatus:
    """What the `status` script found between `begin` and `end`, seconds since the epoch by our clock."""
    node = session.node
    offset = _offset(facts, begin, end)
    now = node_clock(end + (offset or 0)) or datetime.now(UTC)
    chain, chain_error = read_chain(facts)
    total, free = _disk(facts.line("disk"))
    return NodeStatus(
        name=node.name,
        role=node.role,
        at=datetime.now(UTC),
        reachable=True,
        service=_service(session.loom.unit_name, facts, now),
        unit=_unit(session.loom.unit_name, facts),
        node_key=read_key(facts),
        validator=read_validator_facts(facts),
        chain=chain,
        chain_error=chain_error,
        disk_free_bytes=free,
        disk_total_bytes=total,
        clock_offset_seconds=offset,
        lock=read_lock(facts.text("lock")),
        suspended=tuple(clean_line(value, limit=400) for value in facts.all("suspended")),
        missing_databases=_missing_databases(facts),
        led=_led(facts),
    )


def _led(facts: Facts) -> tuple[Led, ...]:
    """Where config.toml leads Loom for what usually lies elsewhere."""
    folder = facts.line("dir")
    places = {key: facts.line(f"place/{key}") for key in _FOLLOWED}
    return tuple(
        Led(key, place)
        for key, usual in _FOLLOWED.items()
        if (place := places[key]) and posixpath.normpath(place) != posixpath.join(folder, usual)
    )


def _missing_databases(facts: Facts) -> tuple[str, ...] | None:
    if "databases" not in facts or _is_misread(facts):
        return None
    there = {clean_line(name) for name in facts.all("database")}
    return tuple(name for name in NEEDED_DATABASES if name not in there)


def _service(unit: str, facts: Facts, now: datetime) -> ServiceState:
    shown = read_show(facts.get("show", b"").decode("utf-8", "replace"))
    since = facts.number("hold.since")
    return read_service(
        unit,
        shown,
        now=now,
        uptime=_float(facts.line("uptime")),
        hold=facts.text("hold"),
        held_since=node_clock(since) if since is not None else None,
    )


def _with_flapping(service: ServiceState | None, previous: NodeStatus | None) -> ServiceState | None:
    if service is not None and flaps(previous.service if previous else None, service):
        return replace(service, active=Active.FLAPPING)
    return service


def _unit(name: str, facts: Facts) -> EffectiveUnit | None:
    text = facts.get("cat", b"").decode("utf-8", "replace")
    return read_cat(text, Sources(name, facts.line("host"), facts.line("dir"))) if text.strip() else None


def read_key(facts: Facts) -> NodeKeyFacts:
    """The node's identity, from the public half that the node sent."""
    state = _UNTOLD if _is_misread(facts) else facts.line("node_key.state", "missing")
    if state != "good":
        problem = _problem_of(facts, "node_key_file", state)
        return NodeKeyFacts(None, None, problem, closed=state in _UNSEEN)
    if kind := facts.line("node_key.type").replace("tendermint/PrivKeyEd25519", ""):
        return NodeKeyFacts(None, None, f"a key of type {kind}, not ed25519")
    if not facts.get("node_key.public"):
        return NodeKeyFacts(None, None, "its priv_key is not base64 of 64 bytes")
    return from_public_key(facts.line("node_key.public"))


def read_validator_facts(facts: Facts) -> ValidatorFacts:
    """The validator key and its signing state, from the fields that the node picked out of the file."""
    state = _UNTOLD if _is_misread(facts) else facts.line("validator.state", "missing")
    if state != "good":
        problem = _problem_of(facts, "priv_validator_file", state)
        absent, closed = state == "missing", state in _UNSEEN
        return ValidatorFacts(None, None, None, problem=problem, absent=absent, closed=closed)
    document = _signing_fields(facts)
    document["address"] = facts.line("validator.address")
    document["pub_key"] = {"type": "tendermint/PubKeyEd25519", "value": facts.line("validator.public")}
    document["key_id"] = "the private part stays on the node"
    validator = read_validator(json.dumps(document))
    private = facts.line("validator.private")
    problems = {
        "other": "priv_key and pub_key are not a pair",
        "bad": "priv_key is not base64 of 64 bytes",
        "none": "neither a priv_key nor a key_id is in it",
    }
    return replace(validator, hsm=private == "hsm", problem=validator.problem or problems.get(private))


def _signing_fields(facts: Facts) -> dict[str, object]:
    """The numbers as they stand in the file, in quotes or without; what is no number stays none."""
    document: dict[str, object] = {}
    for name in ("last_height", "last_round", "last_step"):
        number, form = facts.number(f"validator.{name}"), facts.line(f"validator.form/{name}", "absent")
        if form != "absent":
            document[name] = {"plain": number, "quoted": facts.line(f"validator.{name}")}.get(form, "?")
    return document


def _is_misread(facts: Facts) -> bool:
    """Whether config.toml, which moves something, is no TOML: then Loom passes over all of it."""
    text = facts.get("config_toml", b"").decode("utf-8", "replace")
    return read_config_toml(text).unreadable


def _problem_of(facts: Facts, key: str, state: str) -> str:
    """Why there is no key, with the file's place where config.toml moves it."""
    problem = _FILE_PROBLEMS.get(state, "unknown")
    moved = next((led for led in _led(facts) if led.key == key), None)
    return problem if moved is None else f"{problem} ({moved.text})"


def read_chain(facts: Facts) -> tuple[ChainFacts | None, str | None]:
    """What the RPC said of the chain, or why it said nothing."""
    if "rpc.status" not in facts:
        return None, facts.line("rpc.error") or None
    try:
        chain = read_status(facts["rpc.status"])
        chain = read_net_info(facts["rpc.net_info"], chain) if "rpc.net_info" in facts else chain
        return _with_members(chain, facts.get("rpc.validators", b"")), None
    except RpcError as error:
        return None, clean_line(str(error))


def _with_members(chain: ChainFacts, body: bytes) -> ChainFacts:
    """Adds the set of validators.

    An answer without one leaves it unknown: a node without blocks gives an error.
    """
    with contextlib.suppress(RpcError):
        return replace(chain, members=read_validators(body))
    return chain


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
            chain = _with_members(chain, members)
        return replace(status, chain=chain, chain_error=None)
    except LoomtuiError as error:
        return replace(status, chain_error=error.what)
    except ValueError as error:  # RpcError is one
        return replace(status, chain_error=clean_line(str(error)))


def read_lock(text: str | None) -> str | None:
    """Who holds the node, in words, or None if nobody does."""
    if text is None:
        return None
    try:
        owner = json.loads(text)
        holder = [clean_line(str(owner[name]), limit=80) for name in ("run", "who", "from", "since")]
    except (ValueError, KeyError, TypeError, RecursionError):
        return clean_line(text, limit=200) or "an unreadable lock"
    return "run {} of {} on {}, since {}".format(*holder)


def _version(facts: Facts) -> str | None:
    """The first line that looks like a version, because the program may also say that it cannot start."""
    lines = (clean_line(line, limit=100) for line in facts["version"].splitlines())
    return next((line for line in lines if re.search(r"\d", line) and not _COMPLAINT.match(line)), None)


_COMPLAINT = re.compile(r"(?i)panic|error|goroutine|usage|unknown|fatal|\t|timeout")


def _disk(line: str) -> tuple[int | None, int | None]:
    """Total and free bytes, from `df -Pk`."""
    match = re.fullmatch(r"(\d{1,18}) (-?\d{1,18})", line)
    return (int(match[1]) * 1024, max(0, int(match[2])) * 1024) if match else (None, None)


def _offset(facts: Facts, begin: float, end: float) -> float | None:
    """The node's clock minus ours, in seconds. As in NTP, both ways are taken to be equally long."""
    first, last = _float(facts.line("clock.begin")), _float(facts.line("clock.end"))
    if first is None or last is None:
        return None
    return ((first - begin) + (last - end)) / 2


def _float(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,12}(\.\d{1,12})?", text) else None
