"""The commands by name. The module of one is only loaded when it is called, so that help is instant."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from loomtui.cli import failures

#: The module of each command and the start of its help, in the order in which an operator needs them.
_COMMANDS: Mapping[str, tuple[str, str]] = {
    "status": ("status", "Look at every node: service, height, peers, identity, disk."),
    "backups": ("backups", "List the backups in S3, newest first."),
    "nodekeys": ("keys", "Compare every node's ID with every reference to it."),
    "services": ("keys", "Show every node's unit file, and whether something would have to change in it."),
    "logs": ("logs", "Show the service logs of all nodes, merged by time."),
    "serve": ("serving", "Show the screens in a browser, read-only."),
    "plan": ("planning", "Say what a restore would do, and whether the chain would move after it."),
    "restore": ("restoring", "Restore a cluster on the screens, or without them with --plan and --yes."),
    "resume": ("restoring", "Go on with RUN where it was interrupted."),
    "take-over": ("taking_over", "Go on with RUN of another machine here, or take it back."),
    "rollback": ("restoring", "Put back on every node what was there before RUN."),
    "clean": ("restoring", "Free the space of what RUN replaced."),
    "runs": ("runs", "List past runs, newest first."),
    "report": (
        "runs",
        "Print the report of RUN for an incident channel, for a program, or as one HTML page.",
    ),
    "replay": ("replaying", "Play RUN again on the screens, from its record or from a report."),
    "inventory": ("inventory", "Check an inventory, or print its JSON Schema."),
    "drill": ("drill", "Practise on your own cluster, in a temporary folder that is removed afterwards."),
}
#: Started by other commands, and shown to nobody.
_HIDDEN = {"served": "serving"}


class LazyGroup(click.Group):
    """Loads each command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _HIDDEN.get(cmd_name) or _COMMANDS.get(cmd_name, ("",))[0]
        if cmd_name not in self.commands and module:
            self.add_command(getattr(import_module(f"loomtui.cli.{module}"), cmd_name.replace("-", "_")))
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        limit = formatter.width - 6 - max(map(len, _COMMANDS))
        rows = [
            (name, click.Command(name, help=text).get_short_help_str(limit))
            for name, (_, text) in _COMMANDS.items()
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise failures.ReaderGoneError from error
