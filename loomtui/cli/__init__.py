"""The command line. What is heavy is imported inside the command that needs it, so that help is instant."""

import sys
from contextlib import suppress
from shutil import get_terminal_size

__all__ = ["main"]


def main() -> None:
    """Runs the console script."""
    if sys.argv[1:] in (["--help"], ["-h"]) and _showed_help():
        return
    from loomtui.cli.app import main as run

    run()


def _showed_help() -> bool:
    """Shows the help without loading click, which alone takes longer than Python to start.

    False: the terminal is of a width for which it has not been written, or there is nobody who reads it.
    """
    from loomtui.cli.help_text import TEXTS

    text = TEXTS.get(min(get_terminal_size().columns, max(TEXTS)))
    if text is None or sys.__stdout__ is None:
        return False
    with suppress(BrokenPipeError):
        sys.stdout.write(text)
        sys.stdout.flush()
        return True
    return False
