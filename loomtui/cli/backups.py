"""`loomtui backups` tells what is in S3, what one archive holds, and whether it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from loomtui.cli.asking import prompter
from loomtui.cli.output import Cell, note, print_json, progress, read_progress, say, table
from loomtui.cli.preparing import prepare, prune_prepared
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.wording.quantities import NOTHING, count, number, size, time_of, timestamp

if TYPE_CHECKING:
    from loomtui.backups.model import Backup, Contents, Damaged, Member
    from loomtui.engine.api import Engine
    from loomtui.inventory import Inventory

_GUESSES_AT_ONCE = 8


@click.group(invoke_without_command=True)
@inventory_option
@json_option()
@click.pass_context
def backups(ctx: click.Context, as_json: bool) -> int:
    """List the backups in S3, newest first."""
    if ctx.invoked_subcommand is not None:
        return 0
    return run_async(_list(ctx.ensure_object(Settings).inventory(), as_json=as_json))


backups.add_command(prepare)
backups.add_command(prune_prepared)


@backups.command()
@click.argument("key")
@inventory_option
@json_option()
@click.pass_obj
def show(settings: Settings, key: str, as_json: bool) -> int:
    """Show what the archive KEY holds. Unless it is prepared, loomtui reads all of it the first time.

    If the archive must not be restored, this shows what can be read of it and ends with status 1.
    """
    return _report(settings.inventory(), key, fresh=False, as_json=as_json)


@backups.command()
@click.argument("key")
@inventory_option
@json_option()
@click.pass_obj
def verify(settings: Settings, key: str, as_json: bool) -> int:
    """Read the whole archive KEY now, and check its checksums, member names and heights."""
    return _report(settings.inventory(), key, fresh=True, as_json=as_json)


def _report(inventory: Inventory, key: str, *, fresh: bool, as_json: bool) -> int:
    """With `fresh`, the archive is read again to check it, and its members are not listed."""
    from loomtui.backups.damage import DamagedArchive

    try:
        contents = run_async(_look(inventory, key, fresh=fresh))
    except DamagedArchive as error:
        _print_damaged(error.damaged, as_json=as_json, members=not fresh)
        raise
    _print_contents(contents, as_json=as_json, members=not fresh)
    if fresh and not as_json:
        say("Whole: every checksum in it holds, and nothing in it leaves its place.", colour="green")
    return 0


async def _list(inventory: Inventory, *, as_json: bool) -> int:
    from loomtui.cli.views import backup_document
    from loomtui.engine.live import LiveEngine, opened

    async with opened(LiveEngine(inventory), prompter()) as engine:
        progress(f"listing {inventory.s3.bucket}")
        backups = await _guessed(engine, await engine.backups())
    if as_json:
        documents = [backup_document(backup) for backup in backups]
        print_json({"cluster": inventory.cluster, "bucket": inventory.s3.bucket, "backups": documents})
        return 0
    if not backups:
        where = f"{inventory.s3.bucket}/{inventory.s3.prefix}"
        say(f"There is no backup in {where}. Is the prefix of the inventory right?")
        return 0
    header = ("TAKEN (UTC)", "HOST", "KIND", "SIZE", "FORM", "PREPARED", "KEY")
    table(header, [_row(backup) for backup in backups])
    for backup in backups:
        if backup.fault is not None:
            say(f"✗ {backup.key}: {backup.fault.reason}", colour="red")
    note(
        f"{count(len(backups), 'object')} in {inventory.s3.bucket}. A kind with ? was not looked into whole; "
        "a time with ? is not sure (loomtui backups show KEY says why)."
    )
    return 0


async def _guessed(engine: Engine, backups: Sequence[Backup]) -> list[Backup]:
    """The backups with their kinds, and with their faults as far as their first part shows them."""
    from loomtui.backups.model import BackupKind

    turn = asyncio.Semaphore(_GUESSES_AT_ONCE)

    async def guess(backup: Backup) -> Backup:
        if backup.kind is not BackupKind.UNKNOWN:
            return backup
        async with turn:
            return await engine.guess(backup)

    return list(await asyncio.gather(*(guess(backup) for backup in backups)))


def _row(backup: Backup) -> tuple[Cell | str, ...]:
    return (
        f"{timestamp(backup.taken_at)}{'' if backup.taken_by.sure else '?'}",
        backup.source or NOTHING,
        _kind_words(backup),
        size(backup.size_bytes),
        backup.compression.value if backup.compression else NOTHING,
        backup.prepared.value,
        backup.key,
    )


def _kind_words(backup: Backup) -> str:
    if backup.fault is not None:
        return f"{backup.kind.value} ✗"
    return backup.kind.value if backup.certain else f"{backup.kind.value}?"


async def _look(inventory: Inventory, key: str, *, fresh: bool) -> Contents:
    from loomtui.engine.live import LiveEngine, opened

    async with opened(LiveEngine(inventory), prompter()) as engine:
        return await engine.contents(await engine.backup(key), read_progress(), fresh=fresh)


def _print_contents(contents: Contents, *, as_json: bool, members: bool) -> None:
    from loomtui.cli.views import contents_document

    if as_json:
        print_json(contents_document(contents, members=members))
        return
    backup = contents.backup
    say(backup.key, bold=True)
    for label, value in _contents_lines(contents):
        say(f"  {label:<16} {value}")
    for warning in contents.warnings:
        say(f"  warning: {warning}", colour="yellow")
    if members:
        _print_members(contents.members)


def _print_damaged(damaged: Damaged, *, as_json: bool, members: bool) -> None:
    from loomtui.cli.views import damaged_document

    if as_json:
        print_json(damaged_document(damaged, members=members))
        return
    backup = damaged.backup
    say(backup.key, bold=True)
    facts = [
        ("kind", f"{backup.kind.value}, as far as it can be read"),
        *_origin_lines(backup),
        ("size", size(backup.size_bytes)),
    ]
    for label, value in facts:
        say(f"  {label:<16} {value}")
    say("  NOT TO BE RESTORED. What follows is what can be read of it.", colour="red", bold=True)
    if members:
        _print_members(damaged.members)


def _print_members(members: Sequence[Member]) -> None:
    say()
    table(("TYPE", "SIZE", "PATH"), [(one.type.value, size(one.size), one.path) for one in members])


def _origin_lines(backup: Backup) -> list[tuple[str, str]]:
    from loomtui.backups.model import taken_words

    return [
        ("host", backup.source or "not in its name"),
        ("taken", f"{time_of(backup.taken_at)} ({taken_words(backup)})"),
    ]


def _prepared_words(contents: Contents) -> str:
    from loomtui.wording.states import PREPARED_STATES, prepared_words

    if contents.manifest is None:
        return PREPARED_STATES[contents.backup.prepared]
    words = prepared_words(contents.manifest, has_twin=contents.has_twin)
    return f"{words}. This is what its manifest tells"


def _contents_lines(contents: Contents) -> list[tuple[str, str]]:
    backup, key, validator = contents.backup, contents.node_key, contents.validator
    signed = validator.signing.height if validator and validator.signing else None
    facts = [
        ("kind", backup.kind.value),
        *_origin_lines(backup),
        ("size", f"{size(backup.size_bytes)}, unpacked {size(contents.unpacked_bytes)}"),
        ("files", number(contents.file_count)),
        ("SHA-256", contents.sha256),
        ("prepared", _prepared_words(contents)),
        ("data", ", ".join(item.target for item in contents.data_items) or "none"),
        ("config", ", ".join(item.target for item in contents.config_items) or "none"),
        (
            "height",
            f"app {number(contents.app_height)}, state {number(contents.state_height)}, "
            f"blocks {number(contents.store_height)}",
        ),
    ]
    if key is not None:
        facts.append(("node ID", key.node_id or key.problem or "unknown"))
    if validator is not None:
        facts.append(
            ("validator", f"{validator.address or validator.problem}, signed up to {number(signed)}")
        )
    return facts
