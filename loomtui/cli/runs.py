"""`loomtui runs` and `loomtui report`: what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loomtui.cli.output import Cell, moment, print_json, say, table
from loomtui.cli.settings import json_option

if TYPE_CHECKING:
    from loomtui.restore.report import Form

_COLOURS = {"restored": "green", "rolled-back": "yellow", "stopped": "red"}


@click.command()
@json_option()
def runs(as_json: bool) -> int:
    """List past runs, newest first."""
    from loomtui.cli.views import run_document
    from loomtui.restore.record.run_store import RunStore

    found = RunStore().list()
    if as_json:
        print_json({"runs": [run_document(run) for run in found]})
        return 0
    if not found:
        say("There was no run yet.")
        return 0
    rows = []
    for run in found:
        outcome = run.outcome.value if run.outcome else "not finished"
        step = run.last_step.value if run.last_step else "–"
        cell = Cell(outcome, _COLOURS.get(outcome, "yellow"))
        rows.append(
            (run.id, run.cluster, moment(run.started_at), moment(run.ended_at), cell, step, run.operator)
        )
    table(("RUN", "CLUSTER", "STARTED (UTC)", "ENDED (UTC)", "OUTCOME", "LAST STEP", "BY"), rows)
    return 0


@click.command()
@click.argument("run")
@click.option("--format", "form", type=click.Choice(["md", "json", "html"]), default="md", show_default=True)
def report(run: str, form: Form) -> int:
    """Print the report of RUN: for an incident channel, for a program, or as one HTML page."""
    from loomtui.restore.record.run_store import RunStore
    from loomtui.restore.report import render

    click.echo(render(RunStore().open(run), form), nl=False)  # clean already, and of any length
    return 0
