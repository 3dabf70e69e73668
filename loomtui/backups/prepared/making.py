"""Makes a manifest from what a read of a backup told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from loomtui.backups.configs import MAX_CONFIG_BYTES, is_config_name
from loomtui.backups.layouts import FileFacts
from loomtui.backups.model import Backup, Contents, MemberType
from loomtui.backups.prepared.manifest import FORMAT, MAX_TEXT, VERSION, Manifest, ManifestFile, Source, Twin
from loomtui.text import clean_line


@dataclass(frozen=True)
class Author:
    made_at: datetime  # UTC
    made_by: str  # user@host
    loomtui: str  # version


def manifest_of(
    contents: Contents,
    files: Iterable[ManifestFile],
    configs: Mapping[str, FileFacts],
    author: Author,
    twin: Twin | None = None,
    no_twin: str | None = None,
) -> Manifest:
    """`files`: every regular file in the archive's order, without targets.

    `configs`: what those that were read are by their content, by path.
    """
    return replace(
        _head(contents.backup, contents.sha256, author),
        has_twin=twin is not None,
        no_twin=no_twin,
        files=tuple(_with_target(file, configs) for file in files),
        others=tuple(member for member in contents.members if member.type is not MemberType.FILE),
        data_items=contents.data_items,
        config_items=contents.config_items,
        own_items=contents.own_items,
        app_height=contents.app_height,
        state_height=contents.state_height,
        store_height=contents.store_height,
        chain_id=contents.chain_id,
        chain=contents.chain,
        genesis_doc=contents.genesis_doc,
        node_key=contents.node_key,
        validator=contents.validator,
        warnings=tuple(clean_line(warning, limit=MAX_TEXT) for warning in contents.warnings[:100]),
        twin=twin,
    )


def refusal_manifest(bad: Backup, reason: str, author: Author) -> Manifest:
    """Of a backup that must not be restored, so that nobody has to read it again to find that out."""
    return replace(_head(bad, "", author), refusal=clean_line(reason, limit=MAX_TEXT))


def _head(backup: Backup, sha256: str, author: Author) -> Manifest:
    """What a manifest says of its source and of who made it, and nothing of what is in the archive."""
    return Manifest(
        format=FORMAT,
        version=VERSION,
        made_at=author.made_at,
        made_by=clean_line(author.made_by, limit=MAX_TEXT),
        loomtui=author.loomtui,
        source=Source(backup.key, backup.size_bytes, backup.etag, sha256, backup.compression),
        kind=backup.kind,
        refusal=None,
        has_twin=False,
    )


def _with_target(file: ManifestFile, configs: Mapping[str, FileFacts]) -> ManifestFile:
    """Of a path that is stored twice, what the last one is counts, as in `Reading.files`."""
    can_be = file.size_bytes <= MAX_CONFIG_BYTES and is_config_name(file.path)
    facts = configs.get(file.path) if can_be else None
    return replace(file, target=facts.target if facts else None)
