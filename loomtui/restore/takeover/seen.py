"""What the nodes tell of the runs that held them or hold them, whoever began these, and from where.

All of it is foreign data: bounded by the script, cleaned and typed here, and shown, never obeyed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loomtui.errors import LoomtuiError
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.holder import Holder, lock_words, read_holder
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session
from loomtui.restore.events import Event, EventKind, Outcome
from loomtui.restore.record.run_journal import decode
from loomtui.restore.running.task_failures import on_all
from loomtui.restore.takeover.known_runs import RunsOnNodes, SeenRun
from loomtui.text import clean_line

_SCRIPT = InspectScript("runs")
_SECONDS = 60.0
PARTS = (
    "plan.yml",
    "plan.yml.sig",
    "first-plan.yml",
    "first-plan.yml.sig",
    "inventory.yml",
    "journal.jsonl",
)


@dataclass(frozen=True)
class RunOnNode:
    """What one node tells of one run."""

    run: str
    alive_seconds: int | None  # since the last sign of life, by the node's clock; None: there is none
    claimed: int  # the highest number of a take-over; 1: none
    stopped: bool  # the run stopped the service there
    changed: bool  # it replaced files there
    first: Event | None
    last: tuple[Event, ...]  # the end of the journal
    lines: int | None  # of the journal; None: there is no record
    odd: str | None = None  # a path that somebody else made: the record there counts for nothing
    parts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeRuns:
    """What one node tells of all runs."""

    directory: str  # the working directory
    holder: Holder | None
    lock: str | None  # who holds it, in words; None: nobody
    closed: bool  # without root rights nothing could be read
    runs: Mapping[str, RunOnNode]


async def look_at_runs(
    fleet: Fleet, run: str = ""
) -> tuple[Mapping[str, NodeRuns], Mapping[str, LoomtuiError]]:
    """Only looks, at all nodes at once; of `run` the whole record is fetched. The failures are by node."""
    return await on_all(fleet.names, lambda name: _look(fleet.session(name), run))


async def _look(session: Session, run: str) -> NodeRuns:
    loom = session.loom
    output = await session.inspect(_SCRIPT, loom.unit_name, loom.working_directory, run, timeout=_SECONDS)
    return read_node_runs(read_facts(output.stdout))


def read_node_runs(facts: Facts) -> NodeRuns:
    """What the script `runs` printed."""
    now = facts.number("now") or 0
    names = [clean_line(value, limit=40) for value in facts.all("run")]
    lock = facts.text("lock", limit=4096)
    return NodeRuns(
        facts.line("dir"),
        read_holder(lock),
        lock_words(lock),
        "closed" in facts,
        {name: _read_run(name, facts, now) for name in names},
    )


def _read_run(name: str, facts: Facts, now: int) -> RunOnNode:
    alive = facts.number(f"{name}/alive")
    claims = [int(value) for value in facts.all(f"{name}/claimed") if value.isdigit() and len(value) < 10]
    lines = facts.get(f"{name}/last", b"").split(b"\n")
    return RunOnNode(
        name,
        max(0, now - alive) if alive is not None else None,
        max(claims, default=1),
        f"{name}/stopped" in facts,
        f"{name}/changed" in facts,
        decode(facts.get(f"{name}/first", b"").strip()),
        tuple(event for line in lines if (event := decode(line)) is not None and event.run == name),
        facts.number(f"{name}/lines"),
        facts.line(f"{name}/odd") or None,
        {part: facts[f"{name}/part/{part}"] for part in PARTS if f"{name}/part/{part}" in facts},
    )


def told_by(nodes: Mapping[str, NodeRuns], failures: Mapping[str, LoomtuiError]) -> RunsOnNodes:
    silent = {name: error.what for name, error in failures.items()}
    silent |= {name: "it tells nothing without root rights" for name, node in nodes.items() if node.closed}
    odd = {name: node.lock for name, node in nodes.items() if node.lock is not None and node.holder is None}
    return RunsOnNodes(seen_runs(nodes), silent, odd)


def seen_runs(nodes: Mapping[str, NodeRuns]) -> tuple[SeenRun, ...]:
    """The runs, the latest first. Also one of which a node has nothing but the lock."""
    ids = {run for node in nodes.values() for run in node.runs}
    ids |= {node.holder.run for node in nodes.values() if node.holder is not None}
    return tuple(_seen(run, nodes) for run in sorted(ids, reverse=True))


def _seen(run: str, nodes: Mapping[str, NodeRuns]) -> SeenRun:
    told = {name: node.runs[run] for name, node in nodes.items() if run in node.runs}
    holders = {name: one.holder for name, one in nodes.items() if one.holder and one.holder.run == run}
    furthest = max(told.values(), key=lambda one: one.last[-1].seq if one.last else 0, default=None)
    events = furthest.last if furthest is not None else ()
    first = furthest.first if furthest is not None else None
    ages = [one.alive_seconds for one in told.values() if one.alive_seconds is not None]
    holder = max(holders.values(), key=lambda one: one.number, default=None)
    return SeenRun(
        run,
        holder,
        tuple(holders),
        tuple(dict.fromkeys((*told, *holders))),
        first.at if first is not None else None,
        clean_line(str(first.data.get("operator", "")), limit=80) if first is not None else "",
        events[-1] if events else None,
        next((event.step for event in reversed(events) if event.step is not None), None),
        outcome_of(events),
        min(ages, default=None),
        bool(events),
        max([one.claimed for one in told.values()] + [one.number for one in holders.values()], default=1),
        tuple(name for name, one in told.items() if one.stopped),
        tuple(name for name, one in told.items() if one.changed),
    )


def outcome_of(events: Sequence[Event]) -> Outcome | None:
    """How the run ended, unless it was gone on with after that."""
    for event in reversed(events):
        if event.kind in {EventKind.RUN_RESUMED, EventKind.ROLLBACK_STARTED, EventKind.RUN_STARTED}:
            return None
        if event.kind is EventKind.RUN_FINISHED:
            said = event.data.get("outcome")
            return next((outcome for outcome in Outcome if outcome.value == said), None)
    return None
