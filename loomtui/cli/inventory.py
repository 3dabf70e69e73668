"""`loomtui inventory` checks a file, or prints the schema."""

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
    """Check FILE, and print all problems at once, each with its line."""
    from loomtui.inventory import Role, load
    from loomtui.wording.states import production_mark

    inventory = load(file)
    backups = sum(node.role is Role.BACKUP for node in inventory.nodes)
    mark = production_mark(inventory.production)
    validators = count(len(inventory.nodes) - backups, "validator")
    say(f"{file}: good. {inventory.cluster} ({mark}): {validators}, {count(backups, 'backup node')}.")


@inventory.command()
def schema() -> None:
    """Print the JSON Schema of the inventory, for editors."""
    from loomtui.inventory import schema as make

    print_json(make())
