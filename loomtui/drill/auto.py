"""A drill that the engine plays by itself: it looks, plans and runs as for any; checks judge the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from loomtui.drill.checks import Inspector
from loomtui.drill.environment import surroundings
from loomtui.drill.practice import Practice, practice
from loomtui.drill.result import DrillResult, PlayedBy, Seen, result_of
from loomtui.drill.scenarios import Scenario, scenario_named
from loomtui.drill.scenarios.expectations import Decision, Ending, RedisChoice
from loomtui.drill.trouble import Trouble, brewing
from loomtui.engine.api import Engine, RunHandle, WritableEngine
from loomtui.engine.live import WritableLiveEngine, opened
from loomtui.errors import LoomtuiError, Unreachable
from loomtui.fleet.ssh.prompter import Refuse
from loomtui.inventory.load import load
from loomtui.loom.health import ClusterState
from loomtui.restore.choices import KEEP_REDIS, Choices, Objectives
from loomtui.restore.events import Event, Outcome, StepName
from loomtui.restore.plan import Plan, RemedyKind, consented
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.running.operator import FailureQuestion, OnFailure, Unattended

_LOOK_EVERY = 0.5  # seconds
_LOOK_SECONDS = 40.0  # more than the patience with which heights are judged
_OFFERS = {
    RemedyKind.RESET: Decision.RESET,
    RemedyKind.RAISE: Decision.RAISE,
    RemedyKind.GIVE_UP: Decision.GIVE_UP,
}


async def play(
    scenario: str,
    nodes: int | None,
    emit: Callable[[Event], None],
    objectives: Objectives | None = None,
) -> DrillResult:
    """Starts the practice cluster, plays it to its end unattended, and takes it away again.

    `nodes`: how many validators; None: as few as the scenario can be played with.
    """
    validators = nodes if nodes is not None else scenario_named(scenario).validators
    with practice(scenario, validators, objectives=objectives) as cluster, surroundings(cluster):
        inspector = Inspector(cluster)
        with brewing(cluster) as trouble:
            path = cluster.inventory_path
            async with opened(WritableLiveEngine(load(path), path), Refuse()) as engine:
                player = Player(cluster, trouble, emit)
                seen = await player.play(engine)
        return await asyncio.to_thread(result_of, cluster, inspector, seen, RunStore())


async def plan_with_remedy(engine: Engine) -> Plan:
    """The plan that an operator would come to: signing states reset where only that is safe."""
    plan, _ = await _plan_with_consents(engine, Choices())
    return plan


async def _plan_with_consents(engine: Engine, choices: Choices) -> tuple[Plan, list[Plan]]:
    """The last plan, to whose predecessors all was consented that they offer; and those."""
    plan = await engine.plan(choices)
    earlier: list[Plan] = []
    while plan.is_complete and plan.offer in _OFFERS and len(earlier) < len(_OFFERS):
        earlier.append(plan)
        plan = await engine.plan(consented(plan.choices, plan.offer))
    return plan, earlier


def choices_of(scenario: Scenario, redis: str) -> Choices:
    """What the scenario's people know. `redis`: HOST:PORT of the one that there is today."""
    known = scenario.knows
    places = {RedisChoice.NEW: redis, RedisChoice.KEEP: KEEP_REDIS, None: None}
    return Choices(nodes=known.restore or None, gone=known.gone, redis=places[known.redis])


@dataclass
class Player:
    cluster: Practice
    trouble: Trouble
    emit: Callable[[Event], None]
    began: float = field(default_factory=time.monotonic)

    async def play(self, engine: WritableEngine) -> Seen:
        """Never raises for what the engine says: that is in what was seen."""
        seen = Seen(PlayedBy.ENGINE, datetime.now(UTC))
        try:
            await self._play(engine, seen)
        except LoomtuiError as error:
            seen.error = str(error)
        seen.complaints += self.trouble.complaints
        return seen

    async def _play(self, engine: WritableEngine, seen: Seen) -> None:
        state = await _state_of(engine)
        seen.detect_seconds = self._seconds()
        if state is ClusterState.HEALTHY:
            seen.ending = Ending.HEALTHY
            return
        plan, earlier = await self._plan(engine, seen)
        seen.decisions += [_OFFERS[one.offer] for one in earlier]
        seen.decide_seconds = self._seconds() - seen.detect_seconds
        seen.passed_over = tuple(one.why for one in plan.passed_over)
        if plan.refusals:
            seen.ending = Ending.REFUSED
            seen.refused_for = tuple(dict.fromkeys(finding.code for finding in plan.refusals))
            return
        operator = _Alone(seen, self.trouble)
        outcome = await _carry_out(engine.begin(plan, operator), self.emit)
        if outcome is Outcome.RESTORED:
            seen.ending = Ending.RESTORED
        else:
            seen.error = f"the run ended {outcome.value}"

    async def _plan(self, engine: Engine, seen: Seen) -> tuple[Plan, list[Plan]]:
        """What fails is tried again once, when the trouble is over."""
        choices = choices_of(self.cluster.scenario, self.cluster.redis)
        try:
            return await _plan_with_consents(engine, choices)
        except LoomtuiError:
            await asyncio.to_thread(self.trouble.wait_for_its_end)
            seen.decisions.append(Decision.RETRY)
            return await _plan_with_consents(engine, choices)

    def _seconds(self) -> float:
        return time.monotonic() - self.began


async def _state_of(engine: Engine) -> ClusterState:
    """As soon as the looks tell something, or when the patience is over."""
    looks = [await engine.status()]
    deadline = time.monotonic() + _LOOK_SECONDS
    while True:
        verdict = engine.judge(looks)
        if verdict.state is not ClusterState.UNKNOWN or time.monotonic() > deadline:
            return verdict.state
        await asyncio.sleep(_LOOK_EVERY)
        looks.append(await engine.status(looks[-1]))


class _Alone(Unattended):
    """Tries again once when something has gone wrong, and then leaves out a node that does not answer."""

    def __init__(self, seen: Seen, trouble: Trouble) -> None:
        super().__init__("drill")
        self._seen = seen
        self._trouble = trouble
        self._tried: set[StepName] = set()

    async def on_failure(self, question: FailureQuestion) -> tuple[OnFailure, str | None]:
        if question.step not in self._tried:
            self._tried.add(question.step)
            await asyncio.to_thread(self._trouble.wait_for_its_end)
            self._seen.decisions.append(Decision.RETRY)
            return OnFailure.RETRY, None
        for name in question.may_leave:
            if OnFailure.LEAVE_OUT in question.choices and isinstance(question.failures[name], Unreachable):
                self._seen.decisions.append(Decision.LEAVE_OUT)
                return OnFailure.LEAVE_OUT, name
        return OnFailure.STOP, None


async def _carry_out(run: RunHandle, emit: Callable[[Event], None]) -> Outcome:
    watcher = _watch(run, emit)
    try:
        return await run.restore()
    finally:
        await watcher


def _watch(run: RunHandle, emit: Callable[[Event], None]) -> asyncio.Task[None]:
    async def watch() -> None:
        async for event in run.events():
            emit(event)

    return asyncio.create_task(watch(), name="drill-events")
