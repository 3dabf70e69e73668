"""Makes a status of what the looks `status` and `watch` tell of a node. Everything in it is optional.

Private keys never leave the node.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from loomtui.fleet.facts import Facts
from loomtui.fleet.probes.holder import lock_words, read_holder
from loomtui.fleet.probes.node_status import Led, NodeStatus, ServiceState
from loomtui.fleet.probes.service_state import node_clock, read_service, read_show
from loomtui.inventory.model import Node
from loomtui.loom.config import read_config_toml
from loomtui.loom.databases import BLOCK_DATA, NEEDED_DATABASES, NODE_KEY, VALIDATOR
from loomtui.loom.launch.sources import Sources
from loomtui.loom.nodekey import NodeKeyFacts, from_public_key
from loomtui.loom.rpc import ChainFacts, RpcError, read_net_info, read_status, read_validators
from loomtui.loom.units import EffectiveUnit, read_cat
from loomtui.loom.validator import ValidatorFacts, read_validator
from loomtui.text import clean_line

#: Between the RPC's answers, where several were asked for at once.
_NEXT_ANSWER = b"\n-- answered"
_CLOSED = "unreadable"
_UNTOLD = "untold"
_UNREAD = "unread"
_GOOD = "good"
_FILE_PROBLEMS = {
    "missing": "missing",
    "odd": "not a regular file",
    _CLOSED: "not readable without root rights",
    "large": "larger than 65536 bytes",
    "empty": "empty",
    "cut": "not a whole JSON object",
    _UNTOLD: "not known: loom's configuration does not tell plainly which file it is",
    _UNREAD: "not known: the node did not tell all of it, as one does that is out of memory or processes",
}
#: Of these it is not known either whether there is a key.
_UNSEEN = frozenset({_CLOSED, _UNTOLD, _UNREAD})
#: What the node tells of every good file. A number that is not in the file is a zero of the signing state, so
#: the node says that it has read all of it.
_TOLD_OF_KEY = ("public",)
_TOLD_OF_VALIDATOR = ("public", "private", "signing")
#: The settings of config.toml that a look follows, and where each usually leads.
_FOLLOWED = {"node_key_file": NODE_KEY, "priv_validator_file": VALIDATOR, "db_dir": BLOCK_DATA}


def read_node_status(
    node: Node, unit_name: str, facts: Facts, end: float, offset: float | None
) -> NodeStatus:
    """What a look found that ended at `end`, in seconds since the epoch by our clock.

    `offset` is the node's clock minus ours, in seconds.
    """
    now = node_clock(end + (offset or 0)) or datetime.now(UTC)
    chain, chain_error = read_chain(facts)
    total, free = _disk(facts.line("disk"))
    return NodeStatus(
        name=node.name,
        role=node.role,
        at=datetime.now(UTC),
        reachable=True,
        service=_service(unit_name, facts, now),
        unit=_unit(unit_name, facts),
        node_key=read_key(facts),
        validator=read_validator_facts(facts),
        chain=chain,
        chain_error=chain_error,
        disk_free_bytes=free,
        disk_total_bytes=total,
        load_average=facts.decimal("load"),
        clock_offset_seconds=offset,
        lock=lock_words(facts.text("lock")),
        holder=read_holder(facts.text("lock")),
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
    hold = facts.text("hold")
    if hold is None and "hold.since" in facts:
        hold = ""  # it is there, and could not be read: it holds the node all the same
    return read_service(
        unit,
        shown,
        now=now,
        uptime=facts.decimal("uptime"),
        hold=hold,
        held_since=node_clock(since) if since is not None else None,
    )


def _unit(name: str, facts: Facts) -> EffectiveUnit | None:
    text = facts.get("cat", b"").decode("utf-8", "replace")
    return _read_unit(text, name, facts.line("host"), facts.line("dir")) if text.strip() else None


@lru_cache(maxsize=1024)  # a long list of peers takes long to read, and stays the same from look to look
def _read_unit(text: str, name: str, host: str, folder: str) -> EffectiveUnit:
    return read_cat(text, Sources(name, host, folder))


def read_key(facts: Facts) -> NodeKeyFacts:
    """The node's identity, from the public half that the node sent."""
    state = _state_of(facts, "node_key", _TOLD_OF_KEY)
    if state != _GOOD:
        problem = _problem_of(facts, "node_key_file", state)
        return NodeKeyFacts(None, None, problem, closed=state in _UNSEEN)
    if kind := facts.line("node_key.type").replace("tendermint/PrivKeyEd25519", ""):
        return NodeKeyFacts(None, None, f"a key of type {kind}, not ed25519")
    if not facts.get("node_key.public"):
        return NodeKeyFacts(None, None, "its priv_key is not base64 of 64 bytes")
    return from_public_key(facts.line("node_key.public"))


