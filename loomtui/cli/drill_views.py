"""What `loomtui drill` prints: results and history as documents, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from loomtui.cli.views import steps_document
from loomtui.wording.quantities import count, length, time_of

if TYPE_CHECKING:
    from loomtui.drill.logbook import Entry
    from loomtui.drill.result import DrillResult
    from loomtui.drill.scenarios import Scenario
    from loomtui.drill.score import Score
    from loomtui.drill.summary import Played

HISTORY_HEADER = ("WHEN", "SCENARIO", "BY", "RESULT", "POINTS", "DETECT", "DECIDE", "DOWN", "WRONG MOVES")


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
        "score": asdict(result.score),
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


def score_text(score: Score) -> str:
    return (
        f"{score.points} of 100 points. Detected after {length(score.detect_seconds)}, decided after "
        f"{length(score.decide_seconds)} more, down for {length(score.downtime_seconds)}, data of "
        f"{length(score.data_loss_seconds)} lost; {count(score.prevented, 'wrong move')} prevented, "
        f"{score.made} made, {count(score.hints, 'hint')}."
    )


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
        "score": asdict(entry.score),
        "wrong": list(entry.wrong),
    }


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
