"""Works out what follows from who is in a plan and who is not. Pure.

Nodes outside a plan may hold blocks that the others abandon, keys that the plan puts elsewhere, and units
that dial an identity that no longer exists (docs/loom.md 7 and 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from loomtui.errors import CallError, LoomtuiError
from loomtui.fleet.probes.node_status import Active, NodeDetails
from loomtui.inventory.model import Inventory, Node, Role
from loomtui.restore.choices import Choices
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import NodePlan, Scope, SigningAction, SigningChoice, ValidatorPower
from loomtui.restore.planning.command_line import command_for
from loomtui.restore.planning.observations import Observations
from loomtui.restore.planning.unit_choices import wrong_outside
from loomtui.text import clean_line

#: A chain that has made no block for so long may be standing.
_STANDS_AFTER = timedelta(minutes=5)


def select(inventory: Inventory, choices: Choices) -> tuple[Node, ...]:
    """The nodes of the plan. Raises CallError for unknown names and for contradictions."""
    named = [*(choices.nodes or ()), *choices.gone, *choices.sources]
    unknown = [name for name in named if name not in inventory.names]
    if unknown or choices.nodes == ():
        raise CallError(
            f"no such node: {', '.join(map(clean_line, unknown)) or '(none named)'}",
            advice=f"The inventory has {', '.join(inventory.names)}.",
        )
    wanted = inventory.names if choices.nodes is None else choices.nodes
    both = [name for name in choices.gone if choices.nodes is not None and name in choices.nodes]
    if both:
        raise CallError(
            f"{', '.join(both)} cannot be restored and gone at once", advice="Leave it out of --nodes."
        )
    selected = tuple(
        node for node in inventory.nodes if node.name in wanted and node.name not in choices.gone
    )
    idle = [name for name in choices.sources if name not in {node.name for node in selected}]
    if idle:
        raise CallError(
            f"backups are mapped to {', '.join(idle)}, which is not in the plan", advice="Name it in --nodes."
        )
    if not selected:
        raise CallError("every node is gone: there is nothing to restore to")
    return selected


def scope_of(inventory: Inventory, selected: Sequence[Node], choices: Choices) -> Scope:
    """The whole cluster goes back if every validator that is still there is in the plan."""
    validators = {node.name for node in inventory.nodes if node.role is Role.VALIDATOR}
    together = validators - set(choices.gone) <= {node.name for node in selected}
    return Scope.CLUSTER if together else Scope.NODES


def is_whole_set(
    observations: Observations, signing: Mapping[str, SigningChoice], powers: Sequence[ValidatorPower]
) -> bool:
    """Whether nobody outside the plan could still sign: each validator is in it, or was said to be gone."""
    held = {choice.address for choice in signing.values()}
    absent = [power for power in powers if power.address not in held]
    gone = [
        name for name in observations.choices.gone if observations.inventory.node(name).role is Role.VALIDATOR
    ]
    return len(absent) <= len(gone)


def refusals(observations: Observations, signing: Mapping[str, SigningChoice]) -> Iterator[Finding]:
    """Why the chosen nodes may not be restored together, with what to do."""
    yield from _abandoned_blocks(observations)
    yield from _not_gone(observations)
    yield from _taken_over(observations)
    yield from _raised_signing_states(observations, signing)
    if not observations.chosen.data.is_unread:  # only the data tells whose keys are the chain's
        yield from _swapped_keys(observations)
        yield from _kept_in_vain(observations)


def _abandoned_blocks(observations: Observations) -> Iterator[Finding]:
    for name, result in observations.left_out.items():
        if observations.scope is Scope.CLUSTER and _is_active(result):
            yield Finding(
                FindingCode.RUNS_OUTSIDE,
                name,
                f"{name} is not in the plan and runs: it would give the abandoned blocks back to the others",
                "Restore it too, or stop it first",
            )


def _is_active(result: NodeDetails | LoomtuiError) -> bool:
    if isinstance(result, LoomtuiError) or result.status.service is None:
        return False
    return result.status.service.active not in {Active.INACTIVE, Active.FAILED}


def _not_gone(observations: Observations) -> Iterator[Finding]:
    for name in observations.choices.gone:
        if isinstance(observations.left_out.get(name), NodeDetails):
            sentence = f"{name} is said to be gone, but it answers"
            advice = "Switch it off for good, or restore it too"
            yield Finding(FindingCode.GONE_ANSWERS, name, sentence, advice)


def _taken_over(observations: Observations) -> Iterator[Finding]:
    """A node that gets the backups of another one also gets its keys."""
    for name, source in observations.choices.sources.items():
        for other, result in observations.left_out.items():
            owns = observations.inventory.node(other).backup_source == source
            if owns and isinstance(result, LoomtuiError) and other not in observations.choices.gone:
                vouched = replace(observations.choices, gone=(*observations.choices.gone, other))
                command = command_for(vouched, observations.cluster)
                yield Finding(
                    FindingCode.PLACE_TAKEN,
                    name,
                    f"{name} takes the place of {other}, which could not be looked at: if it runs, both sign "
                    "with one key",
                    f"When it is dead for certain: {command}",
                )


def _raised_signing_states(
    observations: Observations, signing: Mapping[str, SigningChoice]
) -> Iterator[Finding]:
    """The signing state of a node was lost while the chain lived on."""
    for name, choice in signing.items():
        if choice.action is not SigningAction.RAISE:
            continue
        if not observations.choices.reset_signing:
            confirmed = replace(observations.choices, reset_signing=True)
            yield Finding(
                FindingCode.SIGNING_STATE_LOST,
                name,
                f"{name} lost its signing state: {choice.reason}",
                "Only when its old machine is dead for certain, confirm with the cluster's name: "
                f"{command_for(confirmed, observations.cluster)}",
            )
        if observations.living_age is None or observations.living_age > _STANDS_AFTER:
            next_height = (observations.living_height or 0) + 1
            yield Finding(
                FindingCode.CHAIN_RESTS,
                name,
                f"{name} lost its signing state, and the chain has made no block lately: it may have signed "
                f"height {next_height} already",
                "Make the chain move without it first",
            )


def _swapped_keys(observations: Observations) -> Iterator[Finding]:
    """Somebody else's backup must not turn a validator of the chain into another one."""
    if observations.choices.keep_keys:
        return
    addresses = observations.chain.known_addresses
    for name, details in observations.details.items():
        live, config = details.status.validator, observations.chosen.config.get(name)
        saved = config.validator if config is not None else None
        if live is None or saved is None or not saved.address or live.address in {None, saved.address}:
            continue
        if live.address in addresses:
            yield Finding(
                FindingCode.KEY_SWAPPED,
                name,
                f"{name} holds the key of the chain's validator {live.address}, the backup that was chosen "
                f"for it that of {saved.address}",
                f"Name the right backups (--map {name}=HOST), or --keep-keys",
            )


