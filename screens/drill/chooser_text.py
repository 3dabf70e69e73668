"""What is told of each scenario before it is chosen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.content import Content

from loomtui.drill.debriefing import state_of
from loomtui.drill.logbook import Entry
from loomtui.drill.result import PlayedBy
from loomtui.drill.scenarios import Scenario
from loomtui.wording.quantities import NOTHING, ago, count
from screens.health.trend import sparkline
from screens.text import content
from screens.text.words import Tone, tone_of

_LABEL = 8
_MOST_DRAWN = 40
_FULL = 100.0  # points of a full bar


def played_by_people(entries: Sequence[Entry], scenario: str) -> tuple[Entry, ...]:
    """The oldest first."""
    return tuple(one for one in entries if one.scenario == scenario and one.by is PlayedBy.PEOPLE)


def score_cell(played: Sequence[Entry]) -> tuple[str, Tone]:
    """Of the last time: ✓ 95."""
    if not played:
        return NOTHING, Tone.DIM
    state = state_of(played[-1])
    return f"{state.symbol} {played[-1].score.points}", tone_of(state.grade)


def about(scenario: Scenario, played: Sequence[Entry], width: int, now: datetime) -> Content:
    parts = [
        content.text(scenario.title, Tone.STRONG),
        content.fact_beside("Teaches", scenario.teaches, width, _LABEL),
        content.fact_beside("Hints", _hints(scenario), width, _LABEL),
    ]
    if played:
        points = [float(one.score.points) for one in played[-_MOST_DRAWN:]]
        drawn = content.line(sparkline(points, len(points), _FULL), Tone.ACCENT)
        told = f"  {count(len(played), 'drill')}, the last {ago(played[-1].at, now)} ago"
        parts.append(content.fact_beside("Points", content.row(drawn, told), width, _LABEL))
    return content.lines(parts)


def _hints(scenario: Scenario) -> str:
    costs = [str(hint.costs) for hint in scenario.hints]
    if not costs:
        return "none"
    return f"{len(costs)}, for {' + '.join(costs)} points"
