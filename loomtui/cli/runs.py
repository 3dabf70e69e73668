"""`loomtui runs` and `loomtui report` tell what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loomtui.cli.output import print_json, say, state_cell, table
from loomtui.cli.settings import json_option
from loomtui.wording.quantities import NOTHING, timestamp

if TYPE_CHECKING:
    from loomtui.restore.report import Form


@click.command()
@json_option()
def runs(as_json: bool) -> int:
    """List past runs, newest first."""
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


@click.command()
@click.argument("run")
@click.option("--format", "form", type=click.Choice(["md", "json", "html"]), default="md", show_default=True)
def report(run: str, form: Form) -> int:
    """Print the report of RUN for an incident channel, for a program, or as one HTML page."""
    from loomtui.restore.record.run_store import RunStore
    from loomtui.restore.report import render

    click.echo(render(RunStore().open(run), form), nl=False)  # clean already, and of any length
    return 0
