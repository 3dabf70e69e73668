"""A run of another machine, watched by what its nodes print: the texts of the script `runs`, one a poll."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Sequence

import pytest

from loomtui.errors import NodeUnreachable
from loomtui.fleet.facts import read_facts
from loomtui.inventory.model import Inventory, Node, Role, S3Settings
from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.planning.planfile import dump_plan
from loomtui.restore.record.run_journal import encode
from loomtui.restore.takeover.seen import NodeRuns, read_node_runs
from loomtui.restore.takeover.watching import NodesRun, Told, told_of
from tests.restore.material import NOW, make_plan_of, node_plan
from tests.restore.stories import Story

RUN = "20261122-030000-ab12"
ADDRESS = "10.2.0.4"
INVENTORY = Inventory(
    cluster="lab",
    production=False,
    s3=S3Settings(bucket="backups"),
    nodes=tuple(Node(name=name, role=Role.VALIDATOR, host=ADDRESS) for name in ("n1", "n2")),
)
PLAN = make_plan_of(node_plan("n1"), node_plan("n2"))
STORY = Story(NOW).begin().step(StepName.PREFLIGHT, "n1", "n2").step(StepName.STOP, "n1", "n2")
EVENTS = STORY.told(RUN)


def printed(events: Sequence[Event], *, alive: int | None = 5, plan: Plan | None = PLAN) -> bytes:
    """What a node prints whose record holds these events; `alive`: so many seconds ago was a sign of life."""
    now = 1_000_000
    lock = {"run": RUN, "who": "ann", "from": "desk-2", "since": "2026-11-22T03:00:00+00:00"}
    journal = "".join(f"{encode(event)}\n" for event in events)
    facts = {
        "now": str(now),
        "dir": "/home/ubuntu",
        "lock": json.dumps(lock),
        "run": RUN,
        f"{RUN}/alive": str(now - alive) if alive is not None else None,
        f"{RUN}/lines": str(len(events)),
        f"{RUN}/first": journal.partition("\n")[0],
        f"{RUN}/last": journal,
        f"{RUN}/part/plan.yml": dump_plan(plan) if plan is not None else None,
        f"{RUN}/part/journal.jsonl": journal,
    }
    lines = (
        f"{name} {base64.b64encode(value.encode()).decode()}\n"
        for name, value in facts.items()
        if value is not None
    )
    return "".join(lines).encode()


def told(**nodes: bytes) -> Told:
    found: dict[str, NodeRuns] = {name: read_node_runs(read_facts(text)) for name, text in nodes.items()}
    return told_of(RUN, found, INVENTORY)


class Polls:
    """What each poll finds; after the last one the same for ever."""

    def __init__(self, *polls: Told) -> None:
        self._left: Iterator[Told] = iter(polls)
        self._last: Told = (None, None)
        self.asked = 0

    async def look(self) -> Told:
        self.asked += 1
        self._last = next(self._left, self._last)
        return self._last

    def watched(self) -> NodesRun:
        return NodesRun(RUN, PLAN, self.look, poll_seconds=0)


async def numbers_of(run: NodesRun) -> list[int]:
    async with asyncio.timeout(30):
        return [event.seq async for event in run.events()]


async def test_each_event_is_told_once_as_the_records_grow_until_nobody_works_on_it() -> None:
    polls = Polls(
        told(n1=printed(EVENTS[:3]), n2=printed(EVENTS[:2])),
        told(n1=printed(EVENTS[:3]), n2=printed(EVENTS[:5])),  # n2 has got it first this time
        told(n1=printed(EVENTS[:5]), n2=printed(EVENTS[:5])),
        told(n1=printed(EVENTS, alive=90), n2=printed(EVENTS, alive=95)),
    )
    assert await numbers_of(polls.watched()) == [event.seq for event in EVENTS]
    assert polls.asked == 4


async def test_a_run_that_is_over_shows_no_sign_of_life_and_ends_the_watching() -> None:
    over = (*EVENTS, *STORY.end(Outcome.STOPPED).told(RUN)[-1:])
    seen, record = told(n1=printed(over, alive=None))
    assert seen is not None
    assert (seen.is_alive, seen.outcome) == (False, Outcome.STOPPED)
    events = [event async for event in Polls((seen, record)).watched().events()]
    assert events[-1].kind is EventKind.RUN_FINISHED


async def test_nodes_that_are_silent_for_a_while_end_nothing() -> None:
    nothing: Told = (None, None)
    here = told(n1=printed(EVENTS[:2]))
    gone = told(n1=printed(EVENTS, alive=None))
    polls = Polls(here, *[nothing] * 20, here, *[nothing] * 20, gone)
    assert await numbers_of(polls.watched()) == [event.seq for event in EVENTS]


async def test_nodes_that_stay_silent_end_it_with_a_reason() -> None:
    polls = Polls(told(n1=printed(EVENTS[:2])), (None, None))
    with pytest.raises(NodeUnreachable, match=f"no node tells of run {RUN} any more"):
        await numbers_of(polls.watched())
    assert polls.asked == 22  # a minute of polls


async def test_a_damaged_record_is_passed_over_and_the_watching_goes_on() -> None:
    broken = printed(EVENTS[:1]) + printed((EVENTS[0], EVENTS[2]))
    polls = Polls(
        told(n1=printed(EVENTS[:2])),
        told(n1=broken),  # a line is missing in it
        told(n1=broken, n2=printed(EVENTS, alive=None)),
        told(n1=printed(EVENTS, alive=None)),
    )
    assert told(n1=broken)[1] is None
    assert await numbers_of(polls.watched()) == [event.seq for event in EVENTS]


def test_what_counts_for_nothing() -> None:
    """A node that knows another run only, a record without its plan, and one of another cluster."""
    assert told(n1=printed(EVENTS).replace(RUN.encode(), b"20261122-030000-ffff"))[1] is None
    assert told(n1=printed(EVENTS, plan=None))[1] is None
    seen, record = told(n1=printed(EVENTS, plan=make_plan_of(node_plan("n1"), cluster="other")))
    assert seen is not None
    assert seen.holder is not None
    assert (seen.holder.person, seen.held, record) == ("ann@desk-2", ("n1",), None)
