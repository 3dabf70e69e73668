"""What one whole read of a backup told, as it is kept in S3. docs/prepared.md has the format for others.

Every number is bounded here; `checking` has what a manifest must be as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from loomtui.backups.members import MAX_FILE_BYTES, MAX_MEMBERS, MAX_PATH
from loomtui.backups.model import BackupKind, Compression, Item, Member
from loomtui.loom.chainstate import MAX_GENESIS_BYTES, ChainState
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.validator import ValidatorFacts

FORMAT: Literal["loomtui-manifest"] = "loomtui-manifest"
VERSION: Literal[1] = 1

#: S3 takes no larger object in one PUT.
MAX_PART_BYTES = 5 * 1024**3
MAX_PARTS = 100_000
MAX_TEXT = 1000
_MAX_KEY = 1024
_MAX_OBJECT = 50 * 1024**4
_LAST_SECOND = 2**40
_HEIGHTS = 2**63

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Etag = Annotated[str, Field(pattern=r'^("[A-Za-z0-9._:+/=-]{1,200}")?$')]
Key = Annotated[str, Field(min_length=1, max_length=_MAX_KEY)]
Line = Annotated[str, Field(max_length=MAX_TEXT)]
Height = Annotated[int, Field(ge=0, lt=_HEIGHTS)]


@dataclass(frozen=True)
class Source:
    """The version of the backup that was read."""

    key: Key
    size_bytes: Annotated[int, Field(ge=0, le=_MAX_OBJECT)]
    etag: Etag  # as `plain_etag` writes it; empty where S3 gives none
    sha256: Sha256 | Literal[""]  # of the stored bytes; empty: it was not read to its end
    compression: Compression | None  # None: it is no archive


@dataclass(frozen=True)
class ManifestFile:
    """One regular file. Of a path that the archive holds twice, the last one counts, as in tar."""

    path: Annotated[str, Field(max_length=MAX_PATH)]  # as in the archive
    size_bytes: Annotated[int, Field(ge=0, le=MAX_FILE_BYTES)]
    sha256: Sha256
    mtime: Annotated[int, Field(ge=0, le=_LAST_SECOND)] = 0  # seconds since 1970; 0: unknown
    target: Line | None = None  # the config file that it is, by its content; None: it is none


@dataclass(frozen=True)
class Frame:
    """A run of whole tar members in a part, compressed on its own, so that it can be fetched on its own."""

    offset: Annotated[int, Field(ge=0, le=MAX_PART_BYTES)]  # bytes in the part
    length: Annotated[int, Field(gt=0, le=MAX_PART_BYTES)]
    sha256: Sha256  # of the stored bytes
    #: Indexes in `Manifest.files`, in the frame's order. It may hold other files besides, which this backup
    #: does not have, or takes from elsewhere.
    files: tuple[Annotated[int, Field(ge=0, lt=MAX_MEMBERS)], ...]


@dataclass(frozen=True)
class Part:
    """A `.tar.zst` of several frames, for all backups of the prefix that hold some of its files."""

    key: Key
    size_bytes: Annotated[int, Field(gt=0, le=MAX_PART_BYTES)]
    sha256: Sha256
    frames: tuple[Frame, ...]  # by offset; those with a file of this backup, or all


@dataclass(frozen=True)
class Twin:
    """The databases once more: each file below `data_items` is in exactly one frame of one part.

    Nothing else is, so that no key is stored a second time.
    """

    parts: Annotated[tuple[Part, ...], Field(max_length=MAX_PARTS)]


@dataclass(frozen=True)
class Manifest:
    """No private key is in here, and no text of a config file but Tendermint's genesis, which is public.

    The first fields stand first in the object, so that its beginning tells what a list shows.
    """

    format: Literal["loomtui-manifest"]
    version: Literal[1]
    made_at: datetime  # UTC
    made_by: Line  # user@host
    loomtui: Line  # the version that wrote it
    source: Source
    kind: BackupKind  # as far as known, if it is refused
    refusal: Line | None  # why the backup must not be restored; None: it may
    has_twin: bool
    no_twin: Line | None = None  # why there can be none
    files: Annotated[tuple[ManifestFile, ...], Field(max_length=MAX_MEMBERS)] = ()  # in the archive's order
    others: Annotated[tuple[Member, ...], Field(max_length=MAX_MEMBERS)] = ()  # folders and links, likewise
    data_items: tuple[Item, ...] = ()
    config_items: tuple[Item, ...] = ()
    own_items: tuple[Item, ...] = ()
    app_height: Height | None = None
    state_height: Height | None = None
    store_height: Height | None = None
    chain_id: Line | None = None
    chain: ChainState | None = None
    genesis_doc: Annotated[str, Field(max_length=MAX_GENESIS_BYTES)] | None = None
    node_key: NodeKeyFacts | None = None
    validator: ValidatorFacts | None = None
    warnings: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    twin: Twin | None = None
