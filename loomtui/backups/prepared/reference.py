"""How a plan and a list name what was prepared of a backup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PreparedState(StrEnum):
    """What lies beside a backup in S3."""

    NONE = "none"
    MANIFEST = "manifest"  # what a whole read told of it
    TWIN = "twin"  # likewise, and its files once more, in parts


@dataclass(frozen=True)
class Outline:
    """What the beginning of a manifest tells. It is for lists: nobody has checked the rest."""

    source_size: int
    source_etag: str
    kind: str  # as `BackupKind` writes it
    is_refused: bool
    has_twin: bool
    made_at: datetime  # UTC


@dataclass(frozen=True)
class ManifestRef:
    """Exactly one manifest. Another version of the object is refused."""

    key: str
    etag: str  # as `plain_etag` writes it; empty where S3 gives none
    sha256: str  # of the object's bytes, hex
    size_bytes: int
    made_at: datetime | None = None  # UTC
    made_by: str = ""  # user@host
