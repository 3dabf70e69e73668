"""The way to the screens. No other place in the engine's package knows them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from loomtui.cli.settings import Settings
from loomtui.errors import CallError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loomtui.drill.desk import Desk
    from loomtui.drill.logbook import Entry
    from loomtui.inventory import Inventory


def need_terminal(
    advice: str = "Without one: loomtui status, or restore --plan PLAN --yes. All commands: loomtui --help",
) -> None:
    """Raises CallError if there is no terminal to show the screens on."""
    streams = (sys.stdin, sys.stdout, sys.stderr)  # Textual draws on the last
    if not all(stream.isatty() for stream in streams):
        raise CallError(
            "the screens need a terminal, and neither input, output nor errors redirected.",
            advice=advice,
        )


def start_screens(
    path: Path,
    inventory: Inventory,
    *,
    writable: bool,
    drill: Desk | None = None,
    plan_path: Path | None = None,
    at_choice: bool = False,
) -> int:
    """Gives the exit status. With `at_choice`, the first thing to see is the choice of what is restored.

    `drill`: the screens are those of a drill.

    Raises CallError if there is no terminal, or no such theme or keymap."""
    need_terminal()
    import screens

    context = click.get_current_context(silent=True)
    settings = context.find_object(Settings) if context else None
    return screens.run(
        inventory,
        path,
        writable=writable,
        drill=drill,
        plan_path=plan_path,
        at_choice=at_choice,
        theme=settings.theme if settings else None,
        attention=settings.attention if settings else None,
    )


def choose_drill(entries: Sequence[Entry], validators: int | None) -> tuple[str, int] | None:
    """The scenario's file, and with how many validators; None: nobody wants to play.

    `entries`: of the history of drills. Raises CallError as `start_screens` does.
    """
    import screens

    context = click.get_current_context(silent=True)
    settings = context.find_object(Settings) if context else None
    return screens.choose_drill(entries, validators, theme=settings.theme if settings else None)
