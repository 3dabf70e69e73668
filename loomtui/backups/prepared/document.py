"""Manifests as JSON: written, and read again as foreign data."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from pydantic_core import from_json

from loomtui.backups.model import BackupKind
from loomtui.backups.prepared.checking import ManifestInvalid, check
from loomtui.backups.prepared.manifest import Manifest, Source
from loomtui.backups.prepared.reference import ManifestRef, Outline
from loomtui.text import clean_line

#: Half a million files with their digests take less.
MAX_MANIFEST_BYTES = 256 * 1024**2
#: So much of its beginning holds what `outline` tells.
HEAD_BYTES = 8 * 1024

_ADAPTER = TypeAdapter(Manifest)


@dataclass(frozen=True)
class _Beginning:
    """The fields at the top of a manifest."""

    format: Literal["loomtui-manifest"]
    version: Literal[1]
    made_at: AwareDatetime
    source: Source
    kind: BackupKind
    refusal: str | None
    has_twin: bool


_BEGINNING = TypeAdapter(_Beginning)


def dump(manifest: Manifest) -> bytes:
    return _ADAPTER.dump_json(manifest) + b"\n"


def read(data: bytes) -> Manifest:
    """The manifest, whole and without contradictions. Raises ManifestInvalid with a sentence."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestInvalid(f"it has more than {MAX_MANIFEST_BYTES:,} bytes")
    try:
        manifest = _ADAPTER.validate_json(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ManifestInvalid(clean_line(f"{place}: {first['msg']}", limit=200)) from None
    except (ValueError, RecursionError) as error:
        raise ManifestInvalid(clean_line(str(error), limit=200)) from None
    check(manifest)
    return manifest


def reference(manifest: Manifest, key: str, etag: str, data: bytes) -> ManifestRef:
    """`data`: the object as it is stored."""
    digest = sha256(data).hexdigest()
    return ManifestRef(key, etag, digest, len(data), manifest.made_at, manifest.made_by)


def outline(head: bytes) -> Outline | None:
    """What the first bytes of a manifest tell. None: it is none."""
    try:
        document = from_json(head, allow_partial=True)
        beginning = _BEGINNING.validate_python(document)
    except ValueError:
        return None
    source = beginning.source
    return Outline(
        source.size_bytes,
        source.etag,
        beginning.kind,
        beginning.refusal is not None,
        beginning.has_twin,
        beginning.made_at,
    )
