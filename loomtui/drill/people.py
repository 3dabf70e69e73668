"""A drill that people play on the screens: the same faults and the same checks as when the engine plays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from loomtui.drill.checks import Inspector
from loomtui.drill.environment import surroundings
from loomtui.drill.practice import Practice
from loomtui.drill.result import DrillResult, PlayedBy, Seen, result_of
from loomtui.drill.scenarios import Scenario
from loomtui.drill.scenarios.expectations import Ending
from loomtui.drill.trouble import Trouble, brewing
from loomtui.restore.record.run_store import RunStore

#: Whoever leaves does not want to wait; a chain that moves makes a block within a second or two.
_LOOK_SECONDS = 8.0


def briefing(scenario: Scenario) -> str:
    """What the operator is told at the beginning, and no more."""
    return f"{scenario.pager} {scenario.story}" if scenario.pager else scenario.story


@dataclass(frozen=True)
class Held:
    """A drill while people play it. `began`: by the clock, UTC."""

    cluster: Practice
    inspector: Inspector
    trouble: Trouble
    began: datetime

    @property
    def briefing(self) -> str:
        return briefing(self.cluster.scenario)

    @property
    def is_played(self) -> bool:
        """Somebody has done something, or nothing was to be done: who only looked around is not judged."""
        return bool(RunStore().list()) or self.cluster.scenario.expected.ends is not Ending.RESTORED

    def result(self, hints: int = 0) -> DrillResult:
        """Looks at the nodes, which takes some seconds. `hints`: how many of them were told. Blocks."""
        store = RunStore()
        costs = tuple(hint.costs for hint in self.cluster.scenario.hints[:hints])
        seen = Seen(PlayedBy.PEOPLE, self.began, complaints=self.trouble.complaints, hint_points=costs)
        runs = [store.open(summary.id) for summary in store.list()]
        if runs:
            first = runs[-1]
            seen.detect_seconds = max(0.0, (first.plan.made_at - self.began).total_seconds())
            began = next((event.at for event in first.events()), first.plan.made_at)
            seen.decide_seconds = max(0.0, (began - first.plan.made_at).total_seconds())
        return result_of(self.cluster, self.inspector, seen, store, look_seconds=_LOOK_SECONDS)


@contextmanager
def held(cluster: Practice) -> Iterator[Held]:
    """The clock runs, and what is to go wrong will."""
    with surroundings(cluster):
        inspector = Inspector(cluster)
        with brewing(cluster) as trouble:
            yield Held(cluster, inspector, trouble, datetime.now(UTC))
