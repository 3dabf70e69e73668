"""The way to the screens. No other place in the engine's package knows them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from loomtui.cli.settings import Settings
from loomtui.errors import CallError

if TYPE_CHECKING:
    from pathlib import Path

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
    story: str = "",
    plan_path: Path | None = None,
    at_choice: bool = False,
) -> int:
    """Gives the exit status. With `at_choice`, the first thing to see is the choice of what is restored.

    Raises CallError if there is no terminal, or no such theme or keymap."""
    need_terminal()
    import screens

    context = click.get_current_context(silent=True)
    settings = context.find_object(Settings) if context else None
    return screens.run(
        inventory,
        path,
        writable=writable,
        story=story,
        plan_path=plan_path,
        at_choice=at_choice,
        theme=settings.theme if settings else None,
        attention=settings.attention if settings else None,
    )
