"""Whether a manifest that a plan believed tells the truth, by what a node has unpacked.

A manifest is foreign data. That each file has the size and SHA-256 of the manifest, every node has compared;
what follows from the files (whole databases, heights, chain) is judged here as for data that nobody has read.
All nodes have the same files, so the look at one of them is enough where none is changed before it.
"""

from __future__ import annotations

from collections.abc import Iterator

from loomtui.backups.model import Backup, BackupKind, Contents
from loomtui.backups.prepared.manifest import Manifest
from loomtui.errors import ArchiveRejected
from loomtui.fleet.probes.staged import look_at_staged
from loomtui.restore.plan import Archive
from loomtui.restore.running.completion import members_of
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.supply import supply_of
from loomtui.text import clean_line

_SET = "data"
_ADVICE = (
    "Find out who wrote that manifest. Plan again with --look, which believes none, or with another backup."
)


async def see_that_manifest_is_true(context: RunContext, node: str) -> None:
    """Raises ArchiveRejected if the node's data is not what its manifest tells, or must not be restored.

    It looks each time: that the data is staged does not tell that somebody has judged it.
    """
    archive = context.plan.node(node).data
    if archive is None or archive.manifest is None:
        return
    manifest = await supply_of(context.catalogue).manifest(archive.manifest)
    session = context.fleet.session(node)
    unpacked = await look_at_staged(session, context.plan.node(node).working_directory, context.run, _SET)
    members = members_of(unpacked.entries)
    seen = await context.catalogue.staged.judge(
        _backup(archive), members, unpacked.files, archive.sha256, node, remembers=False
    )
    lie = next(_lies(manifest, seen), None)
    if lie is not None:
        key = clean_line(archive.key, limit=200)
        raise ArchiveRejected(f"its manifest lies: {lie}", archive=key, node=node, advice=_ADVICE)


def _backup(archive: Archive) -> Backup:
    return Backup(
        key=archive.key,
        source=None,
        taken_at=archive.taken_at,
        last_modified=archive.taken_at,
        size_bytes=archive.size_bytes,
        etag=archive.etag,
        kind=BackupKind.DATA,
        compression=archive.compression,
    )


def _lies(manifest: Manifest, seen: Contents) -> Iterator[str]:
    heights = (
        ("app.db", manifest.app_height, seen.app_height),
        ("state.db", manifest.state_height, seen.state_height),
        ("the block store", manifest.store_height, seen.store_height),
    )
    for name, told, found in heights:
        if told != found:
            yield f"it has {name} at height {_shown(told)}, but that is at {_shown(found)}"
    if manifest.chain != seen.chain:
        yield "it tells another state of the chain than state.db"
    if manifest.genesis_doc != seen.genesis_doc:
        yield "it tells another genesis than state.db"
    if {item.target for item in manifest.data_items} != {item.target for item in seen.data_items}:
        yield "it tells of other databases"


def _shown(height: int | None) -> str:
    return "none" if height is None else f"{height:,}"
