"""Every node as it will be when the config is restored, while the services still run.

The unit that an archive brings lies in the run's folder by then, and the plan tells the identity. So what the
units will need can be shown, approved and checked before the first stop.
"""

from __future__ import annotations

from dataclasses import replace

from loomtui.errors import StepFailed
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.unit_sources import read_around
from loomtui.fleet.scripts import InspectScript
from loomtui.loom.databases import ADDRBOOK, UNIT
from loomtui.loom.identity import NodeFacts
from loomtui.loom.references import KeyReport, compare
from loomtui.loom.units import EffectiveUnit, read_unit, with_text
from loomtui.restore.plan import FileAction, FileChoice
from loomtui.restore.planning.identities import digest_of, look_and_compare
from loomtui.restore.running.config_changes import is_staged, staged_at
from loomtui.restore.running.node_run import NodeRun
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.safe_now import NOTHING_STOPPED
from loomtui.restore.running.task_failures import on_all

_STAGED_FILE = InspectScript("staged_file")


async def report_ahead(context: RunContext) -> KeyReport:
    """What a comparison of all nodes will say then. Only looks. Raises LoomtuiError for a node of the run."""
    compared = await look_and_compare(context.inventory, context.fleet, context.plan)
    names = [node.name for node in context.nodes]
    facts = {node.name: node for node in compared.report.everyone}
    ahead, failures = await on_all(names, lambda name: _ahead(context, name, facts[name]))
    for name in names:
        if name in compared.errors:
            raise compared.errors[name]
        if name in failures:
            raise failures[name]
    return compare([ahead.get(name, node) for name, node in facts.items()])


async def _ahead(context: RunContext, name: str, facts: NodeFacts) -> NodeFacts:
    node_run = context.node_run(name)
    plan = node_run.plan
    choices = {choice.target: choice for choice in plan.files}
    book = choices.get(ADDRBOOK)
    return replace(
        facts,
        node_id=plan.node_id,
        file_id=None,
        key_problem=None,
        reported=None,
        reported_problem=None,
        listen_port=plan.port,
        unit=await _unit_ahead(context, node_run, facts.unit),
        addrbook=() if book is not None and book.action is FileAction.SET_ASIDE else facts.addrbook,
        connected=None,
    )


def _see_that_it_is_as_planned(
    context: RunContext, node: str, choice: FileChoice, own: EffectiveUnit | None
) -> None:
    """Raises StepFailed: somebody has changed the unit that the archive's takes the place of."""
    now = digest_of(own.files[0].text) if own is not None and own.files else None
    if choice.found is not None and choice.found != now:
        raise StepFailed(
            "somebody has changed its unit file since the plan was made",
            node=node,
            safe=NOTHING_STOPPED,
            advice=context.new_plan(),
        )


async def _unit_ahead(
    context: RunContext, node_run: NodeRun, own: EffectiveUnit | None
) -> EffectiveUnit | None:
    choice = next((choice for choice in node_run.plan.files if choice.target == UNIT), None)
    if choice is None or not is_staged(choice):
        return own
    _see_that_it_is_as_planned(context, node_run.plan.name, choice, own)
    name = staged_at(choice).removeprefix("stage/")
    output = await node_run.session.inspect(_STAGED_FILE, node_run.workdir, node_run.run, name)
    text = read_facts(output.stdout).get("text", b"").decode("utf-8", "replace")
    if own is None or not own.files:
        return read_unit(node_run.plan.unit_path, text)
    return await read_around(node_run.session, with_text(own, own.files[0].path, text))
