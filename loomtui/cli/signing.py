"""`loomtui plan sign` signs a plan that somebody else is going to run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loomtui.cli.output import note, say
from loomtui.cli.settings import Settings, inventory_option
from loomtui.errors import CallError, Refused

if TYPE_CHECKING:
    from loomtui.inventory import Inventory
    from loomtui.restore.planning.signatures import Key
    from loomtui.restore.planning.signed_plan import PlanFile


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@inventory_option
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Sign with this private SSH key, or with the agent's key of this public one. The default is the one "
    "of yours that the inventory's allowed_signers have.",
)
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.pass_obj
def sign(settings: Settings, plan: Path, key_file: Path | None, yes: bool) -> int:
    """Show PLAN, and sign it with your SSH key for somebody else who runs it. The signature is PLAN.sig."""
    from loomtui.cli.plan_text import show_plan
    from loomtui.cli.working import confirm
    from loomtui.restore.planning.planfile import write_private
    from loomtui.restore.planning.signatures import made_signature
    from loomtui.restore.planning.signed_plan import load_plan_file, signature_path

    inventory = settings.inventory()
    file = load_plan_file(plan)
    _refuse_what_is_not_to_be_signed(file, inventory)
    name, key, private = _signer(inventory, key_file)
    show_plan(file.plan, settings.given)
    confirm(f"{name} signs this plan, with the key {key.fingerprint}.", inventory, assumed=yes)
    asks = sys.stdin.isatty() and not yes
    signature = made_signature(file.text, key, private, asks=asks)
    try:
        write_private(signature_path(plan), signature)
    except OSError as error:
        raise CallError(f"{signature_path(plan)} cannot be written: {error.strerror}") from error
    say(f"Signed by {name} with the key {key.fingerprint}: {signature_path(plan)}", colour="green")
    note("Give both files to who runs the plan. Whatever changes a byte of it makes the signature worthless.")
    return 0


def _refuse_what_is_not_to_be_signed(file: PlanFile, inventory: Inventory) -> None:
    """Raises CallError, Refused."""
    from loomtui.restore.findings import texts_of

    if file.plan.cluster != inventory.cluster:
        raise CallError(
            f"the plan is for the cluster '{file.plan.cluster}', "
            f"the inventory describes '{inventory.cluster}'.",
            advice="Name the right inventory with -i.",
        )
    if file.plan.refusals:
        raise Refused(
            f"the plan must not be run, so it is not signed: {'; '.join(texts_of(file.plan.refusals))}."
        )


def _signer(inventory: Inventory, key_file: Path | None) -> tuple[str, Key, Path | None]:
    """Whose key signs, and the private file (None: the agent has it). Raises CallError."""
    from loomtui.fleet.ssh.keyfiles import public_blob
    from loomtui.restore.planning.signatures import Key
    from loomtui.restore.running.second import signers_here

    names = ", ".join(dict.fromkeys(signer.name for signer in inventory.allowed_signers)) or "nobody"
    if key_file is None:
        here = signers_here(inventory)
        if not here:
            raise CallError(
                f"no key of the inventory's allowed_signers ({names}) is in your agent or in ~/.ssh.",
                advice="Name yours with --key FILE, and have its public key listed in the inventory.",
            )
        signer, private = here[0]
        return signer.name, Key(signer.blob), private
    blob = public_blob(key_file) or public_blob(key_file.with_name(f"{key_file.name}.pub"))
    if blob is None:
        raise CallError(f"{key_file} is no SSH key, or its public key is not beside it.")
    name = next((signer.name for signer in inventory.allowed_signers if signer.blob == blob), None)
    if name is None:
        raise CallError(
            f"{key_file} is the key of none of the inventory's allowed_signers ({names}).",
            advice="Have its public key listed there first.",
        )
    is_public = key_file.suffix == ".pub"
    return name, Key(blob), None if is_public else key_file
