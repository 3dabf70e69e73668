"""All commands, and the way in and out of the program."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any

import click

from loomtui import __version__
from loomtui.cli import failures
from loomtui.cli.inventory import inventory
from loomtui.cli.settings import Settings, inventory_option


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise failures.ReaderGoneError from error


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 done, 1 something is wrong, 2 bad call or inventory, 3 refused for safety, "
    "4 nothing reached, 130 interrupted.",
)
@inventory_option
@click.version_option(__version__, prog_name="loomtui")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Restore a Loom cluster from its S3 backups. Without a command: the screens, read-only."""
    ctx.ensure_object(Settings)
    if os.environ.get("NO_COLOR"):
        ctx.color = False


app.add_command(inventory)


def main() -> None:
    """The console script."""
    _prepare_streams()
    for number in (signal.SIGTERM, signal.SIGHUP):
        # A closed terminal or a `kill` ends a run as ctrl+c does: in order, and with the journal whole.
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    status = failures.call(app, sys.argv[1:])
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    sys.exit(status)


def _prepare_streams() -> None:
    """A terminal without Unicode gets question marks, not an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
