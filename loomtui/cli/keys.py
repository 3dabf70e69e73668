"""`loomtui nodekeys` and `loomtui services` show every node's identity, and what the units say about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from loomtui.cli.asking import prompter
from loomtui.cli.failures import explain
from loomtui.cli.output import Cell, diff, print_json, progress, say, table
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.errors import LoomtuiError
from loomtui.wording.quantities import NOTHING, count

if TYPE_CHECKING:
    from loomtui.inventory import Inventory
    from loomtui.loom.references import KeyReport, NodeFacts
    from loomtui.restore.planning.identities import ServiceFix


@click.command()
@inventory_option
@json_option()
@click.pass_obj
def nodekeys(settings: Settings, as_json: bool) -> int:
    """Compare every node's ID with every reference to it."""
    from loomtui.cli.views import keys_document

    inventory = settings.inventory()
    report, failed = run_async(_gather(inventory, batch=as_json))
    if as_json:
        print_json(keys_document(inventory, report, failed))
    else:
        _show_keys(inventory, report, failed)
    return _exit_status(report, failed, good=report.ok and not report.unknown)


@click.command()
@inventory_option
@json_option()
@click.option("--diff", "show_diff", is_flag=True, help="Show what would have to change.")
@click.pass_obj
def services(settings: Settings, as_json: bool, show_diff: bool) -> int:
    """Show every node's unit file, and whether something would have to change in it."""
    from loomtui.cli.views import services_document
    from loomtui.restore.planning.identities import service_fixes

    inventory = settings.inventory()
    report, failed = run_async(_gather(inventory, batch=as_json))
    fixes = service_fixes(report)
    if as_json:
        print_json(services_document(inventory, report, fixes, failed))
    else:
        _show_services(inventory, report, fixes, failed, show_diff=show_diff)
    good = len(fixes) == len(report.nodes) and not any(fix.needed for fix in fixes)
    return _exit_status(report, failed, good=good)


async def _gather(inventory: Inventory, *, batch: bool) -> tuple[KeyReport, Mapping[str, LoomtuiError]]:
    from loomtui.engine.live import LiveEngine, opened

    async with opened(LiveEngine(inventory), prompter(batch=batch)) as engine:
        progress(f"looking at {count(len(inventory.nodes), 'node')}")
        return await engine.key_report()


def _exit_status(report: KeyReport, failed: Mapping[str, LoomtuiError], *, good: bool) -> int:
    """Says why nodes are missing. If no node was seen, the reason decides the exit status."""
    for error in failed.values():
        explain(error)
    if failed and not report.nodes:
        return next(iter(failed.values())).exit_status
    return 0 if good and not failed else 1


def _show_keys(inventory: Inventory, report: KeyReport, failed: Mapping[str, LoomtuiError]) -> None:
    facts = {node.name: node for node in report.nodes}
    rows = [
        _key_row(facts[node.name])
        if node.name in facts
        else (node.name, node.role.value, NOTHING, *_unseen_cells(failed, node.name))
        for node in inventory.nodes
    ]
    table(("NODE", "ROLE", "PEERS DIAL", "NODE ID (from its key)", "LOOM NODEKEY"), rows)
    say()
    for mismatch in report.mismatches:
        mark, colour = ("✗", "red") if mismatch.blocking else ("·", "")
        say(f"{mark} {mismatch.on}, {mismatch.where}: {mismatch.message}", colour=colour)
        if mismatch.expected or mismatch.found:
            say(f"    expected {mismatch.expected or 'nothing'}, found {mismatch.found or 'nothing'}")
    blocking = sum(mismatch.blocking for mismatch in report.mismatches)
    if report.ok and report.unknown:
        say(f"Every reference that was read is right; whom {', '.join(report.unknown)} lists is not known.")
    elif report.ok:
        say("Every reference that was seen is right.", colour="green")
    else:
        say(f"{count(blocking, 'reference')} would keep peers apart.", colour="red")


def _key_row(node: NodeFacts) -> tuple[Cell | str, ...]:
    if node.reported is None:
        reported = Cell(f"not run: {node.reported_problem}" if node.reported_problem else "not run")
    elif node.reported == node.id_of_file:
        reported = Cell("the same", "green")
    else:
        reported = Cell(f"✗ its key file makes {node.id_of_file or 'none'}", "red")
    identity = node.node_id or Cell("✗ none", "red")
    return (node.name, node.role.value, f"{node.address}:{node.p2p_port}", identity, reported)


def _unseen_cells(failed: Mapping[str, LoomtuiError], name: str) -> tuple[Cell, str]:
    """Two cells for a node that could not be looked at; they say so, and why."""
    return Cell("✗ not seen", "red"), failed[name].what if name in failed else NOTHING


def _show_services(
    inventory: Inventory,
    report: KeyReport,
    fixes: tuple[ServiceFix, ...],
    failed: Mapping[str, LoomtuiError],
    *,
    show_diff: bool,
) -> None:
    by_node = {fix.node: fix for fix in fixes}
    facts = {node.name: node for node in report.nodes}
    rows = [
        _service_row(facts[name], by_node.get(name))
        if name in facts
        else (name, *_unseen_cells(failed, name))
        for name in inventory.names
    ]
    table(("NODE", "STATE", "UNIT FILES"), rows)
    for fix in fixes:
        if fix.problem:
            say(f"{fix.node}: {fix.problem}", colour="yellow")
        unit = facts[fix.node].unit
        if unit is not None and unit.peers_unknown:
            say(f"{fix.node}: {unit.peers_unknown}", colour="yellow")
        if show_diff and fix.diff:
            say()
            say(f"{fix.node}: {fix.path}", bold=True)
            diff(fix.diff)
    if not show_diff and any(fix.diff for fix in fixes):
        say("To see what would change: loomtui services --diff")


def _service_row(node: NodeFacts, fix: ServiceFix | None) -> tuple[Cell | str, ...]:
    if node.unit is None or fix is None:
        return (node.name, Cell("✗ no unit", "red"), NOTHING)
    files = ", ".join(file.path for file in node.unit.files)
    if not fix.needed and not node.peers_known:
        return (node.name, Cell("? peers not known", "yellow"), files)
    if not fix.needed:
        return (node.name, Cell("● right", "green"), files)
    return (node.name, Cell("✗ change by hand" if fix.problem else "✗ to change", "red"), files)
