"""`loomtui drill`: a practice cluster, to restore by hand or by the engine alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loomtui.cli.extras import need
from loomtui.cli.output import note, print_json, table
from loomtui.cli.screen import need_terminal, start_screens
from loomtui.cli.settings import json_option, run_async
from loomtui.cli.views import steps_document
from loomtui.cli.working import EventPrinter

if TYPE_CHECKING:
    from loomtui.drill.auto import DrillResult

_DEFAULT = "clean-restore"


@click.command()
@click.option(
    "--nodes",
    type=int,
    default=4,
    show_default=True,
    metavar="N",
    help="Practise with N validators and one backup node.",
)
@click.option(
    "--scenario",
    default=_DEFAULT,
    show_default=True,
    metavar="NAME",
    help="Choose what has happened to the cluster.",
)
@click.option("--auto", is_flag=True, help="Let the engine restore it, and check the outcome.")
@click.option("--list", "list_them", is_flag=True, help="List the scenarios.")
@json_option("With --auto, print one event a line, and the outcome last.")
def drill(nodes: int, scenario: str, auto: bool, list_them: bool, as_json: bool) -> int:
    """Practise on your own cluster, in a temporary folder that is removed afterwards."""
    if list_them:
        return _list(as_json=as_json)
    need("loomtui drill", "drill", moto="moto[s3]>=5.1", flask="flask>=3", flask_cors="flask-cors>=5")
    if auto:
        return _play(scenario, nodes, as_json=as_json)
    if as_json:
        raise click.UsageError("--json wants --auto or --list.")
    return _practise(scenario, nodes)


def _list(*, as_json: bool) -> int:
    from loomtui.drill.scenarios import scenarios

    if as_json:
        documents = [
            {"name": scenario.name, "title": scenario.title, "story": scenario.story}
            for scenario in scenarios()
        ]
        print_json({"scenarios": documents})
    else:
        table(("SCENARIO", "WHAT IT IS"), [(scenario.name, scenario.title) for scenario in scenarios()])
    return 0


def _practise(scenario: str, nodes: int) -> int:
    from loomtui.drill.environment import surroundings
    from loomtui.drill.practice import practice
    from loomtui.inventory import load

    need_terminal()
    note("Starting the practice cluster…")
    with practice(scenario, nodes) as cluster, surroundings(cluster):
        path = cluster.inventory_path
        return start_screens(path, load(path), writable=True, story=cluster.scenario.story)


def _play(scenario: str, nodes: int, *, as_json: bool) -> int:
    from loomtui.drill.auto import play

    printer = EventPrinter(as_json=as_json)
    if not as_json:
        note("Starting the practice cluster…")
    result = run_async(play(scenario, nodes, printer))
    printer.end(_document(result), _sentence(result), good=result.passed)
    return 0 if result.passed else 1


def _document(result: DrillResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "passed": result.passed,
        "downtime_seconds": result.downtime_seconds,
        "data_loss_seconds": result.data_loss_seconds,
        "steps": steps_document(result.steps),
        "error": result.error or None,
    }


def _sentence(result: DrillResult) -> str:
    lines = [f"{step.name.value:<10} {_seconds(step.seconds):>9}  {step.outcome}" for step in result.steps]
    verdict = "Passed" if result.passed else f"Failed: {result.error}" if result.error else "Failed"
    times = f"Downtime {_seconds(result.downtime_seconds)}, data lost {_seconds(result.data_loss_seconds)}."
    return "\n".join([*lines, f"{result.scenario}: {times}", verdict])


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} s"
