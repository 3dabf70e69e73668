"""What people did in a drill, in its order, and where a move led away from the shortest way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loomtui.drill.scenarios import Scenario
from loomtui.drill.scenarios.expectations import Decision, Ending
from loomtui.restore.events import Event, EventKind, Outcome
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import Plan, RemedyKind, SigningAction
from loomtui.restore.record.left_out import leaves_out
from loomtui.text import clean_line
from loomtui.wording.quantities import joined
from loomtui.wording.states import STEP_TITLES

_MOST = 200
_LONGEST = 300  # characters of a sentence
_CONSENTS = {
    Decision.RESET: "the reset of the signing states",
    Decision.RAISE: "raising the lost signing state",
    Decision.GIVE_UP: "giving up old databases",
}
_ENDS = {
    Outcome.RESTORED.value: "The run ended, and the chain moved.",
    Outcome.STOPPED.value: "The run stopped.",
    Outcome.ROLLED_BACK.value: "All was put back as it was before the run.",
}
#: Refusals that a consent puts right.
_BY_CONSENT = frozenset({FindingCode.CHAIN_STANDS, FindingCode.SIGNING_STATE_LOST, FindingCode.NO_ROOM})


class MoveKind(StrEnum):
    """The history of drills holds these values: never rename one."""

    HINT = "hint"
    PLAN = "plan"
    REFUSED = "plan-refused"
    BEGUN = "run-begun"
    RESUMED = "run-resumed"
    GATE = "gate-refused"
    FAILED = "step-failed"
    LEFT_OUT = "left-out"
    ROLLBACK = "rollback"
    RUN_ENDED = "run-ended"
    GAVE_UP = "gave-up"
    OVER = "over"


@dataclass(frozen=True)
class Move:
    at: datetime  # UTC
    kind: MoveKind
    sentence: str
    lost: str = ""  # why this led away from the shortest way; empty: it did not


def lost_move(moves: Iterable[Move]) -> Move | None:
    """The moment at which the way was lost: the first move that led away from it."""
    return next((move for move in moves if move.lost), None)


def moves_in_order(moves: Iterable[Move]) -> tuple[Move, ...]:
    """As they came; of very many the first ones, for these tell where the way was lost."""
    return tuple(sorted(moves, key=lambda move: move.at)[:_MOST])


def is_refused(plan: Plan) -> bool:
    """For good: what a consent that the plan offers puts right is a way on, and no refusal."""
    if plan.offer is RemedyKind.NONE:
        return bool(plan.refusals)
    return any(finding.code not in _BY_CONSENT for finding in plan.refusals)


def plan_move(plan: Plan, scenario: Scenario, names: Sequence[str]) -> Move:
    """`names`: all nodes of the cluster."""
    whom = _whom([node.name for node in plan.nodes], names)
    if not is_refused(plan):
        return Move(plan.made_at, MoveKind.PLAN, f"A plan for {whom} was made.")
    why = clean_line(_worst(plan).text, limit=_LONGEST)
    wanted = scenario.expected.ends is Ending.REFUSED
    lost = "" if wanted else "It can be restored, by choices with which the plan is not refused."
    return Move(plan.made_at, MoveKind.REFUSED, f"The plan for {whom} was refused: {why}", lost)


def _worst(plan: Plan) -> Finding:
    """The first refusal that no consent puts right, if there is one."""
    return next((one for one in plan.refusals if one.code not in _BY_CONSENT), plan.refusals[0])


def run_moves(
    plan: Plan, events: Sequence[Event], scenario: Scenario, names: Sequence[str]
) -> Iterator[Move]:
    """Of one run, by the plan that it went by in the end, and its journal."""
    for event in events:
        move = _move_of(event, plan, scenario, names)
        if move is not None:
            yield move


def _move_of(event: Event, plan: Plan, scenario: Scenario, names: Sequence[str]) -> Move | None:
    where = STEP_TITLES[event.step] if event.step else "The run"
    message = clean_line(event.message, limit=_LONGEST)
    match event.kind:
        case EventKind.RUN_STARTED:
            return Move(event.at, MoveKind.BEGUN, _begun(plan, names), _wrong_at_begin(plan, scenario, names))
        case EventKind.RUN_RESUMED:
            return Move(event.at, MoveKind.RESUMED, "The run was gone on with.")
        case EventKind.GATE_REFUSED:
            return Move(event.at, MoveKind.GATE, f"{where}: a gate did not open. {message}")
        case EventKind.TASK_FAILED:
            on = f" on {event.node}" if event.node else ""
            return Move(event.at, MoveKind.FAILED, f"{where} failed{on}: {message}")
        case EventKind.DECISION if leaves_out(event):
            expected = Decision.LEAVE_OUT in scenario.expected.decides
            lost = "" if expected else f"{event.node or 'It'} could have been restored with the others."
            return Move(event.at, MoveKind.LEFT_OUT, f"{event.node or 'A node'} was left out.", lost)
        case EventKind.ROLLBACK_STARTED:
            return Move(event.at, MoveKind.ROLLBACK, "The run was undone.", "It put back what was broken.")
        case EventKind.RUN_FINISHED:
            return _end(event)
        case _:
            return None


def _end(event: Event) -> Move:
    """Whether a stop has lost the way is told by what comes after it, so not here."""
    told = _ENDS.get(str(event.data.get("outcome")), "The run ended.")
    return Move(event.at, MoveKind.RUN_ENDED, told)


def _begun(plan: Plan, names: Sequence[str]) -> str:
    consents = [_CONSENTS[one] for one in Decision if one in consents_of(plan)]
    knowingly = f", with the consent to {joined(consents)}" if consents else ""
    return f"A restore of {_whom([node.name for node in plan.nodes], names)} began{knowingly}."


def consents_of(plan: Plan) -> frozenset[Decision]:
    """What was consented to beyond going on."""
    found = set()
    if plan.reset_confirmed:
        raised = any(node.signing.action is SigningAction.RAISE for node in plan.nodes)
        found.add(Decision.RAISE if raised else Decision.RESET)
    if plan.choices.give_up_old_data and plan.gives_up:
        found.add(Decision.GIVE_UP)
    return frozenset(found)


def _wrong_at_begin(plan: Plan, scenario: Scenario, names: Sequence[str]) -> str:
    expected = scenario.expected
    if expected.ends is Ending.HEALTHY:
        return "Nothing was broken: a restore stops a cluster that is well."
    if expected.ends is Ending.REFUSED:
        return f"Nothing was to be begun: {expected.sentence}"
    chosen = [node.name for node in plan.nodes]
    wanted = [name for name in scenario.knows.restore or names if name not in scenario.knows.gone]
    if extra := [name for name in chosen if name not in wanted]:
        return f"{joined(extra)} did not have to be restored."
    if missing := [name for name in wanted if name not in chosen]:
        return f"{joined(missing)} had to be restored, too."
    return _wrong_consents(plan, frozenset(expected.decides) & frozenset(_CONSENTS))


def _wrong_consents(plan: Plan, wanted: frozenset[Decision]) -> str:
    given = consents_of(plan)
    if extra := [_CONSENTS[one] for one in Decision if one in given - wanted]:
        return f"Nothing here wanted the consent to {joined(extra)}."
    if plan.is_complete and (missing := [_CONSENTS[one] for one in Decision if one in wanted - given]):
        return f"It wanted the consent to {joined(missing)}."
    return ""


def _whom(chosen: Sequence[str], names: Sequence[str]) -> str:
    return "all nodes" if set(chosen) == set(names) else joined(chosen)
