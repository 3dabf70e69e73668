"""`loomtui drill --from INVENTORY`: proves real backups, for a schedule rather than for people."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from loomtui.cli.output import note, print_json_line, progress, read_progress, say
from loomtui.cli.settings import run_async
from loomtui.errors import CallError
from loomtui.text import clean_line

if TYPE_CHECKING:
    from loomtui.drill.proof.proofs import Proof, Wish
    from loomtui.inventory import Inventory

BAD = 1
_LATEST = "latest"
_FILE = click.Path(path_type=Path)
#: Of the other options of a drill, these mean the same for a proof.
_SHARED = frozenset({"junit_path", "as_json"})
_OPTIONS = (
    click.option(
        "--from",
        "inventory_path",
        type=_FILE,
        metavar="INVENTORY",
        help="Prove real backups of this cluster: read them, unpack them here, and start a node with new "
        "keys and no network. Nothing is written to S3, and no node is reached.",
    ),
    click.option(
        "--backup",
        metavar="KEY|latest|random|each",
        help="With --from, choose what is proved. Without it, that is the newest data backup.",
    ),
    click.option(
        "--loom-binary", type=_FILE, metavar="FILE", help="With --from, start this loom, not the stand-in."
    ),
    click.option("--no-start", is_flag=True, help="With --from, judge the archive and start nothing."),
    click.option(
        "--prometheus",
        type=_FILE,
        metavar="FILE",
        help="With --from, write the outcome for node_exporter's textfile collector, too.",
    ),
)


@dataclass(frozen=True)
class _Asked:
    inventory_path: Path | None
    backup: str | None
    loom_binary: Path | None
    no_start: bool
    prometheus: Path | None


def with_proofs(command: Callable[..., int]) -> Callable[..., int]:
    """Adds the options of a proof to `loomtui drill`, which is called when no proof is asked for."""

    @wraps(command)
    def call(
        inventory_path: Path | None,
        backup: str | None,
        loom_binary: Path | None,
        no_start: bool,
        prometheus: Path | None,
        **drill: Any,
    ) -> int:
        asked = _Asked(inventory_path, backup, loom_binary, no_start, prometheus)
        if inventory_path is None:
            if any((backup, loom_binary, no_start, prometheus)):
                raise click.UsageError("--backup, --loom-binary, --no-start and --prometheus want --from.")
            return command(**drill)
        _refuse(drill)
        return _prove(asked, inventory_path, drill["junit_path"], as_json=drill["as_json"])

    for option in reversed(_OPTIONS):
        call = option(call)
    return call


def _refuse(drill: dict[str, Any]) -> None:
    context = click.get_current_context()
    given = [
        param.opts[0]
        for param in context.command.params
        if param.name in drill.keys() - _SHARED
        and context.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"{', '.join(given)} means nothing with --from: a proof plays no scenario.")


def _prove(asked: _Asked, inventory_path: Path, junit_path: Path | None, *, as_json: bool) -> int:
    from loomtui.cli.proof_views import as_played, summary_document
    from loomtui.drill.junit import write_junit
    from loomtui.drill.proof.prometheus import write_prometheus
    from loomtui.drill.proof.proofs import Wish, all_good
    from loomtui.inventory import load

    inventory = load(inventory_path)
    wish = Wish(_program(asked.loom_binary), starts=not asked.no_start)
    proofs = run_async(_proved(inventory, asked.backup or _LATEST, wish, as_json=as_json))
    if junit_path is not None:
        _written(junit_path, lambda path: write_junit(path, [as_played(proof) for proof in proofs]))
    if asked.prometheus is not None:
        now = datetime.now(UTC)
        _written(asked.prometheus, lambda path: write_prometheus(path, inventory.cluster, proofs, now))
    if as_json:
        print_json_line(summary_document(inventory.cluster, proofs))
    elif len(proofs) > 1:
        good = sum(proof.is_good for proof in proofs)
        colour = "green" if good == len(proofs) else "yellow"
        say(f"{good} of {len(proofs)} backups are good.", colour=colour, bold=True)
    return 0 if all_good(proofs) else BAD


def _program(path: Path | None) -> Path | None:
    """Raises CallError."""
    if path is not None and not (path.is_file() and os.access(path, os.X_OK)):
        raise CallError(f"{path} is no program that can be started.", advice="Name the loom of your cluster.")
    return path.resolve() if path is not None else None


async def _proved(inventory: Inventory, wanted: str, wish: Wish, *, as_json: bool) -> list[Proof]:
    from loomtui.cli.proof_views import proof_document, proof_text
    from loomtui.drill.proof.proving import prove
    from loomtui.drill.proof.source import BackupSource

    source = BackupSource(inventory)
    proofs = []
    try:
        for backup in await source.choose(wanted):
            if not as_json:
                note(f"Proving {clean_line(backup.key)}…")
            report = read_progress() or (lambda _done, _total: None)
            proof = await prove(source, backup, wish, report, progress)
            proofs.append(proof)
            if as_json:
                print_json_line(proof_document(proof))
            else:
                say(proof_text(proof), colour="" if proof.is_good else "red")
    finally:
        await source.close()
    return proofs


def _written(path: Path, write: Callable[[Path], None]) -> None:
    """Raises CallError."""
    try:
        write(path)
    except OSError as error:
        raise CallError(f"{path} cannot be written: {error.strerror or error}.") from error
