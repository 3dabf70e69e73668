"""The way to the screens. No other place in the engine's package knows them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loomtui.cli.settings import Settings
from loomtui.errors import CallError

if TYPE_CHECKING:
    from loomtui.inventory import Inventory


def need_terminal() -> None:
    """Raises CallError if there is no terminal to show the screens on."""
    streams = (sys.stdin, sys.stdout, sys.stderr)  # Textual draws on the last
    if not all(stream.isatty() for stream in streams):
        raise CallError(
            "the screens need a terminal, and neither input, output nor errors redirected.",
            advice="Without one: loomtui status, or restore --plan PLAN --yes. All commands: loomtui --help",
        )


def start_screens(
    path: Path, inventory: Inventory, *, writable: bool, story: str = "", plan_path: Path | None = None
) -> int:
    """Gives the exit status. Raises CallError if there is no terminal, or no such theme or keymap."""
    need_terminal()
    import screens

    context = click.get_current_context(silent=True)
    settings = context.find_object(Settings) if context else None
    theme = settings.theme if settings else None
    return screens.run(inventory, path, writable=writable, story=story, plan_path=plan_path, theme=theme)
