"""What came of a drill: judged by the scenario's checks, and not by the engine's word alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from loomtui.backups.model import FaultKind
from loomtui.drill.checks import LOOK_SECONDS, Checked, Inspector
from loomtui.drill.moves import Move, MoveKind, moves_in_order, run_moves
from loomtui.drill.practice import Practice
from loomtui.drill.scenarios import Scenario
from loomtui.drill.scenarios.expectations import Decision, Ending
from loomtui.drill.score import Course, Score, score
from loomtui.drill.shortest_way import shortest_way
from loomtui.inventory.load import load
from loomtui.restore.choices import objectives_of
from loomtui.restore.findings import FindingCode
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.report import StepTiming, timings
from loomtui.wording.quantities import joined


class PlayedBy(StrEnum):
    ENGINE = "engine"
    PEOPLE = "people"


@dataclass
class Seen:
    """What whoever played it has seen and decided. `ending`: None where it came to no end."""

    by: PlayedBy
    began: datetime  # UTC
    ending: Ending | None = None
    decisions: list[Decision] = field(default_factory=list)
    refused_for: tuple[FindingCode, ...] = ()
    passed_over: tuple[FaultKind, ...] = ()
    detect_seconds: float | None = None
    decide_seconds: float | None = None
    error: str = ""
    complaints: list[str] = field(default_factory=list)  # faults that could not be made to happen
    hint_points: tuple[int, ...] = ()  # of each hint that was told
    gave_up: bool = False
    moves: tuple[Move, ...] = ()  # of people, but for those that journals tell


@dataclass(frozen=True)
class DrillResult:
    scenario: str
    by: PlayedBy
    began: datetime  # UTC
    seconds: float  # from then until all checks were made
    validators: int
    ending: Ending | None
    decisions: tuple[Decision, ...]
    refused_for: tuple[FindingCode, ...]
    checks: tuple[Checked, ...]
    score: Score
    steps: tuple[StepTiming, ...]
    wrong: tuple[str, ...]  # sentences: why it is not passed
    error: str = ""  # what the engine said when it gave up
    title: str = ""  # of the scenario
    gave_up: bool = False
    way: tuple[str, ...] = ()  # the shortest one, where people have played
    moves: tuple[Move, ...] = ()  # of people, in order

    @property
    def passed(self) -> bool:
        return not self.wrong


def result_of(
    cluster: Practice,
    inspector: Inspector,
    seen: Seen,
    store: RunStore,
    *,
    look_seconds: float = LOOK_SECONDS,
) -> DrillResult:
    """Looks at the nodes, which takes a while, and reads the runs. Blocks."""
    scenario = cluster.scenario
    checks = inspector.look(scenario.solved, look_seconds)
    traps = inspector.look([trap.unless for trap in scenario.traps], look_seconds)
    runs = [store.open(summary.id) for summary in store.list()]
    times = timings(runs[0]) if runs else None
    fallen = [trap.says for trap, found in zip(scenario.traps, traps, strict=True) if not found.holds]
    wrong = (*_wrong(scenario, seen, checks), *fallen)
    refused = 1 if seen.ending is Ending.REFUSED and scenario.expected.ends is not Ending.REFUSED else 0
    course = Course(
        not wrong,
        seen.detect_seconds,
        seen.decide_seconds,
        refused + sum(move.kind is MoveKind.REFUSED and bool(move.lost) for move in seen.moves),
        len(fallen),
        seen.hint_points,
        seen.began,
        objectives_of(load(cluster.inventory_path)),
    )
    by_people = seen.by is PlayedBy.PEOPLE
    return DrillResult(
        scenario=scenario.name,
        by=seen.by,
        began=seen.began,
        seconds=(datetime.now(UTC) - seen.began).total_seconds(),
        validators=len(cluster.names) - 1,
        ending=seen.ending,
        decisions=tuple(seen.decisions),
        refused_for=seen.refused_for,
        checks=checks,
        score=score(course, times, runs),
        steps=times.steps if times else (),
        wrong=wrong,
        error=seen.error,
        title=scenario.title,
        gave_up=seen.gave_up,
        way=shortest_way(scenario) if by_people else (),
        moves=_moves(cluster, seen, runs, wrong) if by_people else (),
    )


def _moves(cluster: Practice, seen: Seen, runs: Sequence[Run], wrong: Sequence[str]) -> tuple[Move, ...]:
    """With the end, which tells why it is not solved where no move before it does."""
    found = [*seen.moves]
    for run in runs:
        found += run_moves(run.plan, run.events(), cluster.scenario, cluster.names)
    why = wrong[0] if wrong else ""
    if why and not found:
        why = "No plan had been made by then."
    end = (MoveKind.GAVE_UP, "It was given up.") if seen.gave_up else (MoveKind.OVER, "The drill was over.")
    return moves_in_order([*found, Move(datetime.now(UTC), *end, why)])


def _wrong(scenario: Scenario, seen: Seen, checks: tuple[Checked, ...]) -> Iterator[str]:
    if seen.error:
        yield seen.error
    yield from (found.wrong for found in checks if not found.holds)
    if seen.gave_up:
        yield "it was given up"
    if _refusal_is_missing(scenario, seen):
        yield "nobody has seen the plan that is refused"
    yield from (f"what was to happen could not be made to happen: {told}" for told in seen.complaints)
    if seen.by is PlayedBy.ENGINE:
        yield from _otherwise(scenario, seen)


def _refusal_is_missing(scenario: Scenario, seen: Seen) -> bool:
    """Who touches nothing because nothing was looked at has not solved it."""
    wanted = scenario.expected.ends is Ending.REFUSED and seen.by is PlayedBy.PEOPLE
    return wanted and not any(move.kind is MoveKind.REFUSED for move in seen.moves)


def _otherwise(scenario: Scenario, seen: Seen) -> Iterator[str]:
    """What the engine alone has come to and what it was expected to."""
    expected = scenario.expected
    if seen.ending is not expected.ends:
        ending = seen.ending.value if seen.ending else "without an end"
        yield f"it ended {ending}{_why(seen)}, and {expected.ends.value} was expected"
    decided = [one for one in seen.decisions if one is not Decision.RETRY or one in expected.decides]
    if tuple(decided) != expected.decides:  # on a busy machine a step may well have to be tried again
        yield f"it decided {_words(decided)}, and {_words(expected.decides)} was expected"
    if seen.ending is Ending.REFUSED and set(seen.refused_for) != set(expected.refused_for):
        yield f"it was refused for {_words(seen.refused_for)}, expected was {_words(expected.refused_for)}"
    missing = set(expected.passes_over) - set(seen.passed_over)
    if missing:
        yield f"no backup was passed over as {_words(sorted(missing))}"


def _why(seen: Seen) -> str:
    return f" for {_words(seen.refused_for)}" if seen.refused_for else ""


def _words(found: object) -> str:
    names = tuple(str(one) for one in found) if isinstance(found, list | tuple) else ()
    return joined(names) if names else "nothing"
