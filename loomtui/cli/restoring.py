"""`loomtui restore`, `resume`, `rollback`, `clean`: the commands that change nodes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loomtui.cli.output import print_json, say
from loomtui.cli.screen import start_screens
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.cli.views import outcome_document
from loomtui.cli.working import EventPrinter, confirm, is_confirmed, open_run, work
from loomtui.errors import CallError, LoomtuiError, Refused, SecondMissing
from loomtui.restore.events import Outcome
from loomtui.restore.record.given_up import given_up_in
from loomtui.restore.record.left_out import LeftOut, but_for, left_out_in
from loomtui.text import clean_line
from loomtui.wording.quantities import count, joined, size

if TYPE_CHECKING:
    from loomtui.engine.api import RunHandle
    from loomtui.inventory import Inventory
    from loomtui.restore.plan import Plan
    from loomtui.restore.planning.signed_plan import PlanFile
    from loomtui.restore.record.run_store import Run


class Work(Enum):
    RESTORE = "restore"
    ROLL_BACK = "roll back"
    GIVE_BACK = "give back"


kill_option = click.option("--kill", is_flag=True, help="Send SIGKILL to processes that do not stop in time.")


_break_glass_option = click.option(
    "--break-glass",
    "glass_of",
    metavar="CLUSTERNAME",
    help="Go on although nobody else has signed the plan, as the inventory wants it: the cluster's name. The "
    "journal and the report say so.",
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
@_break_glass_option
@kill_option
@json_option("Print one event a line, and the outcome last. This needs --plan and --yes.")
@click.pass_obj
def restore(
    settings: Settings,
    plan_path: Path | None,
    yes: bool,
    production_for: str | None,
    glass_of: str | None,
    kill: bool,
    as_json: bool,
) -> int:
    """Restore a cluster on the screens, or without them with --plan and --yes."""
    if (yes or kill or as_json) and plan_path is None:
        raise click.UsageError(
            "--yes, --kill and --json want --plan PLAN: make one with loomtui plan -o PLAN."
        )
    if (as_json or kill or production_for is not None or glass_of is not None) and not yes:
        raise click.UsageError(
            "--json, --kill, --production and --break-glass want --yes: on the screens you are asked."
        )
    inventory = settings.inventory()
    if plan_path is None or not yes:
        return start_screens(
            settings.path, inventory, writable=True, plan_path=plan_path, at_choice=plan_path is None
        )
    file = _checked_plan(plan_path, inventory, settings.given)
    _see_second_consent(file.plan, inventory, production_for)
    break_glass = _sees_second(inventory, settings.path, file, glass_of)
    from loomtui.restore.record.run_store import RunStore

    run = RunStore().create(file.plan, settings.path, file)
    settings.run = run.id
    return carry_out(run, inventory, as_json=as_json, batch=True, kill=kill, break_glass=break_glass)


def _checked_plan(path: Path, inventory: Inventory, given: Path | None) -> PlanFile:
    """Raises CallError: not a plan, or another cluster's. Raises Refused: it must not be run."""
    from loomtui.restore.findings import texts_of
    from loomtui.restore.planning.command_line import plan_command
    from loomtui.restore.planning.signed_plan import load_plan_file

    file = load_plan_file(path)
    plan = file.plan
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
    return file


def _sees_second(
    inventory: Inventory, inventory_path: Path, of: PlanFile | str, glass_of: str | None
) -> bool:
    """Whether it goes on without the second pair of eyes that the inventory wants.

    `of`: the plan, or a run's by its ID. Raises CallError: another cluster's name. Raises SecondMissing.
    """
    from loomtui.engine.live import WritableLiveEngine

    if is_confirmed("--break-glass", glass_of, inventory):
        return True
    if inventory.require_second:
        try:
            run_async(WritableLiveEngine(inventory, inventory_path).see_second(of))
        except SecondMissing as missing:
            missing.advice += f" In need go on without, which is noted: --break-glass {inventory.cluster}"
            raise
    return False


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
@_break_glass_option
@kill_option
@json_option("One event a line, the outcome last.")
@click.pass_obj
def resume(settings: Settings, run: str, yes: bool, glass_of: str | None, kill: bool, as_json: bool) -> int:
    """Go on with RUN where it was interrupted."""
    opened, inventory = open_run(settings, run)
    break_glass = _sees_second(inventory, opened.inventory_path, opened.id, glass_of)
    question = f"Run {opened.id} goes on: it changes {', '.join(node.name for node in opened.plan.nodes)}."
    confirm(question, inventory, assumed=yes or as_json)
    batch = yes or as_json
    return carry_out(opened, inventory, as_json=as_json, batch=batch, kill=kill, break_glass=break_glass)


