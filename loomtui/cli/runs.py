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
    from collections.abc import Mapping

    from loomtui.restore.report import Form
    from loomtui.restore.takeover.seen import SeenRun


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
    from loomtui.cli.views import seen_run_document

    seen, silent = run_async(_ask_nodes(settings))
    if as_json:
        print_json({"runs": [seen_run_document(run) for run in seen], "silent": dict(silent)})
    elif seen:
        table(("RUN", "BY", "STARTED (UTC)", "HOLDS", "HOW FAR", "SIGN OF LIFE"), [_row(run) for run in seen])
    else:
        say("The nodes know of no run.")
    for name, why in silent.items():
        note(f"{name}: {clean_line(why, limit=300)}")
    for run in seen:
        if run.held and not as_json:
            note(f"{run.id} holds {joined(run.held)}. Take it over: loomtui take-over {run.id}")
    return 4 if silent and not seen and len(silent) == len(settings.inventory().names) else 0


async def _ask_nodes(settings: Settings) -> tuple[tuple[SeenRun, ...], Mapping[str, str]]:
    from loomtui.engine.live import LiveEngine, opened

    async with opened(LiveEngine(settings.inventory()), prompter()) as engine:
        return await engine.runs_on_nodes()


def _row(run: SeenRun) -> tuple[str, str, str, str, str, str]:
    from loomtui.wording.states import STEP_TITLES

    who = run.holder.person if run.holder is not None else run.operator or NOTHING
    far = run.outcome.value if run.outcome is not None else STEP_TITLES[run.step] if run.step else NOTHING
    life = f"{run.alive_seconds} s ago" if run.alive_seconds is not None else NOTHING
    return run.id, who, timestamp(run.started_at), joined(run.held) if run.held else NOTHING, far, life


@click.command()
@click.argument("run")
@click.option("--format", "form", type=click.Choice(["md", "json", "html"]), default="md", show_default=True)
def report(run: str, form: Form) -> int:
    """Print the report of RUN for an incident channel, for a program, or as one HTML page."""
    from loomtui.restore.record.run_store import RunStore
    from loomtui.restore.report import render

    click.echo(render(RunStore().open(run), form), nl=False)  # clean already, and of any length
    return 0