def _kept_in_vain(observations: Observations) -> Iterator[Finding]:
    """--keep-keys was given for machines that were set up again.

    Their keys belong to a chain that was never this one.
    """
    if not observations.choices.keep_keys:
        return
    addresses = observations.chain.known_addresses
    all_details = [*observations.details.values(), *observations.others.values()]
    held = {
        details.status.validator.address for details in all_details if details.status.validator is not None
    }
    foreign = []
    for name, details in observations.details.items():
        live, config = details.status.validator, observations.chosen.config.get(name)
        saved = config.validator if config is not None else None
        if live is not None and live.address and saved is not None and saved.address in addresses:
            foreign.append(name)
    if foreign and not held & addresses:
        yield Finding(
            FindingCode.KEYS_KEPT_IN_VAIN,
            None,
            f"the validator keys on {', '.join(foreign)} are of no validator of the data's chain, those in "
            "their backups are: with --keep-keys nobody could sign its next block",
            "Leave --keep-keys out; the keys that are there now are set aside, not lost",
        )


def warnings(
    observations: Observations, plans: Sequence[NodePlan], powers: Sequence[ValidatorPower]
) -> Iterator[Finding]:
    """What an operator has to see to, because loomtui cannot see it."""
    yield from _set_aside(observations, plans)
    yield from _idle(observations)
    yield from _unseen_keys(observations)
    yield from _keys_from_backups(observations, plans, powers)
    yield from _dialled_in_vain(observations, plans)