@click.command()
@click.argument("run")
@inventory_option
@click.option(
    "--left-out",
    "only_left_out",
    is_flag=True,
    help="Only on nodes that RUN left out when it restored the others. They stay stopped and held.",
)
@click.option("--yes", is_flag=True, help="Ask nothing.")
@kill_option
@json_option("One event a line, the outcome last.")
@click.pass_obj
def rollback(settings: Settings, run: str, only_left_out: bool, yes: bool, kill: bool, as_json: bool) -> int:
    """Put back on every node what was there before RUN."""
    opened, inventory = open_run(settings, run)
    batch = yes or as_json
    if only_left_out:
        if question := _give_back_question(opened):
            confirm(question, inventory, assumed=batch)
        settings.verb = "rollback --left-out"
        return carry_out(opened, inventory, as_json=as_json, batch=batch, kill=kill, what=Work.GIVE_BACK)
    names = ", ".join(node.name for node in opened.plan.nodes)
    question = f"What run {opened.id} replaced on {names} is put back; the services there are stopped first."
    confirm(question + _given_up_words(opened), inventory, assumed=batch)
    settings.verb = "rollback"
    return carry_out(opened, inventory, as_json=as_json, batch=batch, kill=kill, what=Work.ROLL_BACK)


def _given_up_words(run: Run) -> str:
    """What a rollback of the run does not bring back, as a sentence more; empty: it brings all back."""
    gone = tuple(given_up_in(run.events()))
    if not gone:
        return ""
    return (
        f" The old data of {joined(gone)} was given up and does not come back: config and units are put back "
        "there, and the service stays stopped and held."
    )


def _give_back_question(run: Run) -> str:
    """Empty: the run holds no such node."""
    names = [name for name, how in left_out_in(run.events()).items() if how is LeftOut.HELD]
    if not names:
        return ""
    return (
        f"What run {run.id} replaced on {joined(names)} is put back, and its lock is released there. The "
        f"service stays stopped and held. The other nodes are not touched.{_given_up_words(run)}"
    )


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

    return free_space(opened, inventory, as_json=as_json, batch=yes or as_json)


def free_space(run: Run, inventory: Inventory, *, as_json: bool, batch: bool) -> int:
    """Deletes what a finished run kept, and gives the exit status."""

    async def act(handle: RunHandle) -> int:
        return await handle.clean()

    freed = run_async(work(run, inventory, None, act, batch=batch))
    if as_json:
        print_json({"run": run.id, "cluster": inventory.cluster, "freed_bytes": freed})
    else:
        say(f"{size(freed)} are free again.")
    return 0


def carry_out(
    run: Run,
    inventory: Inventory,
    *,
    as_json: bool,
    batch: bool,
    kill: bool,
    what: Work = Work.RESTORE,
    break_glass: bool = False,
) -> int:
    """Works on the run to the end, and gives the exit status."""
    from loomtui.restore.record.run_store import summarize

    printer = EventPrinter(as_json=as_json)

    async def act(handle: RunHandle) -> Outcome:
        match what:
            case Work.RESTORE:
                return await handle.restore()
            case Work.ROLL_BACK:
                return await handle.rollback()
            case Work.GIVE_BACK:
                return await handle.give_back()

    try:
        working = work(run, inventory, printer, act, batch=batch, kill=kill, break_glass=break_glass)
        outcome = run_async(working)
    except (LoomtuiError, KeyboardInterrupt) as error:
        why = str(error) if isinstance(error, LoomtuiError) else "interrupted"
        printer.end(outcome_document(run, summarize(run).outcome, why), "", good=False)
        raise
    good = outcome is (Outcome.ROLLED_BACK if what is Work.ROLL_BACK else Outcome.RESTORED)
    more = _ending_lines(run) if outcome is not Outcome.STOPPED else []
    sentence = _GIVEN_BACK if what is Work.GIVE_BACK else _sentence(run, outcome)
    printer.end(outcome_document(run, outcome, None), sentence, good=good, more=more)
    return 0 if good else 1


def _ending_lines(run: Run) -> list[str]:
    """What a run that is over has cost, and what is still to do."""
    from loomtui.restore.report import chronicle_of, ending_of

    ending = ending_of(chronicle_of(run))
    lines = [f"Downtime: {ending.downtime}", f"Data loss: {ending.data_loss}"]
    return lines + [f"Still to do: {todo.sentence} To do it: {todo.command}" for todo in ending.todos]


_GIVEN_BACK = "Given back: what was left out has what it had before the run, and stays stopped and held."


def _sentence(run: Run, outcome: Outcome) -> str:
    if outcome is Outcome.RESTORED:
        return f"Restored: the chain moves on every node of the plan{but_for(left_out_in(run.events()))}."
    if outcome is Outcome.ROLLED_BACK:
        return "Rolled back: every node of the plan has what it had before the run."
    return f"Stopped. Go on: loomtui resume {run.id}. Undo: loomtui rollback {run.id}."
