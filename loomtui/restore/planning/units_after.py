"""The units that the nodes of a plan will have, and why a plan is refused for them.

A unit is corrected by a late step, when the cluster is down; so whether that can be done is found out here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from loomtui.backups.model import Contents
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.unit_sources import read_around
from loomtui.loom.databases import UNIT
from loomtui.loom.launch.sources import Sources
from loomtui.loom.places import MOVING_VARIABLES
from loomtui.loom.references import KeyReport, MismatchKind, compare
from loomtui.loom.units import EffectiveUnit
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import FileAction, NodePlan, UnitChange
from loomtui.restore.planning.identities import ServiceFix, digest_of, service_fixes
from loomtui.restore.planning.observations import Observations
from loomtui.restore.planning.unit_choices import nodes_after, restored_unit
from loomtui.text import clean_line

_NAME_THE_OTHERS = "See to it by hand that it names the other nodes; the last step tells who is connected"


async def read_sources(
    fleet: Fleet, details: Mapping[str, NodeDetails], configs: Mapping[str, Contents]
) -> Mapping[str, Sources]:
    """What lies on the nodes around the backups' units, which may name other files than the present ones."""

    async def one(name: str) -> Sources | None:
        session, found = fleet.session(name), details[name]
        around = None if found.status.unit else Sources(session.loom.unit_name)
        unit = restored_unit(found, configs.get(name), session.loom.unit_file, around)
        return (await read_around(session, unit)).sources if unit is not None else None

    found = await asyncio.gather(*map(one, details))
    return {name: sources for name, sources in zip(details, found, strict=True) if sources is not None}


class UnitsAfter:
    """What the units will say, judged once for all that asks: a long list of peers is dear to read."""

    def __init__(self, observations: Observations, plans: Sequence[NodePlan]) -> None:
        self._observations = observations
        self._plans = {plan.name: plan for plan in plans}

    @cached_property
    def _report(self) -> KeyReport:
        """Every node of the inventory, those of the plan with the unit that they get."""
        plans = self._plans
        return compare(
            [
                replace(node, unit=_unit(self._observations, plans[node.name], node.unit))
                if node.name in plans
                else node
                for node in nodes_after(self._observations, list(plans.values()))
            ]
        )

    @cached_property
    def _fixes(self) -> Mapping[str, ServiceFix]:
        return {fix.node: fix for fix in service_fixes(self._report)}

    def corrected_file(self, name: str) -> str | None:
        """The file in which that node's peers will have to be corrected; None if they are right."""
        fix = self._fixes.get(name)
        return fix.path if fix is not None and fix.needed else None

    def shown(self, plans: Sequence[NodePlan]) -> tuple[NodePlan, ...]:
        """The plans, each with the change that the units' step will make: it is approved with the plan."""
        return tuple(replace(plan, unit_change=_change_of(self._fixes.get(plan.name))) for plan in plans)

    def refusals(self) -> Iterator[Finding]:
        """What no later step could mend in a unit, with what to change by hand."""
        for facts in self._report.nodes:
            if facts.name in self._plans and facts.unit is not None and facts.unit.files:
                yield from _missing_files(facts.name, facts.unit)
                yield from _moving_variables(facts.name, facts.unit, self._observations)
                yield from _by_hand(self._fixes[facts.name])

    def warnings(self) -> Iterator[Finding]:
        """Nodes of the plan whose lists cannot be read: nothing says that they are wrong, or right."""
        for mismatch in self._report.mismatches:
            if mismatch.kind is MismatchKind.PEERS_UNKNOWN and mismatch.on in self._plans:
                sentence = f"{mismatch.message} The restore leaves the list as it is"
                advice = (
                    "See to it by hand that it names the other nodes; the last step tells who is connected"
                )
                yield Finding(FindingCode.PEERS_UNKNOWN, mismatch.on, sentence, advice)


def _missing_files(name: str, unit: EffectiveUnit) -> Iterator[Finding]:
    for path in unit.missing_files:
        sentence = f"{name}: its unit reads {clean_line(path)}, which is not there: it would not start"
        advice = "Put that file there, or a - in front of its name in EnvironmentFile="
        yield Finding(FindingCode.UNIT_FILE_MISSING, name, sentence, advice)


def _moving_variables(name: str, unit: EffectiveUnit, observations: Observations) -> Iterator[Finding]:
    # Of those that the node's unit sets now, `moved_files` tells.
    moving = unit.variables & MOVING_VARIABLES - set(observations.details[name].environment)
    if moving:
        sentence = (
            f"{name}: the unit that will be there sets {', '.join(sorted(moving))}, which wins "
            "over loom.yml or config.toml: Loom would look elsewhere than where a restore puts its files"
        )
        advice = "Take another config backup (--before, --map), or one without that variable in its unit"
        yield Finding(FindingCode.FILES_MOVED, name, sentence, advice)


def _change_of(fix: ServiceFix | None) -> UnitChange | None:
    if fix is None or not fix.needed or fix.problem is not None:
        return None
    return UnitChange(fix.path, digest_of(fix.before), digest_of(fix.after), fix.diff)


def _by_hand(fix: ServiceFix) -> Iterator[Finding]:
    if fix.problem is not None:
        sentence = f"{fix.node}: its peers would be wrong, and loomtui cannot correct them. {fix.problem}"
        advice = "Change it by hand, then plan again"
        yield Finding(FindingCode.UNIT_BY_HAND, fix.node, sentence, advice)


def _unit(observations: Observations, plan: NodePlan, present: EffectiveUnit | None) -> EffectiveUnit | None:
    if not any(choice.target == UNIT and choice.action is FileAction.RESTORE for choice in plan.files):
        return present
    config = observations.chosen.config.get(plan.name)
    sources = observations.unit_sources.get(plan.name)
    return restored_unit(observations.details[plan.name], config, plan.unit_path, sources) or present
