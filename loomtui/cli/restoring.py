"""`loomtui restore`, `resume`, `rollback`, `clean`: the commands that change nodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loomtui.cli.output import print_json, say
from loomtui.cli.screen import start_screens
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.cli.views import outcome_document
from loomtui.cli.working import EventPrinter, confirm, open_run, work
from loomtui.errors import CallError, LoomtuiError, Refused
from loomtui.restore.events import Outcome
from loomtui.text import clean_line
from loomtui.wording.quantities import count, size

if TYPE_CHECKING:
    from loomtui.engine.api import RunHandle
    from loomtui.inventory import Inventory
    from loomtui.restore.plan import Plan
    from loomtui.restore.record.run_store import Run


_kill_option = click.option(
    "--kill", is_flag=True, help="Send SIGKILL to processes that do not stop in time."
)


@click.command()
@inventory_option
@click.option(
    "--plan", "plan_path", type=click.Path(path_type=Path), metavar="PLAN", help="Carry out this plan."
)
@click.option(
    "--yes", is_flag=True, help="Do what the plan says without screens, and stop at the first failure."
)
@click.option(
    "--production",
    "production_for",
    metavar="CLUSTERNAME",
    help="Give the second consent that --yes needs for a production cluster: the cluster's name.",
)
@_kill_option
@json_option("Print one event a line, and the outcome last. This needs --plan and --yes.")
@click.pass_obj
def restore(
    settings: Settings,
    plan_path: Path | None,
    yes: bool,
    production_for: str | None,
    kill: bool,
    as_json: bool,
) -> int:
    """Restore a cluster on the screens, or without them with --plan and --yes."""
    if (yes or kill or as_json) and plan_path is None:
        raise click.UsageError(
            "--yes, --kill and --json want --plan PLAN: make one with loomtui plan -o PLAN."
        )
    if (as_json or kill or production_for is not None) and not yes:
        raise click.UsageError("--json, --kill and --production want --yes: on the screens you are asked.")
    inventory = settings.inventory()
    if plan_path is None or not yes:
        return start_screens(settings.path, inventory, writable=True, plan_path=plan_path)
    plan = _checked_plan(plan_path, inventory, settings.given)
    _see_second_consent(plan, inventory, production_for)
    from loomtui.restore.record.run_store import RunStore

    run = RunStore().create(plan, settings.path)
    settings.run = run.id
    return _carry_out(run, inventory, as_json=as_json, batch=True, kill=kill)


def _checked_plan(path: Path, inventory: Inventory, given: Path | None) -> Plan:
    """Raises CallError: not a plan, or another cluster's. Raises Refused: it must not be run."""
    from loomtui.restore.findings import texts_of
    from loomtui.restore.planning.command_line import plan_command
    from loomtui.restore.planning.planfile import load_plan

    plan = load_plan(path)
    if plan.cluster != inventory.cluster:
        raise CallError(
            f"the plan is for the cluster '{plan.cluster}', the inventory describes '{inventory.cluster}'.",
            advice="Name the right inventory with -i.",
        )
    if plan.refusals:
        raise Refused(
            f"the plan must not be run: {'; '.join(texts_of(plan.refusals))}.",
            advice=f"Make it anew: {plan_command(plan, inventory=given, output=path)}",
        )
    return plan


def _see_second_consent(plan: Plan, inventory: Inventory, typed: str | None) -> None:
    """Raises CallError: another cluster's name. Raises Refused: a production cluster, and none was typed."""
    if typed is not None and typed != inventory.cluster:
        raise CallError(
            f"--production names '{clean_line(typed, limit=80)}', but the inventory describes "
            f"'{inventory.cluster}'.",
            advice="Make sure that it is the right cluster, then type its name.",
        )
    if typed is None and (plan.production or inventory.production):
        raise Refused(
            f"{inventory.cluster} is a production cluster, and --yes alone is no consent to stop "
            f"{count(len(plan.nodes), 'node')} of it.",
            advice=f"Make sure that it is the right cluster, then add: --production {inventory.cluster}",
        )


@click.command()
@click.argument("run")
@inventory_option
@click.option("--yes", is_flag=True, help="Ask nothing.")
@_kill_option
@json_option("One event a line, the outcome last.")
@click.pass_obj
def resume(settings: Settings, run: str, yes: bool, kill: bool, as_json: bool) -> int:
    """Go on with RUN where it was interrupted."""
    opened, inventory = open_run(settings, run)
    question = f"Run {opened.id} goes on: it changes {', '.join(node.name for node in opened.plan.nodes)}."
    confirm(question, inventory, assumed=yes or as_json)
    return _carry_out(opened, inventory, as_json=as_json, batch=yes or as_json, kill=kill)


@click.command()
@click.argument("run")
@inventory_option
@click.option("--yes", is_flag=True, help="Ask nothing.")
@_kill_option
@json_option("One event a line, the outcome last.")
@click.pass_obj
def rollback(settings: Settings, run: str, yes: bool, kill: bool, as_json: bool) -> int:
    """Put back on every node what was there before RUN."""
    opened, inventory = open_run(settings, run)
    names = ", ".join(node.name for node in opened.plan.nodes)
    question = f"What run {opened.id} replaced on {names} is put back; the services there are stopped first."
    confirm(question, inventory, assumed=yes or as_json)
    settings.verb = "rollback"
    return _carry_out(opened, inventory, as_json=as_json, batch=yes or as_json, kill=kill, back=True)


@click.command()
@click.argument("run")
@inventory_option
@click.option("--yes", is_flag=True, help="Ask nothing.")
@json_option()
@click.pass_obj
def clean(settings: Settings, run: str, yes: bool, as_json: bool) -> int:
    """Free the space of what RUN replaced. After that it cannot be rolled back."""
    opened, inventory = open_run(settings, run)
    settings.run = None
    question = f"What run {opened.id} replaced is deleted for good: it cannot be rolled back any more."
    confirm(question, inventory, assumed=yes or as_json)

    async def act(handle: RunHandle) -> int:
        return await handle.clean()

    freed = run_async(work(opened, inventory, None, act, batch=yes or as_json))
    if as_json:
        print_json({"run": opened.id, "cluster": inventory.cluster, "freed_bytes": freed})
    else:
        say(f"{size(freed)} are free again.")
    return 0


def _carry_out(
    run: Run, inventory: Inventory, *, as_json: bool, batch: bool, kill: bool, back: bool = False
) -> int:
    """Restores or rolls back to the end, and gives the exit status."""
    from loomtui.restore.record.run_store import summarize

    printer = EventPrinter(as_json=as_json)

    async def act(handle: RunHandle) -> Outcome:
        return await (handle.rollback() if back else handle.restore())

    try:
        outcome = run_async(work(run, inventory, printer, act, batch=batch, kill=kill))
    except (LoomtuiError, KeyboardInterrupt) as error:
        why = str(error) if isinstance(error, LoomtuiError) else "interrupted"
        printer.end(outcome_document(run, summarize(run).outcome, why), "", good=False)
        raise
    good = outcome is (Outcome.ROLLED_BACK if back else Outcome.RESTORED)
    printer.end(outcome_document(run, outcome, None), _sentence(run, outcome), good=good)
    return 0 if good else 1


def _sentence(run: Run, outcome: Outcome) -> str:
    if outcome is Outcome.RESTORED:
        return "Restored: the chain moves on every node of the plan."
    if outcome is Outcome.ROLLED_BACK:
        return "Rolled back: every node of the plan has what it had before the run."
    return f"Stopped. Go on: loomtui resume {run.id}. Undo: loomtui rollback {run.id}."
