"""The shortest way through a scenario, in sentences: made from what its file expects. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from loomtui.backups.model import FaultKind
from loomtui.drill.scenarios import Scenario
from loomtui.drill.scenarios.expectations import Decision, Ending, RedisChoice
from loomtui.wording.quantities import joined

_DECISIONS = {
    Decision.RESET: "Consent to the reset of the signing states, which the plan offers.",
    Decision.RAISE: "Consent to what the plan offers: the lost signing state is set to the chain's height.",
    Decision.GIVE_UP: "Consent to giving up the old databases where there is no room for both.",
    Decision.LEAVE_OUT: "Go on without the node that does not come back.",
    Decision.RETRY: "When a step fails, wait until the trouble is over, and try it again.",
}
_FAULTS = {
    FaultKind.UNREADABLE: "S3 does not give it",
    FaultKind.REJECTED: "its archive is damaged",
    FaultKind.UNKNOWN: "it holds no data of a node",
    FaultKind.NO_EVM: "it has no evm.db",
    FaultKind.OTHER_CHAIN: "it is of another chain",
    FaultKind.TORN: "it is torn",
}
_REDIS = {
    RedisChoice.NEW: "Give the plan the Redis that there is today.",
    RedisChoice.KEEP: "Keep the address of Redis, knowingly.",
}


def shortest_way(scenario: Scenario) -> tuple[str, ...]:
    """One sentence for each move, in order; the last one says what is so at the end."""
    if scenario.expected.ends is Ending.HEALTHY:
        return ("Look at the cluster, and begin no restore.", scenario.expected.sentence)
    return (*_planning(scenario), *_carrying_out(scenario), scenario.expected.sentence)


def _planning(scenario: Scenario) -> Iterator[str]:
    known = scenario.knows
    yield f"Make a plan for {joined(known.restore) if known.restore else 'all nodes'}."
    if known.gone:
        yield f"Say that {joined(known.gone)} will not come back."
    if known.redis is not None:
        yield _REDIS[known.redis]
    for kind in scenario.expected.passes_over:
        yield f"Leave the choice of the backup to the plan: it passes over a newer one, for {_FAULTS[kind]}."


def _carrying_out(scenario: Scenario) -> Iterator[str]:
    expected = scenario.expected
    in_the_run = (Decision.LEAVE_OUT, Decision.RETRY)
    yield from (_DECISIONS[one] for one in expected.decides if one not in in_the_run)
    if expected.ends is Ending.REFUSED:
        yield "Read why the plan is refused, and begin nothing."
        return
    yield "Carry out the plan."
    yield from (_DECISIONS[one] for one in expected.decides if one in in_the_run)
