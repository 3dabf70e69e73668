"""What can be done with a plan, for the panel at the bottom. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from loomtui.restore.plan import Plan, RemedyKind
from loomtui.wording.states import POLICIES
from screens.restore.next_panel import Choice
from screens.restore.plan_text import (
    has_backup_jobs,
    lacks_redis,
    may_start,
    may_take_delta,
    names_redis,
    offer_of,
    summary,
)

_DECLINE = Choice("plan.decline", "decline", "nothing is changed")
BACK = Choice("screen.back", "go back to the choice of the data", "nothing was changed")


@dataclass(frozen=True)
class PlanGuidance:
    headline: str
    choices: tuple[Choice, ...]
    detail: str = ""


def guidance_for_plan(plan: Plan, *, declined: bool, redis: str | None) -> PlanGuidance:
    """`declined`: the operator wants nothing of what the plan offers; `redis`: what was chosen for Redis."""
    offer = offer_of(plan)
    if declined:
        return PlanGuidance("You declined. Nothing was changed; every node is as it was.", (BACK,))
    if offer is not None and offer.remedy is RemedyKind.GIVE_UP:
        after = "deleted after the stop, for good; first it only plans anew"
        choices = (*_delta(plan), Choice("plan.give_up", offer.verb, after), _DECLINE)
        return PlanGuidance(offer.why, choices, "How much each of it frees stands above.")
    if offer is not None:
        choices = (Choice("plan.reset", offer.verb, "plans anew; nothing is changed yet"), _DECLINE)
        return PlanGuidance(offer.why, choices, f"{offer.effect} {offer.danger}")
    if may_start(plan):
        begin = (
            Choice("plan.carry_on", "carry out all of it", "asks for the cluster's name, once"),
            Choice("plan.start", "begin the restore step by step", "step 1 stops nothing"),
        )
        return PlanGuidance(f"Read the plan ({summary(plan)}).", (*begin, *_more(plan, redis), BACK))
    if lacks_redis(plan):
        return PlanGuidance(
            "A node would not reach its Redis, and could not start.", (*_more(plan, redis), BACK)
        )
    return PlanGuidance("This plan must not be run: see above why.", (*_delta(plan), BACK))


def _delta(plan: Plan) -> tuple[Choice, ...]:
    if not may_take_delta(plan):
        return ()
    return (Choice("plan.delta", "take over what the nodes have already", "plans anew"),)


def _more(plan: Plan, redis: str | None) -> tuple[Choice, ...]:
    """What can be decided about the plan as it is."""
    choices = []
    if has_backup_jobs(plan):
        policy = plan.backup_policy
        choices.append(Choice("plan.backup_jobs", f"backup.sh: {policy.value}", POLICIES[policy]))
    if names_redis(plan):
        now = redis or "as in the config"
        choices.append(Choice("plan.redis", "another Redis address, or keep it", f"now: {now}; plans anew"))
    return tuple(choices)
