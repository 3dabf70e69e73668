"""The way that people took in a drill, the shortest one, and where theirs was lost: by plans and journals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from loomtui.drill.moves import Move, MoveKind, is_refused, lost_move, moves_in_order, plan_move, run_moves
from loomtui.drill.scenarios import scenario_named, scenarios
from loomtui.drill.shortest_way import shortest_way
from loomtui.restore.choices import Choices
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import Plan, Prediction, RemedyKind
from loomtui.restore.record.marks import LEFT_OUT
from tests.restore.material import NOW, make_plan_of, node_plan
from tests.restore.stories import Story

NAMES = ("val-1", "val-2", "backup-1")
ALL = tuple(node_plan(name) for name in NAMES)
RESET = Choices(reset_signing=True)
STANDS = Prediction(False, 69, 0, 20, "It would stand.", remedy_kind=RemedyKind.RESET)


def refused(*codes: FindingCode, offers: bool = False) -> Plan:
    findings = tuple(Finding(code, None, f"It is {code.value}.") for code in codes)
    plan = make_plan_of(*ALL, refusals=findings)
    return replace(plan, prediction=STANDS) if offers else plan


def moves(scenario: str, plan: Plan, story: Story) -> list[Move]:
    return list(run_moves(plan, story.told("r"), scenario_named(scenario), NAMES))


@pytest.mark.parametrize("scenario", [scenario.name for scenario in scenarios()])
def test_each_scenario_has_a_way_that_ends_as_it_says(scenario: str) -> None:
    way = shortest_way(scenario_named(scenario))
    assert len(way) >= 2
    assert way[-1] == scenario_named(scenario).expected.sentence
    assert all(move.endswith(".") for move in way)


def test_the_way_tells_what_has_to_be_known_consented_to_and_passed_over() -> None:
    assert shortest_way(scenario_named("one-validator-lost"))[0] == "Make a plan for val-4."
    torn = shortest_way(scenario_named("torn-backup"))
    assert "Leave the choice of the backup to the plan: it passes over a newer one, for it is torn." in torn
    assert torn.index("Carry out the plan.") == len(torn) - 2
    assert "Give the plan the Redis that there is today." in shortest_way(scenario_named("redis-gone"))
    assert "Carry out the plan." not in shortest_way(scenario_named("colleague"))


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (make_plan_of(*ALL), False),
        (refused(FindingCode.CHAIN_STANDS, offers=True), False),
        (refused(FindingCode.CHAIN_STANDS), True),
        (refused(FindingCode.CHAIN_STANDS, FindingCode.NODE_LOCKED, offers=True), True),
    ],
)
def test_what_a_consent_puts_right_is_no_refusal(plan: Plan, expected: bool) -> None:
    assert is_refused(plan) is expected


def test_a_refusal_that_was_to_be_seen_has_not_lost_the_way() -> None:
    plan = refused(FindingCode.CHAIN_STANDS, FindingCode.NODE_LOCKED, offers=True)
    seen = plan_move(plan, scenario_named("colleague"), NAMES)
    assert (seen.kind, seen.lost) == (MoveKind.REFUSED, "")
    assert seen.sentence == "The plan for all nodes was refused: It is node-locked."
    assert plan_move(plan, scenario_named("clean-restore"), NAMES).lost
    assert plan_move(make_plan_of(ALL[0]), scenario_named("colleague"), NAMES).sentence == (
        "A plan for val-1 was made."
    )


@pytest.mark.parametrize(
    ("scenario", "plan", "lost"),
    [
        ("clean-restore", make_plan_of(*ALL, choices=RESET), ""),
        ("clean-restore", make_plan_of(*ALL), "It wanted the consent to the reset of the signing states."),
        ("clean-restore", make_plan_of(*ALL[:2], choices=RESET), "backup-1 had to be restored, too."),
        (
            "moved-hosts",
            make_plan_of(*ALL, choices=RESET),
            "Nothing here wanted the consent to the reset of the signing states.",
        ),
        (
            "one-validator-lost",
            make_plan_of(*ALL),
            "val-1, val-2 and backup-1 did not have to be restored.",
        ),
        ("healthy", make_plan_of(*ALL), "Nothing was broken: a restore stops a cluster that is well."),
    ],
)
def test_a_run_that_should_not_have_begun_like_this_has_lost_the_way(
    scenario: str, plan: Plan, lost: str
) -> None:
    (begun,) = moves(scenario, plan, Story(NOW).begin())
    assert (begun.kind, begun.lost) == (MoveKind.BEGUN, lost)


def test_the_way_is_lost_at_the_first_move_that_led_away() -> None:
    story = Story(NOW).begin().step(StepName.PREFLIGHT, *NAMES)
    story.tell(EventKind.TASK_FAILED, StepName.STOP, "val-2", after=5, message="it hangs")
    story.tell(EventKind.GATE_REFUSED, StepName.STOP, message="val-2 runs")
    story.tell_data(EventKind.DECISION, StepName.STOP, "val-2", {LEFT_OUT: True})
    story.tell(EventKind.ROLLBACK_STARTED, after=60).end(Outcome.ROLLED_BACK)
    found = moves("clean-restore", make_plan_of(*ALL, choices=RESET), story)
    assert [one.kind for one in found] == [
        MoveKind.BEGUN,
        MoveKind.FAILED,
        MoveKind.GATE,
        MoveKind.LEFT_OUT,
        MoveKind.ROLLBACK,
        MoveKind.RUN_ENDED,
    ]
    lost = lost_move(moves_in_order(reversed(found)))
    assert lost is not None
    assert (lost.kind, lost.lost) == (MoveKind.LEFT_OUT, "val-2 could have been restored with the others.")
    assert found[1].sentence == "Stop all failed on val-2: it hangs"


def test_leaving_out_a_node_that_never_comes_back_is_the_way() -> None:
    story = Story(NOW).begin().tell_data(EventKind.DECISION, StepName.DATA, "val-2", {LEFT_OUT: True})
    found = moves("node-never-back", make_plan_of(*ALL, choices=RESET), story)
    assert [one.lost for one in found] == ["", ""]


def test_of_very_many_moves_the_first_are_kept() -> None:
    many = [Move(NOW + timedelta(seconds=n), MoveKind.PLAN, str(n)) for n in range(300)]
    kept = moves_in_order(reversed(many))
    assert (len(kept), kept[0].sentence) == (200, "0")
