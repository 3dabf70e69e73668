"""A drill that people play on the screens: the same faults and the same checks as when the engine plays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from loomtui.drill.checks import Inspector
from loomtui.drill.debriefing import Debriefing, debriefing_of
from loomtui.drill.environment import surroundings
from loomtui.drill.logbook import Logbook, entry_of
from loomtui.drill.moves import Move, MoveKind, is_refused, plan_move
from loomtui.drill.practice import Practice
from loomtui.drill.result import DrillResult, PlayedBy, Seen, result_of
from loomtui.drill.scenarios import Scenario, scenario_named
from loomtui.drill.scenarios.expectations import Ending
from loomtui.drill.scenarios.model import Hint
from loomtui.drill.trouble import Trouble, brewing
from loomtui.inventory.load import load
from loomtui.restore.choices import Objectives, objectives_of
from loomtui.restore.plan import Plan
from loomtui.restore.record.run_store import RunStore

#: Whoever leaves does not want to wait; a chain that moves makes a block within a second or two.
_LOOK_SECONDS = 8.0
_VALIDATORS = 4
#: What counts where the operator's own cluster has no inventory that says more.
USUAL = Objectives(downtime_seconds=1_800.0, data_loss_seconds=86_400.0)


def size_of(scenario: str, validators: int | None) -> int:
    """With how many validators it is played, where nobody has chosen: four, or as many as it needs.

    Raises CallError for an unknown scenario.
    """
    return max(_VALIDATORS, scenario_named(scenario).validators) if validators is None else validators


@dataclass
class Held:
    """A drill while people play it; the `Desk` of the screens. `began`: by the clock, UTC.

    `problem`: why its result is not in the history, if it is not.
    """

    cluster: Practice
    inspector: Inspector
    trouble: Trouble
    book: Logbook
    began: datetime
    objectives: Objectives
    result: DrillResult | None = None
    debriefing: Debriefing | None = None
    problem: OSError | None = None
    _plans: list[Plan] = field(default_factory=list)
    _moves: list[Move] = field(default_factory=list)
    _told: int = 0
    _judging: threading.Lock = field(default_factory=threading.Lock)

    @property
    def scenario(self) -> Scenario:
        return self.cluster.scenario

    @property
    def briefing(self) -> tuple[str, ...]:
        scenario = self.scenario
        redis = f"A Redis listens on {self.cluster.redis}." if scenario.backups.redis else ""
        return tuple(filter(None, (scenario.pager, scenario.story, redis)))

    @property
    def hints(self) -> tuple[Hint, ...]:
        return self.scenario.hints[: self._told]

    @property
    def next_hint(self) -> Hint | None:
        return next(iter(self.scenario.hints[self._told :]), None)

    def tell_hint(self) -> Hint | None:
        hint = self.next_hint
        if hint is not None and self.debriefing is None:
            self._told += 1
            self._moves.append(Move(datetime.now(UTC), MoveKind.HINT, f"Hint {self._told}: {hint.says}"))
        return hint

    def saw_plan(self, plan: Plan) -> None:
        """The same refusal seen again is no further move."""
        move = plan_move(plan, self.scenario, self.cluster.names)
        last = next((one for one in reversed(self._moves) if one.kind is not MoveKind.HINT), None)
        if self.debriefing is None:
            self._plans.append(plan)
            if last is None or (last.kind, last.sentence) != (move.kind, move.sentence):
                self._moves.append(move)

    @property
    def is_played(self) -> bool:
        """Somebody has done something, or nothing was to be done: who only looked around is not judged."""
        return bool(RunStore().list()) or self.scenario.expected.ends is not Ending.RESTORED

    def is_solved(self) -> bool:
        return all(found.holds for found in self.inspector.look(self.scenario.solved, _LOOK_SECONDS))

    def debrief(self, *, gave_up: bool = False) -> Debriefing:
        """Also writes the history; `problem` tells if that failed."""
        with self._judging:
            if self.debriefing is None:
                self.result = self._judged(gave_up=gave_up)
                earlier = self.book.entries()
                try:
                    self.book.note(self.result)
                except OSError as error:
                    self.problem = error
                self.debriefing = debriefing_of(entry_of(self.result), earlier)
            return self.debriefing

    def _judged(self, *, gave_up: bool) -> DrillResult:
        store = RunStore()
        costs = tuple(hint.costs for hint in self.hints)
        seen = Seen(PlayedBy.PEOPLE, self.began, complaints=self.trouble.complaints, hint_points=costs)
        seen.gave_up, seen.moves = gave_up, tuple(self._moves)
        runs = [store.open(summary.id) for summary in store.list()]
        planned = [plan.made_at for plan in self._plans] + [run.plan.made_at for run in runs]
        decided = [next((event.at for event in run.events()), run.plan.made_at) for run in runs]
        decided += [plan.made_at for plan in self._plans if is_refused(plan)]
        if planned:
            seen.detect_seconds = max(0.0, (min(planned) - self.began).total_seconds())
        if decided:
            seen.decide_seconds = max(0.0, (min(decided) - min(planned)).total_seconds())
        return result_of(self.cluster, self.inspector, seen, store, look_seconds=_LOOK_SECONDS)


@contextmanager
def held(cluster: Practice, book: Logbook) -> Iterator[Held]:
    """The clock runs, and what is to go wrong will. `book`: made before, or it would go with the cluster."""
    with surroundings(cluster):
        inspector = Inspector(cluster)
        with brewing(cluster) as trouble:
            objectives = objectives_of(load(cluster.inventory_path))
            yield Held(cluster, inspector, trouble, book, datetime.now(UTC), objectives)
