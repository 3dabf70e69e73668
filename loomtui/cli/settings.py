"""What holds for the whole call: the inventory, and what every command needs to begin."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from loomtui.inventory import Inventory

T = TypeVar("T")
_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass
class Settings:
    given: Path | None = None  # with -i
    run: str | None = None  # the run that is being worked on: to be named when it is interrupted
    verb: str = "resume"  # what to call then
    theme: str | None = None  # of the screens, with --theme
    attention: str | None = None  # how the screens call, with --attention

    @property
    def path(self) -> Path:
        """Raises CallError: no inventory."""
        from pathlib import Path

        from loomtui.inventory import find

        return find(self.given, os.environ, Path.cwd())

    def inventory(self) -> Inventory:
        """Raises CallError or InventoryError."""
        from loomtui.inventory import load

        return load(self.path)


def _remember(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        from pathlib import Path

        ctx.ensure_object(Settings).given = Path(value)


def inventory_option(command: _Command) -> _Command:
    """Adds `-i FILE`, which means the same before and after the subcommand; the later one wins."""
    option = click.option(
        "-i",
        "--inventory",
        type=click.Path(),
        metavar="FILE",
        callback=_remember,
        expose_value=False,
        help="Use this inventory. The default is LOOMTUI_INVENTORY, then ./inventory.yml, then inventory.yml "
        "in your config folder.",
    )
    return option(command)


def json_option(text: str = "Print one JSON document.") -> Callable[[_Command], _Command]:
    """Adds `--json`, which is handed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=text)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Runs to the end; an interrupt cancels the work and lets it clean up first."""
    import asyncio

    return asyncio.run(work)
