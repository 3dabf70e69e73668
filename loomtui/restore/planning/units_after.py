"""The units that the nodes of a plan will have, and why a plan is refused for them.

A unit is corrected by a late step, when the cluster is down; so whether that can be done is found out here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from loomtui.backups.model import Contents
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.unit_sources import read_around
from loomtui.loom.databases import UNIT
from loomtui.loom.launch.sources import Sources
from loomtui.loom.references import MismatchKind, NodeFacts, compare
from loomtui.loom.units import EffectiveUnit
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import FileAction, NodePlan
from loomtui.restore.planning.identities import service_fix, service_fixes
from loomtui.restore.planning.observations import Observations
from loomtui.restore.planning.unit_choices import nodes_after, restored_unit
from loomtui.text import clean_line


async def read_sources(
    fleet: Fleet, details: Mapping[str, NodeDetails], configs: Mapping[str, Contents]
) -> Mapping[str, Sources]:
    """What lies on the nodes around the backups' units, which may name other files than the present ones."""

    async def one(name: str) -> Sources | None:
        session, found = fleet.session(name), details[name]
        around = None if found.status.unit else Sources(session.loom.unit_name)
        unit = restored_unit(found, configs.get(name), around)
        return (await read_around(session, unit)).sources if unit is not None else None

    found = await asyncio.gather(*map(one, details))
    return {name: sources for name, sources in zip(details, found, strict=True) if sources is not None}


def refusals(observations: Observations, plans: Sequence[NodePlan]) -> Iterator[Finding]:
    """What no later step could mend in a unit, with what to change by hand."""
    names, nodes = {plan.name for plan in plans}, _nodes(observations, plans)
    for facts in nodes:
        if facts.name not in names or facts.unit is None or not facts.unit.files:
            continue
        for path in facts.unit.missing_files:
            sentence = (
                f"{facts.name}: its unit reads {clean_line(path)}, which is not there: it would not start"
            )
            advice = "Put that file there, or a - in front of its name in EnvironmentFile="
            yield Finding(FindingCode.UNIT_FILE_MISSING, facts.name, sentence, advice)
        fix = service_fix(facts, nodes)
        if fix.problem is not None:
            sentence = (
                f"{facts.name}: its peers would be wrong, and loomtui cannot correct them. {fix.problem}"
            )
            advice = "Change it by hand, then plan again"
            yield Finding(FindingCode.UNIT_BY_HAND, facts.name, sentence, advice)


def corrected_files(observations: Observations, plans: Sequence[NodePlan]) -> Mapping[str, str]:
    """By node: the file in which the peers will have to be corrected."""
    fixes = service_fixes(compare(_nodes(observations, plans)))
    return {fix.node: fix.path for fix in fixes if fix.needed}


def warnings(observations: Observations, plans: Sequence[NodePlan]) -> Iterator[Finding]:
    """Nodes of the plan whose lists cannot be read: nothing says that they are wrong, or right."""
    names = {plan.name for plan in plans}
    for mismatch in compare(_nodes(observations, plans)).mismatches:
        if mismatch.kind is MismatchKind.PEERS_UNKNOWN and mismatch.on in names:
            sentence = f"{mismatch.message} The restore leaves the list as it is"
            advice = "See to it by hand that it names the other nodes; the last step tells who is connected"
            yield Finding(FindingCode.PEERS_UNKNOWN, mismatch.on, sentence, advice)


def _nodes(observations: Observations, plans: Sequence[NodePlan]) -> list[NodeFacts]:
    """Every node of the inventory, those of the plan with the unit that they get."""
    planned = {plan.name: plan for plan in plans}
    return [
        replace(node, unit=_unit(observations, planned[node.name], node.unit))
        if node.name in planned
        else node
        for node in nodes_after(observations, plans)
    ]


def _unit(observations: Observations, plan: NodePlan, present: EffectiveUnit | None) -> EffectiveUnit | None:
    if not any(choice.target == UNIT and choice.action is FileAction.RESTORE for choice in plan.files):
        return present
    config = observations.chosen.config.get(plan.name)
    sources = observations.unit_sources.get(plan.name)
    return restored_unit(observations.details[plan.name], config, sources) or present
