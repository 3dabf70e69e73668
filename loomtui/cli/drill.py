"""`loomtui drill`: a practice cluster, to restore by hand or by the engine alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loomtui.cli.extras import need
from loomtui.cli.output import note, print_json, print_json_line, say, table
from loomtui.cli.proving import with_proofs
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.cli.working import EventPrinter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from loomtui.cli.drill_people import Form
    from loomtui.drill.logbook import Logbook
    from loomtui.drill.result import DrillResult
    from loomtui.drill.summary import Played
    from loomtui.restore.choices import Objectives

_DEFAULT = "clean-restore"


@click.command()
@inventory_option
@click.option(
    "--nodes",
    type=int,
    metavar="N",
    help="Practise with N validators and one backup node. Without it there are 4; with --all as few as "
    "each scenario takes.",
)
@click.option(
    "--scenario",
    metavar="NAME|FILE",
    help=f"Choose what has happened to the cluster. Without it the screens ask; elsewhere it is {_DEFAULT}.",
)
@click.option("--all", "all_of_them", is_flag=True, help="With --auto, play every scenario.")
@click.option("--auto", is_flag=True, help="Let the engine restore it, and check the outcome on the nodes.")
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="With --all, play N at once.")
@click.option(
    "--junit",
    "junit_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --auto or --from, write the outcome as JUnit XML, too.",
)
@click.option("--list", "list_them", is_flag=True, help="List the scenarios.")
@click.option("--hints", is_flag=True, help="Print the hints of the scenario, for whoever leads the drill.")
@click.option("--history", is_flag=True, help="List the drills of this machine, and what came of them.")
@click.option("--debriefing", is_flag=True, help="Print the debriefing of the last drill that people played.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["md", "html", "json", "junit"]),
    help="With --debriefing (default: md) or --history (html or json), print it in this form.",
)
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON Schema of a scenario.")
@json_option(
    "With --auto, print one event a line (with --all one drill, with --from one proof), and the outcome last."
)
@with_proofs
@click.pass_obj
def drill(
    settings: Settings,
    nodes: int | None,
    scenario: str | None,
    all_of_them: bool,
    auto: bool,
    jobs: int | None,
    junit_path: Path | None,
    list_them: bool,
    hints: bool,
    history: bool,
    debriefing: bool,
    form: Form | None,
    as_schema: bool,
    as_json: bool,
) -> int:
    """Practise on your own cluster, in a temporary folder that is removed afterwards."""
    from loomtui.cli import drill_people

    if as_schema:
        return _print_schema()
    if list_them:
        return _list(as_json=as_json)
    if hints:
        return _print_hints(scenario or _DEFAULT, as_json=as_json)
    if history:
        return drill_people.print_history("json" if as_json else form)
    if debriefing:
        return drill_people.print_debriefing(scenario, "json" if as_json else form or "md")
    if form is not None:
        raise click.UsageError("--format wants --debriefing or --history.")
    if not auto and (all_of_them or as_json or junit_path is not None):
        raise click.UsageError(
            "--all, --json and --junit want --auto, or --json --list, --hints, --history or --debriefing."
        )
    if jobs is not None and not all_of_them:
        raise click.UsageError("--jobs wants --all --auto.")
    need("loomtui drill", "drill", moto="moto[s3]>=5.1", flask="flask>=3", flask_cors="flask-cors>=5")
    if all_of_them:
        return _play_all(nodes, jobs, junit_path, settings.given, as_json=as_json)
    agreed = drill_people.agreed(settings)
    if not auto:
        return drill_people.practise(scenario, nodes, agreed)
    return _play(scenario or _DEFAULT, nodes, agreed, junit_path, as_json=as_json)


def _print_schema() -> int:
    from loomtui.drill.scenarios import schema

    print_json(schema())
    return 0


def _list(*, as_json: bool) -> int:
    from loomtui.cli.drill_views import scenario_document
    from loomtui.drill.scenarios import scenarios

    if as_json:
        print_json({"scenarios": [scenario_document(scenario) for scenario in scenarios()]})
    else:
        rows = [(scenario.name, scenario.title, scenario.teaches) for scenario in scenarios()]
        table(("SCENARIO", "WHAT IT IS", "WHAT IT TEACHES"), rows)
    return 0


def _print_hints(name: str, *, as_json: bool) -> int:
    from loomtui.drill.scenarios import scenario_named

    hints = scenario_named(name).hints
    if as_json:
        print_json({"hints": [{"says": hint.says, "costs": hint.costs} for hint in hints]})
    else:
        rows = [(str(n), str(hint.costs), hint.says) for n, hint in enumerate(hints, 1)]
        table(("HINT", "COSTS", "WHAT IT SAYS"), rows)
    return 0


def _play(
    scenario: str, nodes: int | None, agreed: Objectives, junit_path: Path | None, *, as_json: bool
) -> int:
    from loomtui.cli.drill_views import result_document, result_text
    from loomtui.drill.auto import play
    from loomtui.drill.logbook import Logbook
    from loomtui.drill.people import size_of

    book = Logbook()
    printer = EventPrinter(as_json=as_json)
    if not as_json:
        note("Starting the practice cluster…")
    result = run_async(play(scenario, size_of(scenario, nodes), printer, agreed))
    _note(book, result)
    if junit_path is not None:
        _write_junit(junit_path, [_as_played(result)])
    printer.end(result_document(result), result_text(result), good=result.passed)
    return 0 if result.passed else 1


def _play_all(
    nodes: int | None, jobs: int | None, junit_path: Path | None, inventory: Path | None, *, as_json: bool
) -> int:
    from loomtui.cli.drill_views import summary_document
    from loomtui.drill.scenarios import scenarios
    from loomtui.drill.several import cores, play_all
    from loomtui.drill.summary import all_passed

    wanted = scenarios()
    if not as_json:
        note(f"Playing {len(wanted)} scenarios…")
    playing = play_all(wanted, nodes, jobs or cores(), inventory)
    played = run_async(_played(playing, as_json=as_json))
    if junit_path is not None:
        _write_junit(junit_path, played)
    if as_json:
        print_json_line(summary_document(played))
    else:
        good = sum(one.passed for one in played)
        colour = "green" if good == len(played) else "yellow"
        say(f"{good} of {len(played)} drills passed.", colour=colour, bold=True)
    return 0 if all_passed(played) else 1


async def _played(playing: AsyncIterator[Played], *, as_json: bool) -> list[Played]:
    from loomtui.cli.drill_views import played_document
    from loomtui.wording.quantities import length

    played = []
    async for one in playing:
        played.append(one)
        if as_json:
            print_json_line(played_document(one))
            continue
        say(f"{'passed' if one.passed else 'FAILED'}  {length(one.seconds):>12}  {one.scenario}")
        for wrong in one.wrong:
            say(f"    {wrong}", colour="red")
    return played


def _note(book: Logbook, result: DrillResult) -> None:
    from loomtui.cli.drill_people import note_unwritten

    try:
        book.note(result)
    except OSError as error:
        note_unwritten(error)


def _write_junit(path: Path, played: Sequence[Played]) -> None:
    """Raises CallError."""
    from loomtui.drill.junit import write_junit
    from loomtui.errors import CallError

    try:
        write_junit(path, played)
    except OSError as error:
        raise CallError(f"{path} cannot be written: {error.strerror or error}.") from error


def _as_played(result: DrillResult) -> Played:
    from loomtui.cli.drill_views import result_text
    from loomtui.drill.summary import Played

    return Played(result.scenario, result.passed, result.seconds, result.wrong, result_text(result))