def _set_aside(observations: Observations, plans: Sequence[NodePlan]) -> Iterator[Finding]:
    for plan in plans:
        live = observations.details[plan.name].status.validator
        if live is not None and live.address and plan.signing.address not in {None, live.address}:
            sentence = (
                f"{plan.name} holds the validator key {live.address}, which is not its own by its backup: it "
                "is set aside in the run's folder, not lost"
            )
            yield Finding(FindingCode.KEY_SET_ASIDE, plan.name, sentence)


def _idle(observations: Observations) -> Iterator[Finding]:
    if observations.scope is not Scope.CLUSTER:
        return
    for name, result in observations.left_out.items():
        if name in observations.choices.gone:
            sentence = f"{name} is said to be gone: it must never run again with its blocks or its keys"
            yield Finding(FindingCode.GONE, name, sentence)
        elif isinstance(result, LoomtuiError):
            sentence = (
                f"{name} is not in the plan and could not be looked at: if it runs, it gives the abandoned "
                "blocks back to the others"
            )
            yield Finding(FindingCode.UNSEEN_OUTSIDE, name, sentence)
        elif not _is_active(result):
            later = replace(observations.choices, nodes=(name,), sources={}, reset_signing=False)
            yield Finding(
                FindingCode.STOPPED_OUTSIDE,
                name,
                f"{name} is not in the plan and stopped: it still holds the abandoned blocks",
                "Keep it stopped until its data is restored as well: "
                f"{command_for(later, observations.cluster)}",
            )


def _unseen_keys(observations: Observations) -> Iterator[Finding]:
    """Without them it is not known either whether a key of the plan's is there as well."""
    for name, details in observations.others.items():
        keys = (details.status.node_key, details.status.validator)
        if any(key is not None and key.closed for key in keys):
            sentence = (
                f"{name} is not in the plan, and its keys could not be seen: see that it holds none that a "
                "node of the plan has"
            )
            yield Finding(FindingCode.UNSEEN_OUTSIDE, name, sentence)


def _keys_from_backups(
    observations: Observations, plans: Sequence[NodePlan], powers: Sequence[ValidatorPower]
) -> Iterator[Finding]:
    """Names the machine that could sign twice: the one from which the key was saved."""
    addresses = {power.address for power in powers}
    moved = []
    for plan in plans:
        live = observations.details[plan.name].status.validator
        kept = live is not None and live.address == plan.signing.address
        if plan.signing.address in addresses and not kept:
            moved.append(plan.name)
    if moved:
        sentence = (
            f"the validator keys of {', '.join(moved)} come from backups: no other machine that holds one of "
            "them may ever run again, or both sign with one key"
        )
        yield Finding(FindingCode.KEYS_FROM_BACKUPS, None, sentence)


def _dialled_in_vain(observations: Observations, plans: Sequence[NodePlan]) -> Iterator[Finding]:
    """Units outside the plan that name an identity or an address that no node will have.

    They stay as they are.
    """
    for mismatch in wrong_outside(observations, plans):
        yield Finding(
            FindingCode.DIALLED_IN_VAIN,
            mismatch.on,
            f"{mismatch.on} is not in the plan, so its unit stays, and will be wrong after the restore: "
            f"{mismatch.message}",
            "After it: loomtui services --diff",
        )
