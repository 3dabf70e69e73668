"""All commands, and the way in and out of the program."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

import click

from loomtui import __version__
from loomtui.cli import failures
from loomtui.cli.commands import LazyGroup
from loomtui.cli.screen import start_screens
from loomtui.cli.settings import Settings, inventory_option


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The exit status is 0 if all is done, 1 if something is wrong, 2 for a bad call or inventory, "
    "3 if loomtui refused for safety, 4 if nothing could be reached, and 130 if it was interrupted.",
)
@inventory_option
@click.option(
    "--theme",
    metavar="NAME",
    help="Use these colours on the screens: dark, light, high-contrast or colour-blind. The default is "
    "LOOMTUI_THEME, or else the colours of the last time.",
)
@click.option(
    "--attention",
    metavar="NAME",
    help="Say how the screens call you when a run waits, fails or ends and nobody types: all, bell, title or "
    "off. The default is LOOMTUI_ATTENTION, or else all.",
)
@click.version_option(__version__, prog_name="loomtui")
@click.pass_context
def app(ctx: click.Context, theme: str | None, attention: str | None) -> int:
    """Restore a Loom cluster from its S3 backups. Without a command, loomtui shows the read-only screens."""
    settings = ctx.ensure_object(Settings)
    settings.theme, settings.attention = theme, attention
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    if ctx.invoked_subcommand is not None:
        return 0
    return start_screens(settings.path, settings.inventory(), writable=False)


def main() -> None:
    """Runs the console script."""
    _prepare_streams()
    told_to_end = []

    def end(number: int, _frame: object) -> None:
        # A closed terminal or a `kill` ends a run as ctrl+c does: in order, and with the journal whole.
        told_to_end.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's job in the background
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # by nohup(1)
            signal.signal(number, end)
    status = failures.call(app, sys.argv[1:])
    if told_to_end and status == 0:
        status = failures.INTERRUPTED  # screens end well when they are cancelled
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    sys.exit(status)


def _prepare_streams() -> None:
    """A terminal without Unicode gets question marks, not an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
