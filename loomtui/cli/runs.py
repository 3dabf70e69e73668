"""`loomtui runs` and `loomtui report` tell what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loomtui.cli.asking import prompter
from loomtui.cli.output import note, print_json, say, state_cell, table
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.text import clean_line
from loomtui.wording.quantities import NOTHING, joined, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loomtui.restore.report import Form
    from loomtui.restore.takeover.known_runs import RunsOnNodes, SeenRun


@click.command()
@inventory_option
@click.option("--on-nodes", is_flag=True, help="Ask the nodes: runs of anybody that hold them or held them.")
@json_option()
@click.pass_obj
def runs(settings: Settings, on_nodes: bool, as_json: bool) -> int:
    """List past runs, newest first."""
    if on_nodes:
        return _on_nodes(settings, as_json=as_json)
    from loomtui.cli.views import run_document
    from loomtui.restore.record.run_store import RunStore
    from loomtui.wording.states import AT_WORK, STEP_TITLES, outcome_state

    summaries = RunStore().list()
    if as_json:
        print_json({"runs": [run_document(run) for run in summaries]})
        return 0
    if not summaries:
        say("There was no run yet.")
        return 0
    rows = []
    for run in summaries:
        step = STEP_TITLES[run.last_step] if run.last_step else NOTHING
        times = timestamp(run.started_at), timestamp(run.ended_at)
        state = state_cell(AT_WORK if run.at_work else outcome_state(run.outcome))
        rows.append((run.id, run.cluster, *times, state, step, run.operator))
    table(("RUN", "CLUSTER", "STARTED (UTC)", "ENDED (UTC)", "OUTCOME", "LAST STEP", "BY"), rows)
    return 0


def _on_nodes(settings: Settings, *, as_json: bool) -> int:
    """Status 4 if no node could be asked."""
    from loomtui.cli.views import runs_on_nodes_document

    told = run_async(_ask_nodes(settings))
    if as_json:
        print_json(runs_on_nodes_document(told))
    elif told.runs:
        rows = [_row(run) for run in told.runs]
        table(("RUN", "BY", "STARTED (UTC)", "HOLDS", "HOW FAR", "SIGN OF LIFE"), rows)
    else:
        say("The nodes know of no run.")
    for name, why in told.silent.items():
        note(f"{name}: {clean_line(why, limit=300)}")
    for sentence in () if as_json else _held_sentences(told):
        note(sentence)
    return 4 if len(told.silent) == len(settings.inventory().names) and not told.runs else 0


def _held_sentences(told: RunsOnNodes) -> Iterator[str]:
    """Of each run and each lock that holds nodes: what is safe, and what to do next."""
    from loomtui.restore.takeover.known_runs import odd_lock_text

    for run in told.runs:
        if run.held and run.has_record:
            yield f"{run.id} holds {joined(run.held)}. {run.ways}"
        elif run.held:
            yield f"{run.id} holds {joined(run.held)}, and no node has a record of it. {run.done} {run.ways}"
    yield from (odd_lock_text(name, lock) for name, lock in told.odd_locks.items())


async def _ask_nodes(settings: Settings) -> RunsOnNodes:
    from loomtui.engine.live import LiveEngine, opened

    async with opened(LiveEngine(settings.inventory()), prompter()) as engine:
        return await engine.runs_on_nodes()


def _row(run: SeenRun) -> tuple[str, str, str, str, str, str]:
    from loomtui.wording.states import STEP_TITLES

    far = run.outcome.value if run.outcome is not None else STEP_TITLES[run.step] if run.step else NOTHING
    life = f"{run.alive_seconds} s ago" if run.alive_seconds is not None else NOTHING
    return run.id, run.person, timestamp(run.started_at), joined(run.held) if run.held else NOTHING, far, life


@click.command()
@click.argument("run")
@click.option("--format", "form", type=click.Choice(["md", "json", "html"]), default="md", show_default=True)
def report(run: str, form: Form) -> int:
    """Print the report of RUN for an incident channel, for a program, or as one HTML page."""
    from loomtui.restore.record.run_store import RunStore
    from loomtui.restore.report import render

    click.echo(render(RunStore().open(run), form), nl=False)  # clean already, and of any length
    return 0
