"""Which unit each node of the plan gets, and who will dial in vain.

It looks at every node as it will be. Pure.

A unit names other nodes, so it is judged by the whole inventory: the nodes of the plan as the restore makes
them, the others as they are. The backup's unit is as old as the backup. If the node's own unit is right and
the backup's is not, the node's own stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from loomtui.backups.model import Contents
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.places import Places, Use
from loomtui.loom.databases import UNIT
from loomtui.loom.launch.sources import Sources
from loomtui.loom.references import Mismatch, MismatchKind, NodeFacts, compare
from loomtui.loom.units import EffectiveUnit, read_unit, with_sources, with_text
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import FileAction, FileChoice, NodePlan
from loomtui.restore.planning.identities import facts_of, with_history
from loomtui.restore.planning.observations import Observations
from loomtui.text import clean_line


def nodes_after(observations: Observations, plans: Sequence[NodePlan]) -> tuple[NodeFacts, ...]:
    """Every node of the inventory as it will be after the restore, but with the unit that it has now."""
    planned = {plan.name: plan for plan in plans}
    nodes = []
    for node in observations.inventory.nodes:
        details = observations.details.get(node.name) or observations.left_out.get(node.name)
        facts, plan = facts_of(observations.inventory, node, details), planned.get(node.name)
        if plan is not None:
            facts = replace(
                with_history(facts, plan), node_id=plan.node_id, listen_port=plan.port, reported=None
            )
        nodes.append(facts)
    return tuple(nodes)


def keep_right_units(
    observations: Observations, plans: Sequence[NodePlan]
) -> tuple[tuple[NodePlan, ...], list[Finding]]:
    """The plans, in which no right unit is replaced by a wrong one, and what to say about that."""
    nodes = nodes_after(observations, plans)
    kept, findings = [], []
    for plan in plans:
        facts = next(node for node in nodes if node.name == plan.name)
        config = observations.chosen.config.get(plan.name)
        wrong = _wrong_in_backup(observations, plan, facts, nodes)
        misplaced = _misplaced(observations, plan, config)
        if not wrong and not misplaced:
            kept.append(plan)
            continue
        reason = "the node's own is right, the backup's names old peers"
        if misplaced:
            reason = "the backup's does not fit the node"
        keep = FileChoice(UNIT, FileAction.KEEP, reason, changes=False)
        files = tuple(keep if choice.target == UNIT else choice for choice in plan.files)
        used = any(choice.action is FileAction.RESTORE for choice in files)
        kept.append(replace(plan, files=files, config=plan.config if used else None))
        why = misplaced or f"its peers are right, the backup's are not: {wrong}"
        sentence = f"{plan.name}: its own unit stays: {why}"
        findings.append(Finding(FindingCode.UNIT_STAYS, plan.name, sentence))
    return tuple(kept), findings


def restored_unit(
    details: NodeDetails, config: Contents | None, path: str, sources: Sources | None = None
) -> EffectiveUnit | None:
    """The node's unit with the text that its backup has, or None if the backup has none.

    Its drop-ins stay, and without `sources` what lies around it, too. `path` is where it will lie on a node
    that has no unit yet.
    """
    text = config.texts.get(UNIT) if config is not None else None
    if text is None:
        return None
    own = details.status.unit
    if own is None or not own.files:
        return read_unit(path, text, sources)
    unit = with_text(own, own.files[0].path, text)
    return unit if sources is None else with_sources(unit, sources)


def wrong_outside(observations: Observations, plans: Sequence[NodePlan]) -> Iterator[Mismatch]:
    """What will keep peers apart and is mended by no step, in the units of nodes that are not in the plan."""
    names = {plan.name for plan in plans}
    for mismatch in compare(nodes_after(observations, plans)).mismatches:
        in_unit = mismatch.kind not in {MismatchKind.DUPLICATE_IDENTITY, MismatchKind.REPORTED_DIFFERS}
        if mismatch.blocking and mismatch.on not in names and in_unit:
            yield mismatch


def _misplaced(observations: Observations, plan: NodePlan, config: Contents | None) -> str:
    """Why the backup's unit would run no loom on this node, while the node's own does; in words, or empty.

    The backup may be of another host, of another time, or of a machine that was set up otherwise.
    """
    details = observations.details[plan.name]
    own, restored = details.status.unit, restored_unit(details, config, plan.unit_path)
    if own is None or not own.files or restored is None or not _is_restored(plan):
        return ""
    for was, now, what in (
        (own.user, restored.user, "runs loom as {}, the node's as {}"),
        (
            own.working_directory.rstrip("/"),
            restored.working_directory.rstrip("/"),
            "runs loom in {}, the node's in {}",
        ),
    ):
        if was != now:
            return f"the backup's {what.format(clean_line(now), clean_line(was))}"
    places = observations.places.get(plan.name, Places())
    absent = {unfit.what for unfit in places.unfit if unfit.use is Use.PROGRAM}
    program = "".join(restored.exec_start[:1])
    if program in absent and not absent & set(own.exec_start[:1]):
        return f"the backup's starts {clean_line(program)}, which is not there"
    return ""


def _is_restored(plan: NodePlan) -> bool:
    choice = next((choice for choice in plan.files if choice.target == UNIT), None)
    return choice is not None and choice.action is FileAction.RESTORE and choice.changes


def _wrong_in_backup(
    observations: Observations, plan: NodePlan, facts: NodeFacts, nodes: Sequence[NodeFacts]
) -> str | None:
    """What is wrong with the backup's unit and not with the node's own, in a sentence. None means nothing."""
    config = observations.chosen.config.get(plan.name)
    choice = next((choice for choice in plan.files if choice.target == UNIT), None)
    if choice is None or choice.action is not FileAction.RESTORE or not choice.changes:
        return None
    sources = observations.unit_sources.get(plan.name)
    restored = restored_unit(observations.details[plan.name], config, plan.unit_path, sources)
    if restored is None or facts.unit is None or not facts.unit.files:
        return None
    own = _mismatches_on(facts, facts.unit, nodes)
    if any(mismatch.blocking for mismatch in own):
        return None
    new = [mismatch for mismatch in _mismatches_on(facts, restored, nodes) if mismatch not in own]
    telling = [one for one in new if one.blocking or one.kind in _OLD_PEERS]
    return telling[0].message if telling else None


#: What keeps nobody apart, but is dialled in vain for ever, or cannot be told.
_OLD_PEERS = frozenset(
    {
        MismatchKind.UNKNOWN_PEER,
        MismatchKind.FORMER_ENTRY,
        MismatchKind.BACKUP_NODE_LISTED,
        MismatchKind.PEERS_UNKNOWN,
    }
)


def _mismatches_on(node: NodeFacts, unit: EffectiveUnit, nodes: Sequence[NodeFacts]) -> list[Mismatch]:
    """What is wrong in the lists of a node that has this unit. Its keys do not matter here."""
    others = [replace(node, unit=unit) if one.name == node.name else one for one in nodes]
    return [
        mismatch
        for mismatch in compare(others).mismatches
        if mismatch.on == node.name and mismatch.kind not in _OF_THE_NODE
    ]


_OF_THE_NODE = frozenset(
    {
        MismatchKind.DUPLICATE_IDENTITY,
        MismatchKind.NO_KEY,
        MismatchKind.REPORTED_DIFFERS,
        MismatchKind.STALE_ADDRBOOK,
    }
)
