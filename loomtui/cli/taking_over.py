"""`loomtui take-over`: goes on with a run of another machine, or takes it back, from here."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING

import click

from loomtui.cli.asking import prompter
from loomtui.cli.output import note
from loomtui.cli.restoring import Work, carry_out, free_space, kill_option
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.cli.working import confirm, operator_name
from loomtui.errors import CallError, Refused
from loomtui.text import clean_line
from loomtui.wording.quantities import joined, timestamp

if TYPE_CHECKING:
    from loomtui.inventory import Inventory
    from loomtui.restore.takeover.acquisition import FoundRun, TakenRun
    from loomtui.restore.takeover.known_runs import SeenRun


class Then(StrEnum):
    """What follows, as the question before it has it."""

    GO_ON = "gone on with"
    ROLL_BACK = "rolled back"
    CLEAN = "cleaned"
    NOTHING = "held from here"


@click.command("take-over")
@click.argument("run", required=False)
@inventory_option
@click.option("--rollback", "back", is_flag=True, help="Put back on every node what was there before it.")
@click.option("--clean", "cleaned", is_flag=True, help="Free the space of what it replaced, once it is over.")
@click.option("--only", "only", is_flag=True, help="Take it over, and do nothing else yet.")
@click.option(
    "--although-at-work",
    "living_of",
    metavar="CLUSTERNAME",
    help="Take it over although it shows signs of life: the consent is the cluster's name.",
)
@click.option("--yes", is_flag=True, help="Ask nothing.")
@kill_option
@json_option("One event a line, the outcome last.")
@click.pass_obj
def take_over(
    settings: Settings,
    run: str | None,
    back: bool,
    cleaned: bool,
    only: bool,
    living_of: str | None,
    yes: bool,
    kill: bool,
    as_json: bool,
) -> int:
    """Go on with RUN of another machine here, or take it back.

    Without RUN it is the one that holds nodes. From then on the first machine can change nothing on the
    nodes any more.
    """
    if back + cleaned + only > 1:
        raise click.UsageError("--rollback, --clean and --only exclude each other.")
    inventory = settings.inventory()
    if living_of is not None and living_of != inventory.cluster:
        raise CallError(
            f"--although-at-work names '{clean_line(living_of, limit=80)}', but the inventory describes "
            f"'{inventory.cluster}'.",
            advice="Make sure that it is the right cluster, then type its name.",
        )
    batch = yes or as_json
    then = Then.ROLL_BACK if back else Then.CLEAN if cleaned else Then.NOTHING if only else Then.GO_ON
    taken = run_async(_take(settings, inventory, run, then, living=living_of is not None, batch=batch))
    _tell_taken(taken)
    settings.run = taken.run.id
    if only:
        note(f"Go on: loomtui resume {taken.run.id}. Undo: loomtui rollback {taken.run.id}.")
        return 0
    if cleaned:
        settings.run = None
        return free_space(taken.run, inventory, as_json=as_json, batch=batch)
    settings.verb = "rollback" if back else "resume"
    what = Work.ROLL_BACK if back else Work.RESTORE
    return carry_out(taken.run, inventory, as_json=as_json, batch=batch, kill=kill, what=what)


async def _take(
    settings: Settings, inventory: Inventory, run: str | None, then: Then, *, living: bool, batch: bool
) -> TakenRun:
    from loomtui.engine.live import WritableLiveEngine, opened

    async with opened(WritableLiveEngine(inventory, settings.path), prompter(batch=batch)) as engine:
        found = await engine.find_run(run)
        _tell_found(found)
        if found.disagreement is not None and then is Then.GO_ON:
            raise Refused(
                f"run {found.seen.id} must not be gone on with by its record: {found.disagreement}",
                advice=f"Put back what was there: loomtui take-over {found.seen.id} --rollback",
            )
        asks = not batch and sys.stdin.isatty()
        if asks or living or not found.seen.is_alive:  # otherwise it is refused, and nobody can be asked
            confirm(_question(found.seen, then), inventory, assumed=batch)
        return await engine.take_over(found, operator_name(), although_at_work=living or asks)


def _question(seen: SeenRun, then: Then) -> str:
    at_work = f"{seen.person} works on it: call them first. " if seen.is_alive else ""
    return f"{at_work}Run {seen.id} is taken over, and {then.value}."


def _tell_found(found: FoundRun) -> None:
    for sentence in (*sentences_about(found.seen), *found.remarks):
        note(f"{clean_line(sentence, limit=500)}.")


def sentences_about(seen: SeenRun) -> tuple[str, ...]:
    """What is known of a run, without the full stops."""
    held = f"it holds {joined(seen.held)}" if seen.held else "it holds no node any more"
    begun = f", begun {timestamp(seen.started_at)} UTC by {seen.operator}" if seen.started_at else ""
    last = f"the last in its record: {seen.last.message.rstrip('.')}" if seen.last else "it has no record"
    life = f", {seen.alive_seconds} s ago the last sign of life" if seen.alive_seconds is not None else ""
    return f"Run {seen.id} of {seen.person}{begun}: {held}{life}", last[0].upper() + last[1:]


def _tell_taken(taken: TakenRun) -> None:
    if taken.nodes:
        note(f"Taken over: {joined(taken.nodes)}.")
    for name, error in taken.missing.items():
        note(f"Not taken over: {name}: {clean_line(error.what, limit=300)}")
