"""`loomtui logs` shows the service logs of all nodes as one stream, by time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from loomtui.cli.asking import prompter
from loomtui.cli.output import print_json_line, say
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.cli.times import FORMS, time_option
from loomtui.errors import CallError
from loomtui.matching import Matcher
from loomtui.text import clean_line

if TYPE_CHECKING:
    from loomtui.fleet.probes.log_line import LogLine
    from loomtui.inventory import Inventory

_PREFIX_COLOURS = (
    "cyan",
    "magenta",
    "blue",
    "yellow",
    "green",
    "bright_cyan",
    "bright_magenta",
    "bright_blue",
)


@click.command()
@inventory_option
@json_option("Print one JSON document for each line of the logs.")
@click.option("-f", "--follow", is_flag=True, help="Go on as new lines come.")
@click.option(
    "--node", "nodes", multiple=True, metavar="NAME", help="Show only this node. You can repeat it."
)
@click.option(
    "--grep",
    metavar="RE",
    default="",
    help="Show only lines that match this regular expression, in any case; with ! in front, only the others.",
)
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Show the last lines of each node, this many.",
)
@click.option("--since", metavar="TIME", help=f"Show only lines from this time on. {FORMS}")
@click.option("--explain", is_flag=True, help="Say what the known messages mean.")
@click.pass_obj
def logs(
    settings: Settings,
    as_json: bool,
    follow: bool,
    nodes: tuple[str, ...],
    grep: str,
    lines: int,
    since: str | None,
    explain: bool,
) -> int:
    """Show the service logs of all nodes, merged by time."""
    inventory = settings.inventory()
    names = _names(inventory, nodes)
    printer = _Printer(names, _matcher(grep), as_json=as_json, explain=explain)
    start = time_option("--since", since)
    return run_async(_logs(inventory, names, printer, follow=follow, lines=lines, since=start))


def _names(inventory: Inventory, nodes: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [clean_line(name) for name in nodes if name not in inventory.names]
    if unknown:
        raise CallError(
            f"no such node: {', '.join(unknown)}.", advice=f"There are {', '.join(inventory.names)}."
        )
    return tuple(name for name in inventory.names if not nodes or name in nodes)


def _matcher(grep: str) -> Matcher:
    try:
        return Matcher(grep)
    except ValueError as error:
        raise CallError(f"--grep: {error}.") from error


async def _logs(
    inventory: Inventory,
    names: tuple[str, ...],
    printer: _Printer,
    *,
    follow: bool,
    lines: int,
    since: datetime | None,
) -> int:
    from loomtui.engine.live import LiveEngine, opened

    async with opened(LiveEngine(inventory), prompter()) as engine:
        async for batch in engine.logs(names, follow=follow, lines=lines, since=since):
            for line in batch:
                printer.show(line)
    return printer.exit_status()


class _Printer:
    def __init__(self, names: tuple[str, ...], wanted: Matcher, *, as_json: bool, explain: bool) -> None:
        self._width = max(len(name) for name in names)
        self._colours = dict(zip(names, _PREFIX_COLOURS * len(names), strict=False))
        self._silent = set(names)  # nodes that no log line came from
        self._complaints: set[str] = set()  # nodes that a notice came from
        self._wanted = wanted
        self._as_json = as_json
        self._explain = explain

    def show(self, line: LogLine) -> None:
        if line.notice and not line.place:
            self._complaints.add(line.node)
        elif not line.notice:
            self._silent.discard(line.node)
        if not line.notice and not self._wanted.takes(line.text):
            return
        if self._as_json:
            from loomtui.cli.views import log_document

            print_json_line(log_document(line))
            return
        prefix = click.style(f"{line.node:<{self._width}}", fg=self._colours.get(line.node))
        text = clean_line(line.text)
        click.echo(f"{prefix}  {line.at:%m-%d %H:%M:%S}  {text}", err=line.notice)
        if self._explain and not line.notice:
            self._show_meaning(line.text)

    def _show_meaning(self, text: str) -> None:
        from loomtui.loom.logs import explain

        known = explain(text)
        if known is not None:
            indent = " " * (self._width + 2)
            explanation = f"{known.title}. {known.meaning} {known.advice.text}"
            say(f"{indent}└ {known.severity.value}: {explanation}".rstrip())

    def exit_status(self) -> int:
        """The exit status: 4 if no node could be reached, 1 if some could not."""
        mute = self._silent & self._complaints
        if mute and mute == set(self._colours):
            return 4
        return 1 if mute else 0
