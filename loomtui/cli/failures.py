"""Every call ends with an exit status and words that say what to do next, never with a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from loomtui.cli.output import say
from loomtui.cli.settings import Settings
from loomtui.errors import FileError, LoomtuiError
from loomtui.private import make_private
from loomtui.text import clean, clean_line

if TYPE_CHECKING:
    from pathlib import Path

INTERRUPTED = 130
READER_GONE = 141  # as a shell reports a process that a closed pipe ended


class ReaderGoneError(Exception):
    """Whoever read our output has gone. This is no OSError, because click would take that for its own."""


def call(command: click.Command, args: Sequence[str]) -> int:
    """Runs the command, and gives the exit status."""
    settings = Settings()
    try:
        result = command.main(list(args), prog_name="loomtui", standalone_mode=False, obj=settings)
        sys.stdout.flush()
    except (ReaderGoneError, BrokenPipeError):
        return _reader_gone()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _interrupted(settings)
    except Exception as error:  # noqa: BLE001 - the one place where nothing may pass
        return _explain_all(error, settings)
    return result if isinstance(result, int) else 0


def _explain_all(error: Exception, settings: Settings) -> int:
    leaves = list(_single_errors(error))
    known = [leaf for leaf in leaves if isinstance(leaf, LoomtuiError)]
    if not known or len(known) < len(leaves):
        strange = next(leaf for leaf in leaves if not isinstance(leaf, LoomtuiError))
        return _report_crash(strange, error, settings)
    for leaf in known:
        explain(leaf)
    return known[0].exit_status


def _single_errors(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _single_errors(inner)
    else:
        yield error


def explain(error: LoomtuiError) -> None:
    """Says on standard error what happened and where, what is safe now, and what to do next."""
    if isinstance(error, FileError):
        say(f"Error: {error}", err=True)
        return
    where = f"{error.node}: " if error.node else ""
    say(f"Error: {where}{error.what}", err=True)
    for sentence in (error.safe, error.advice):
        if sentence:
            say(f"  {sentence}", err=True)


def _interrupted(settings: Settings) -> int:
    if settings.run:
        say(f"Interrupted. Resume with: loomtui {settings.verb} {settings.run}", err=True)
    else:
        say("Interrupted.", err=True)
    return INTERRUPTED


def _reader_gone() -> int:
    # The interpreter flushes standard output once more at exit: give it something that takes it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_GONE


def _report_crash(strange: BaseException, error: Exception, settings: Settings) -> int:
    kind = clean_line(f"{type(strange).__name__}: {strange}", limit=200)
    path = _crash_log(error)
    details = f"Details for the makers are in {path}." if path else "Its details could not be written."
    say(f"Error: loomtui met a fault of its own ({kind}). {details}", err=True)
    if settings.run:
        say(f"  The run's journal is whole. Go on with: loomtui {settings.verb} {settings.run}", err=True)
    return 1


def _crash_log(error: Exception) -> Path | None:
    import tempfile
    import traceback
    from datetime import UTC, datetime
    from pathlib import Path

    from platformdirs import user_state_path

    from loomtui.loom.secrets import mask_secrets

    text = mask_secrets(clean("".join(traceback.format_exception(error)), limit=1_000_000))
    try:
        folder = user_state_path("loomtui") / "crashes"
        make_private(folder)
        prefix = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-"
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=".log", dir=folder)  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError:
        return None
    return Path(name)
