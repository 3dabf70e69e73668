"""The way to the screens: the only place of the engine's package that knows them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from loomtui.errors import CallError

if TYPE_CHECKING:
    from loomtui.inventory import Inventory


def need_terminal() -> None:
    """Raises CallError where there is no terminal to show the screens on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CallError(
            "the screens need a terminal.",
            advice="Without one: loomtui status, or restore --plan PLAN --yes. All commands: loomtui --help",
        )


def start_screens(
    path: Path, inventory: Inventory, *, writable: bool, story: str = "", plan_path: Path | None = None
) -> int:
    """Gives the exit status. Raises CallError where there is no terminal to show them on."""
    need_terminal()
    import screens

    return screens.run(inventory, path, writable=writable, story=story, plan_path=plan_path)
