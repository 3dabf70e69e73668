"""`loomtui inventory`: check a file, print its schema."""

from __future__ import annotations

from pathlib import Path

import click

from loomtui.cli.output import print_json, say
from loomtui.wording.quantities import count


@click.group()
def inventory() -> None:
    """Check an inventory, or print its JSON Schema."""


@inventory.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Validate FILE: every problem at once, each with its line."""
    from loomtui.inventory import Role, load

    inventory = load(file)
    backups = sum(node.role is Role.BACKUP for node in inventory.nodes)
    mark = "production" if inventory.production else "not production"
    validators = count(len(inventory.nodes) - backups, "validator")
    say(f"{file}: good. {inventory.cluster} ({mark}): {validators}, {count(backups, 'backup node')}.")


@inventory.command()
def schema() -> None:
    """Print the JSON Schema of the inventory, for editors."""
    from loomtui.inventory import schema as make

    print_json(make())