def read_validator_facts(facts: Facts) -> ValidatorFacts:
    """The validator key and its signing state, from the fields that the node picked out of the file."""
    state = _state_of(facts, "validator", _TOLD_OF_VALIDATOR)
    if state != _GOOD:
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


def _state_of(facts: Facts, file: str, told: Sequence[str]) -> str:
    """How the node says that the file is. What it does not tell whole is not seen, and never missing."""
    if _is_misread(facts):
        return _UNTOLD
    state = facts.line(f"{file}.state")
    if state == _GOOD:
        return _GOOD if all(f"{file}.{fact}" in facts for fact in told) else _UNREAD
    return state if state in _FILE_PROBLEMS else _UNREAD


def _is_misread(facts: Facts) -> bool:
    """Whether config.toml, which moves something, is no TOML: then Loom passes over all of it."""
    text = facts.get("config_toml", b"").decode("utf-8", "replace")
    return read_config_toml(text).unreadable


def _problem_of(facts: Facts, key: str, state: str) -> str:
    """Why there is no key, with the file's place where config.toml moves it."""
    problem = _FILE_PROBLEMS[state]
    moved = next((led for led in _led(facts) if led.key == key), None)
    return problem if moved is None else f"{problem} ({moved.text})"


def read_chain(facts: Facts) -> tuple[ChainFacts | None, str | None]:
    """What the RPC said of the chain, or why it said nothing."""
    status, net_info, validators = _answers(facts)
    if status is None:
        return None, facts.line("rpc.error") or None
    try:
        chain = read_status(status)
        chain = chain if net_info is None else read_net_info(net_info, chain)
        return with_members(chain, validators or b""), None
    except RpcError as error:
        return None, clean_line(str(error))


def _answers(facts: Facts) -> tuple[bytes | None, bytes | None, bytes | None]:
    """What the RPC answered to /status, /net_info and /validators, asked at once or one by one."""
    apart = (facts.get("rpc.status"), facts.get("rpc.net_info"), facts.get("rpc.validators"))
    if "rpc.answers" not in facts:
        return apart
    *told, rest = facts["rpc.answers"].split(_NEXT_ANSWER)
    status, net_info, validators = (*(told or [rest]), *apart[len(told) or 1 :])[:3]
    return status, net_info, validators


def with_members(chain: ChainFacts, body: bytes) -> ChainFacts:
    """Adds the set of validators.

    An answer without one leaves it unknown: a node without blocks gives an error.
    """
    with contextlib.suppress(RpcError):
        return replace(chain, members=read_validators(body))
    return chain


def read_version(facts: Facts) -> str | None:
    """The first line that looks like a version, because the program may also say that it cannot start."""
    lines = (clean_line(line, limit=100) for line in facts["version"].splitlines())
    return next((line for line in lines if re.search(r"\d", line) and not _COMPLAINT.match(line)), None)


_COMPLAINT = re.compile(r"(?i)panic|error|goroutine|usage|unknown|fatal|\t|timeout")


def _disk(line: str) -> tuple[int | None, int | None]:
    """Total and free bytes, from KiB of `df -Pk` with a comma between."""
    match = re.fullmatch(r"(\d{1,18}),(-?\d{1,18})", line)
    return (int(match[1]) * 1024, max(0, int(match[2])) * 1024) if match else (None, None)


def clock_offset(facts: Facts, begin: float, end: float) -> float | None:
    """The node's clock minus ours, in seconds. As in NTP, both ways are taken to be equally long."""
    first, last = facts.decimal("clock.begin"), facts.decimal("clock.end")
    if first is None or last is None:
        return None
    return ((first - begin) + (last - end)) / 2
