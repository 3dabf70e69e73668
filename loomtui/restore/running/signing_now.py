"""Makes the plan's prediction once more, from the signing states that the nodes have at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from loomtui.errors import LoomtuiError
from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.fleet.probes.probe import look_at
from loomtui.loom.validator import SigningState
from loomtui.restore.plan import Scope, SigningAction, SigningChoice
from loomtui.restore.planning.signing_choices import predict
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.task_failures import on_all, sentences

_NOTHING_SIGNED = SigningState(0, 0, 0)


def moves_without(context: RunContext, name: str) -> bool:
    """Whether the restored chain could still move, as the plan predicted, with this node left out as well."""
    plan = context.plan
    if plan.scope is not Scope.CLUSTER:
        return True
    choices = {node.name: node.signing for node in context.nodes if node.name != name}
    return predict(plan.prediction.height, choices, plan.validators, whole_set_in_plan=False).moves


def depends_on_own_state(context: RunContext, name: str) -> bool:
    """Whether `standstill` has to know the signing state that the node has at this moment."""
    keeps = context.plan.node(name).signing.action is SigningAction.KEEP
    return keeps and context.plan.scope is Scope.CLUSTER


async def standstill(
    context: RunContext, statuses: Mapping[str, NodeStatus] | None = None
) -> tuple[str, ...]:
    """Why the restored chain could not move; empty means that it can. Nodes that are left out do not sign.

    `statuses`: what was seen of nodes just now; the others are looked at.
    """
    known = statuses or {}
    if context.plan.scope is not Scope.CLUSTER:
        return ()

    async def now(name: str) -> SigningChoice:
        choice = context.plan.node(name).signing
        if not depends_on_own_state(context, name):
            return choice
        status = known[name] if name in known else await look_at(context.fleet.session(name), None)
        facts = status.validator
        if facts is None:
            raise LoomtuiError(status.error or "its signing state was not told.", node=name)
        if facts.closed:
            raise LoomtuiError(f"its signing state could not be seen: {facts.problem}.", node=name)
        if facts.address != choice.address:
            return replace(choice, address=None)
        return replace(choice, result_height=(facts.signing or _NOTHING_SIGNED).height)

    choices, failures = await on_all([node.name for node in context.nodes], now)
    if failures:
        return sentences(failures)
    prediction = predict(
        context.plan.prediction.height,
        choices,
        context.plan.validators,
        whole_set_in_plan=not context.left_out,
    )
    if prediction.moves:
        return ()
    return (f"{prediction.sentence} {prediction.remedy}".strip(),)
