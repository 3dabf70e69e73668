"""What `loomtui drill` prints: results and history as documents, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from loomtui.cli.views import steps_document
from loomtui.wording.objectives import standing_words
from loomtui.wording.quantities import NOTHING, bar, count, length, time_of

if TYPE_CHECKING:
    from loomtui.drill.debriefing import Debriefing
    from loomtui.drill.logbook import Entry
    from loomtui.drill.months import Month
    from loomtui.drill.moves import Move
    from loomtui.drill.result import DrillResult
    from loomtui.drill.scenarios import Scenario
    from loomtui.drill.score import Score
    from loomtui.drill.summary import Played

HISTORY_HEADER = ("WHEN", "SCENARIO", "BY", "RESULT", "POINTS", "DETECT", "DECIDE", "DOWN", "WRONG MOVES")
MONTHS_HEADER = ("MONTH", "PASSED", "MEAN POINTS", "", "RECOVERED AFTER", "IN TIME")
_BAR_CELLS = 20


def scenario_document(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "story": scenario.story,
        "pager": scenario.pager,
        "teaches": scenario.teaches,
        "rests_on": scenario.rests_on,
        "validators": scenario.validators,
        "ends": scenario.expected.ends.value,
        "decides": [one.value for one in scenario.expected.decides],
    }


def result_document(result: DrillResult) -> dict[str, object]:
    """Seconds are null for what never came."""
    return {
        "scenario": result.scenario,
        "passed": result.passed,
        "played_by": result.by.value,
        "began": result.began.isoformat(),
        "validators": result.validators,
        "ended": result.ending.value if result.ending else None,
        "decided": [one.value for one in result.decisions],
        "refused_for": [one.value for one in result.refused_for],
        "checks": [{"check": one.words, "holds": one.holds, "wrong": one.wrong} for one in result.checks],
        "score": score_document(result.score),
        "downtime_seconds": result.score.downtime_seconds,
        "data_loss_seconds": result.score.data_loss_seconds,
        "steps": steps_document(result.steps),
        "wrong": list(result.wrong),
        "error": result.error or None,
    }


def result_text(result: DrillResult) -> str:
    lines = [f"{step.name.value:<10} {length(step.seconds):>9}  {step.outcome}" for step in result.steps]
    lines += [f"{'✓' if one.holds else '✗'} {one.words}" for one in result.checks]
    lines.append(f"{result.scenario}: {score_text(result.score)}")
    if result.passed:
        return "\n".join([*lines, "Passed"])
    return "\n".join([*lines, "Failed:", *(f"  {wrong}" for wrong in result.wrong)])


def score_document(score: Score) -> dict[str, object]:
    """With how the times stand to what was agreed: `met`, `missed` or null."""
    recovery, data_loss = score.recovery_standing, score.data_loss_standing
    standings = {"downtime": recovery, "data_loss": data_loss}
    told = {name: standing.value if standing else None for name, standing in standings.items()}
    return {**asdict(score), "standings": told}


def score_text(score: Score) -> str:
    return (
        f"{score.points} of 100 points. Detected after {length(score.detect_seconds)}, decided after "
        f"{length(score.decide_seconds)} more, down for {length(score.downtime_seconds)}, data of "
        f"{length(score.data_loss_seconds)} lost; {count(score.prevented, 'wrong move')} prevented, "
        f"{score.made} made, {count(score.hints, 'hint')}.{_agreed_text(score)}"
    )


def _agreed_text(score: Score) -> str:
    """The chain moved 4 min 12 s after the alarm, objective 30m: met."""
    agreed, standing = score.objectives.downtime_seconds, score.recovery_standing
    if agreed is None or standing is None:
        return ""
    lasted = length(score.recovered_seconds)
    return f" The chain moved {lasted} after the alarm, {standing_words(agreed, standing)}."


def summary_document(played: Sequence[Played]) -> dict[str, object]:
    return {
        "drills": len(played),
        "passed": sum(one.passed for one in played),
        "failed": [one.scenario for one in played if not one.passed],
    }


def played_document(played: Played) -> dict[str, object]:
    own = played.document if isinstance(played.document, dict) else {}
    document = {"scenario": played.scenario, "passed": played.passed, "wrong": list(played.wrong)}
    return {**own, **document, "seconds": round(played.seconds, 3)}


def entry_document(entry: Entry) -> dict[str, object]:
    return {
        "began": entry.at.isoformat(),
        "scenario": entry.scenario,
        "played_by": entry.by.value,
        "validators": entry.validators,
        "passed": entry.passed,
        "score": score_document(entry.score),
        "wrong": list(entry.wrong),
    }


def debriefing_document(told: Debriefing) -> dict[str, object]:
    entry = told.entry
    return {
        **entry_document(entry),
        "title": told.title,
        "gave_up": entry.gave_up,
        "seconds": entry.seconds,
        "checks": [{"check": one.words, "holds": one.holds, "wrong": one.wrong} for one in entry.checks],
        "shortest_way": list(told.way),
        "moves": [_move_document(move) for move in told.moves],
        "lost": _move_document(told.lost) if told.lost else None,
        "earlier_points": list(told.points[:-1]),
    }


def _move_document(move: Move) -> dict[str, object]:
    return {
        "at": move.at.isoformat(),
        "kind": move.kind.value,
        "what": move.sentence,
        "lost": move.lost or None,
    }


def month_row(month: Month) -> tuple[str, ...]:
    drawn = bar(round(month.points), 100, _BAR_CELLS) if month.points is not None else ""
    return (
        month.name,
        f"{month.passed} of {month.drills}",
        drawn,
        f"{month.points:.0f}" if month.points is not None else NOTHING,
        length(month.recovered_seconds),
        f"{month.met} of {month.judged}" if month.judged else NOTHING,
    )


def entry_row(entry: Entry) -> tuple[str, ...]:
    score = entry.score
    return (
        time_of(entry.at),
        entry.scenario,
        entry.by.value,
        "passed" if entry.passed else "failed",
        str(score.points),
        length(score.detect_seconds),
        length(score.decide_seconds),
        length(score.downtime_seconds),
        f"{score.made} made, {score.prevented} prevented",
    )
