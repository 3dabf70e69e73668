"""`loomtui plan` chooses backups, looks at every node and says what would be done. It changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from loomtui.cli.asking import prompter
from loomtui.cli.output import note, print_json, progress
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.cli.signing import sign
from loomtui.cli.sizes import FORMS as FORMS_OF_SIZES
from loomtui.cli.sizes import size_option
from loomtui.cli.times import FORMS, time_option
from loomtui.cli.working import is_confirmed
from loomtui.errors import CallError
from loomtui.text import clean_line

if TYPE_CHECKING:
    from loomtui.inventory import Inventory
    from loomtui.restore.choices import Choices
    from loomtui.restore.plan import Plan

REFUSED = 3


@click.group(invoke_without_command=True, subcommand_metavar="[sign PLAN]")
@inventory_option
@json_option()
@click.option(
    "--data", metavar="KEY|latest", help="Take this data backup. The default is the newest usable one."
)
@click.option("--before", metavar="TIME", help=f"Take only backups of this time or earlier. {FORMS}")
@click.option("--nodes", metavar="A,B", help="Restore only these nodes. The default is all of them.")
@click.option(
    "--stage-first/--no-stage-first",
    default=True,
    help="Unpack the data while the services still run (the default), or only after they stopped.",
)
@click.option(
    "--look",
    is_flag=True,
    help="Read the data archive whole on this machine, however large it is. Otherwise a large one is looked "
    "at on the nodes when they have unpacked it, before anything is stopped.",
)
@click.option(
    "--look-limit",
    metavar="SIZE",
    help="Read data archives up to this size on this machine. The default is the inventory's look_limit, or "
    f"else 512 MB. {FORMS_OF_SIZES}",
)
@click.option(
    "--keep-keys",
    is_flag=True,
    help="Let every node keep its present node key, and its validator key if that is one of the chain's.",
)
@click.option(
    "--delta",
    is_flag=True,
    help="Take over what a node's own databases hold too, and fetch only the rest. This needs a prepared "
    "backup with a twin.",
)
@click.option(
    "--map",
    "sources",
    metavar="NODE=HOST",
    multiple=True,
    help="Give the node the config backups of this host. The default is the inventory's backup_host.",
)
@click.option(
    "--gone",
    metavar="A,B",
    help="Leave these nodes out. You vouch that they are dead for good, with their blocks and keys.",
)
@click.option(
    "--reset-signing-state",
    "reset_for",
    metavar="CLUSTERNAME",
    help="Let the validators sign heights again that they signed before, if the plan says that it is safe. "
    "By typing the cluster's name you confirm that no other machine holds the abandoned blocks.",
)
@click.option(
    "--give-up-old-data",
    "give_up_for",
    metavar="CLUSTERNAME",
    help="Where a node has no room for old and new databases, delete the old ones after the stop. By typing "
    "the cluster's name you confirm that no rollback brings them back.",
)
@click.option(
    "--backup-jobs",
    "backup_jobs",
    type=click.Choice(["wait", "stop", "leave"]),
    default="wait",
    help="Say what is done about backup.sh on the nodes. wait (the default) suspends what starts it and "
    "waits for one that runs; stop suspends too, and ends one that runs; leave does nothing, and the hold "
    "keeps it from starting a node.",
)
@click.option(
    "--redis",
    metavar="HOST:PORT|keep",
    help="Let loom.yml name this Redis from now on. keep leaves the address as it is, although a node "
    "does not reach it.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PLAN",
    help="Write the plan to this file.",
)
@click.pass_context
def plan(
    ctx: click.Context,
    as_json: bool,
    data: str | None,
    before: str | None,
    nodes: str | None,
    stage_first: bool,
    look: bool,
    look_limit: str | None,
    keep_keys: bool,
    delta: bool,
    sources: tuple[str, ...],
    gone: str | None,
    reset_for: str | None,
    give_up_for: str | None,
    backup_jobs: str,
    redis: str | None,
    output: Path | None,
) -> int:
    """Say what a restore would do, and whether the chain would move after it."""
    settings = ctx.ensure_object(Settings)
    if ctx.invoked_subcommand is not None:
        _refuse_options(ctx)
        return 0
    from loomtui.restore.choices import BackupPolicy, Choices

    inventory = settings.inventory()
    choices = Choices(
        data_key=data,
        before=time_option("--before", before),
        nodes=_names(nodes),
        stage_first=stage_first,
        reset_signing=is_confirmed("--reset-signing-state", reset_for, inventory),
        give_up_old_data=is_confirmed("--give-up-old-data", give_up_for, inventory),
        keep_keys=keep_keys,
        delta=delta,
        backup_policy=BackupPolicy(backup_jobs),
        redis=redis,
        sources=_sources(sources),
        gone=_names(gone) or (),
        look=look,
        look_limit_bytes=None if look_limit is None else size_option("--look-limit", look_limit),
    )
    new_plan = run_async(_plan(inventory, choices, batch=as_json))
    _keep(new_plan, output)
    if as_json:
        from loomtui.cli.views import plan_document

        print_json(plan_document(new_plan))
    else:
        _show(new_plan, settings.given)
    return REFUSED if new_plan.refusals else 0


def _refuse_options(ctx: click.Context) -> None:
    """Those of a new plan mean nothing to one that is there. The inventory is no parameter of ours."""
    given = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        raise click.UsageError("the options of a new plan come without a further command.", ctx)


def _names(nodes: str | None) -> tuple[str, ...] | None:
    return None if nodes is None else tuple(name.strip() for name in nodes.split(",") if name.strip())


def _sources(typed: tuple[str, ...]) -> dict[str, str]:
    """Raises CallError."""
    sources: dict[str, str] = {}
    for text in typed:
        node, equals, host = (part.strip() for part in text.partition("="))
        if not (node and equals and host) or node in sources:
            raise CallError(
                f"--map {clean_line(text, limit=80)} says nothing, or something twice.",
                advice="Write it once for each node: --map NODE=HOST, the host as loomtui backups shows it.",
            )
        sources[node] = host
    return sources


async def _plan(inventory: Inventory, choices: Choices, *, batch: bool) -> Plan:
    from loomtui.engine.live import LiveEngine, opened

    async with opened(LiveEngine(inventory), prompter(batch=batch)) as engine:
        return await engine.plan(choices, progress)


def _keep(new_plan: Plan, output: Path | None) -> None:
    if output is not None:
        from loomtui.restore.planning.planfile import save_plan

        save_plan(new_plan, output)
        note(f"The plan is in {output}.")


def _show(new_plan: Plan, given: Path | None) -> None:
    from loomtui.cli.plan_text import show_plan

    show_plan(new_plan, given)


plan.add_command(sign)
