"""`loomtui backups prepare` and `prune-prepared`: they write beside the backups in S3."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from loomtui.cli.asking import prompter
from loomtui.cli.failures import explain
from loomtui.cli.output import note, print_json, progress, read_progress, say
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.cli.views import prepared_document, prunable_document
from loomtui.errors import Refused
from loomtui.wording.quantities import count, size

if TYPE_CHECKING:
    from loomtui.backups.model import Backup
    from loomtui.backups.prepared.preparing import PreparedBackup
    from loomtui.backups.prepared.pruning import Prunable
    from loomtui.engine.api import Progress
    from loomtui.inventory import Inventory

BAD = 1


@click.command()
@click.argument("key", required=False)
@inventory_option
@click.option("--latest", is_flag=True, help="Prepare the newest data backup.")
@click.option("--all", "every", is_flag=True, help="Prepare all that are not prepared yet, newest first.")
@click.option("--twin", is_flag=True, help="Also store its files in parts, which are restored faster.")
@click.option("--quiet", is_flag=True, help="Say only what is bad or failed.")
@json_option()
@click.pass_obj
def prepare(
    settings: Settings, key: str | None, latest: bool, every: bool, twin: bool, quiet: bool, as_json: bool
) -> int:
    """Read a backup once, judge it, and store beside it in S3 what that told, for plans in seconds.

    The exit status is 1 if the backup must not be restored. The backup itself is never changed.
    """
    if (key is not None) + latest + every != 1:
        raise click.UsageError("Name one KEY, or give --latest or --all.")
    inventory = settings.inventory()
    work = _prepare(inventory, key, every=every, twin=twin, silent=quiet or as_json)
    done = run_async(work)
    if as_json:
        documents = [prepared_document(one) for one in done]
        print_json({"cluster": inventory.cluster, "bucket": inventory.s3.bucket, "backups": documents})
    return _status(done)


@click.command("prune-prepared")
@inventory_option
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_option()
@click.pass_obj
def prune_prepared(settings: Settings, yes: bool, as_json: bool) -> int:
    """Remove manifests of backups that are gone, and parts that no manifest names any more.

    Parts that are younger than a day stay, because a backup may be being prepared just now.
    """
    return run_async(_prune(settings.inventory(), yes=yes, as_json=as_json))


async def _prepare(
    inventory: Inventory, key: str | None, *, every: bool, twin: bool, silent: bool
) -> list[PreparedBackup]:
    from loomtui.engine.live import opened
    from loomtui.engine.preparing import PreparingEngine

    def begin(backup: Backup) -> Progress:
        if silent:
            return lambda _done, _total: None
        progress(f"reading {backup.key}")
        return read_progress() or (lambda _done, _total: None)

    done: list[PreparedBackup] = []
    async with opened(PreparingEngine(inventory), prompter(batch=True)) as engine:
        if every:
            async for one in engine.prepare_all(begin, twin=twin):
                done.append(one)
                _tell(one, silent=silent)
            if not done and not silent:
                say("Nothing is left to prepare.")
            return done
        backup = await (engine.latest() if key is None else engine.backup(key))
        done.append(await engine.prepare(backup, begin(backup), twin=twin))
        _tell(done[0], silent=silent)
    return done


def _tell(done: PreparedBackup, *, silent: bool) -> None:
    from loomtui.backups.prepared.preparing import Preparation

    match done.preparation:
        case Preparation.FAILED:
            say(f"✗ {done.key}: not prepared", colour="red", err=True)
            if done.error is not None:
                explain(done.error)
        case Preparation.BAD:
            say(f"✗ {done.key}: it must not be restored: {done.reason}", colour="red", err=True)
        case Preparation.ALREADY if not silent:
            say(f"{done.key} was prepared already{', with a twin' if done.has_twin else ''}.")
        case Preparation.PREPARED if not silent:
            say(f"{done.key} is prepared{_twin_words(done)}; {_byte_words(done)}.", colour="green")


def _twin_words(done: PreparedBackup) -> str:
    if done.has_twin:
        return ", with a twin"
    return f", without a twin: {done.reason}" if done.reason else ""


def _byte_words(done: PreparedBackup) -> str:
    return f"{size(done.read_bytes)} read, {size(done.uploaded_bytes)} uploaded"


def _status(done: Iterable[PreparedBackup]) -> int:
    """What failed counts before what is bad: it may be bad, too."""
    from loomtui.backups.prepared.preparing import Preparation

    failed = [one.error.exit_status for one in done if one.error is not None]
    if failed:
        return failed[0]
    return BAD if any(one.preparation is Preparation.BAD for one in done) else 0


async def _prune(inventory: Inventory, *, yes: bool, as_json: bool) -> int:
    from loomtui.engine.live import opened
    from loomtui.engine.preparing import PreparingEngine

    async with opened(PreparingEngine(inventory), prompter(batch=True)) as engine:
        progress(f"listing {inventory.s3.bucket}")
        found = await engine.prunable()
        if not as_json:
            _show(found)
        if found.keys:
            if not yes and not _is_confirmed(as_json=as_json):
                raise Refused("nothing was removed, because nobody agreed to it", advice="Add --yes.")
            found = await engine.prune(found)
    if as_json:
        print_json(prunable_document(found, removed=bool(found.keys)))
    elif found.keys:
        say(f"{count(len(found.keys), 'object')} removed, {size(found.size_bytes)}.", colour="green")
    return 0


def _is_confirmed(*, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        return False
    return click.confirm("Remove all of this?", err=True)


def _show(found: Prunable) -> None:
    for title, objects in (("of a backup that is gone", found.manifests), ("named by nothing", found.parts)):
        for stored in objects:
            say(f"{title}: {stored.key}, {size(stored.size)}")
    if not found.keys:
        say("There is nothing to remove.")
    if found.young_parts:
        note(f"{count(found.young_parts, 'part')} younger than a day are left: somebody may be at work.")
    for key in found.unread:
        note(f"{key} cannot be read, so no part is removed. Prepare its backup again, or remove it by hand.")
