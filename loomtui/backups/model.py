"""A backup, and what was found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.validator import ValidatorFacts


class BackupKind(StrEnum):
    DATA = "data"  # app.db and the block store
    CONFIG = "config"  # no app.db
    FULL = "full"  # both
    UNKNOWN = "unknown"


class Compression(StrEnum):
    BZIP2 = "bzip2"
    GZIP = "gzip"
    ZSTD = "zstd"
    XZ = "xz"
    NONE = "none"


class MemberType(StrEnum):
    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    OTHER = "other"  # device, FIFO …


@dataclass(frozen=True)
class Backup:
    """One archive in S3. `kind` is UNKNOWN until it was looked into; `certain` only after a whole read."""

    key: str
    source: str | None  # host that it came from; None where the key does not say
    taken_at: datetime  # UTC; the key's time (the node's local time, taken as UTC) or LastModified
    last_modified: datetime  # UTC, by S3's clock
    size_bytes: int
    etag: str
    kind: BackupKind = BackupKind.UNKNOWN
    compression: Compression | None = None
    certain: bool = False


@dataclass(frozen=True)
class Member:
    path: str  # as in the archive
    type: MemberType
    size: int
    link: str = ""


@dataclass(frozen=True)
class Item:
    """Something to restore: the path in the archive, exactly as stored, and where it belongs on a node."""

    source: str  # 'home/ubuntu/app.db', 'config/node_key.json', …
    target: str  # relative to the working directory: 'app.db', 'chaindata/config/node_key.json'; 'UNIT' = the unit


@dataclass(frozen=True)
class Contents:
    """All that a whole read of an archive tells. Nothing secret is in here."""

    backup: Backup  # with kind, compression and certain set
    sha256: str  # of the archive as stored in S3, hex
    file_count: int
    unpacked_bytes: int
    members: tuple[Member, ...]
    data_items: tuple[Item, ...]  # databases only, never the archive's own chaindata/config
    config_items: tuple[Item, ...]
    app_height: int | None  # from the journals of app.db; None: not found in them
    store_height: int | None  # from the journal of blockstore.db
    node_key: NodeKeyFacts | None  # of the config in it: derived facts only, the private key is dropped
    validator: ValidatorFacts | None
    texts: Mapping[str, str] = field(default_factory=dict)  # target -> text, of the config items that hold no key
    digests: Mapping[str, str] = field(default_factory=dict)  # target -> SHA-256 hex, of every config item
    warnings: tuple[str, ...] = ()  # leftovers, signs of a torn backup, missing files
