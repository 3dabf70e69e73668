"""`loomtui inventory` checks a file, or prints the schema."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loomtui.cli.output import print_json, say
from loomtui.cli.settings import run_async
from loomtui.errors import CallError, LoomtuiError
from loomtui.text import clean_line
from loomtui.wording.quantities import count

if TYPE_CHECKING:
    from loomtui.inventory import Inventory


@click.group()
def inventory() -> None:
    """Check an inventory, or print its JSON Schema."""


@inventory.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--try-notify",
    is_flag=True,
    help="Also run its notify command on this machine, with an event that says that it is a test.",
)
def check(file: Path, try_notify: bool) -> None:
    """Check FILE, and print all problems at once, each with its line."""
    from loomtui.inventory import Role, load
    from loomtui.wording.states import production_mark

    inventory = load(file)
    if try_notify and inventory.notify is None:
        raise CallError(f"{file} has no notify: to try.")
    backups = sum(node.role is Role.BACKUP for node in inventory.nodes)
    mark = production_mark(inventory.production)
    validators = count(len(inventory.nodes) - backups, "validator")
    say(f"{file}: good. {inventory.cluster} ({mark}): {validators}, {count(backups, 'backup node')}.")
    if inventory.notify is not None:
        command = clean_line(shlex.join(inventory.notify.command))
        say(f"It names a command that a restore runs on this machine: {command}", colour="yellow")
    if try_notify:
        _try_notify(inventory)


def _try_notify(loaded: Inventory) -> None:
    """Raises LoomtuiError: it failed."""
    from loomtui.cli.working import operator_name
    from loomtui.restore.running.notices import About, Happening, Notice
    from loomtui.restore.running.notifier import Notifier

    problems: list[str] = []

    async def tell_all() -> None:
        about = About(loaded.cluster, loaded.production, "", operator_name(), socket.gethostname())
        notifier = Notifier(loaded.notify, about, problems.append)
        notifier.post(Notice(Happening.TEST, "this is a test of notify, and nothing happened"))
        await notifier.flush()

    run_async(tell_all())
    if problems:
        raise LoomtuiError(f"{problems[0]}.")
    say("It took a test event and ended well. Look whether it arrived.", colour="green")


@inventory.command()
def schema() -> None:
    """Print the JSON Schema of the inventory, for editors."""
    from loomtui.inventory import schema as make

    print_json(make())
