"""A backup, and what was found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from loomtui.backups.clocks import LEAST_OFFSET, TakenBy
from loomtui.backups.prepared.reference import ManifestRef, PreparedState
from loomtui.loom.chainstate import ChainState
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


class FaultKind(StrEnum):
    """Why an object that was meant as a backup is not used."""

    UNREADABLE = "unreadable"  # S3 does not give it: archive class, key, permission, gone since the listing
    REJECTED = "rejected"  # truncated, damaged, empty, no archive, or with members that could do harm
    UNKNOWN = "unknown"  # whole, but it holds neither the data nor the config of a Loom node
    NO_EVM = "no-evm"  # data without evm.db, which the nodes need
    OTHER_CHAIN = "other-chain"  # config of another chain than the data that were chosen
    TORN = "torn"  # data of heights with which no node starts


@dataclass(frozen=True)
class Fault:
    kind: FaultKind
    reason: str  # a sentence without the key; showable


class MemberType(StrEnum):
    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    OTHER = "other"  # device, FIFO …


@dataclass(frozen=True)
class Backup:
    """One archive in S3.

    Its `kind` is UNKNOWN until it was looked into, and `certain` only after a whole read.

    The time when it was taken is the time in the key, local to its host, minus that host's offset from UTC,
    which is told from all the host's backups (`loomtui.backups.clocks`). If nothing can be told, it is
    LastModified.
    """

    key: str
    source: str | None  # host that it came from; None where the key does not say
    taken_at: datetime  # UTC; `taken_by` says how it is known
    last_modified: datetime  # UTC, by S3's clock
    size_bytes: int
    etag: str
    kind: BackupKind = BackupKind.UNKNOWN
    compression: Compression | None = None
    certain: bool = False
    taken_by: TakenBy = TakenBy.LAST_MODIFIED
    named_at: datetime | None = None  # the time in the key, local to the host, written as if it were UTC
    utc_offset: timedelta | None = None  # of the host at that time; None: not known
    fault: Fault | None = None  # why it cannot be used; None: nothing is known against it so far
    prepared: PreparedState = PreparedState.NONE  # what lies beside it, where somebody has looked for that

    def taken_by_then(self, latest: datetime) -> bool:
        """Whether it was taken at this time (UTC) or earlier, even if only bounds are known."""
        if self.taken_at <= latest:
            return True
        if self.taken_by is not TakenBy.LAST_MODIFIED or self.named_at is None:
            return False
        return self.named_at - LEAST_OFFSET <= latest


def taken_words(backup: Backup) -> str:
    """How it is known when it was taken, for the operator."""
    at = f"the time in its name, with its host's clock at UTC{_offset_words(backup.utc_offset)}"
    match backup.taken_by:
        case TakenBy.MEASURED:
            return f"{at}: several backups of the host show that"
        case TakenBy.MEASURED_ONCE:
            return f"{at}: one backup of the host shows that"
        case TakenBy.ASSUMED:
            return f"{at}, which is likely but not sure: it may be wrong by hours"
    if backup.named_at is None:
        return "when S3 had it: its name tells no time"
    named = f"{backup.named_at:%Y-%m-%d %H:%M}"
    return f"when S3 had it: its name says {named} by a clock that cannot be told, as with copied objects"


def _offset_words(offset: timedelta | None) -> str:
    minutes = round(offset.total_seconds() / 60) if offset is not None else 0
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@dataclass(frozen=True)
class Damaged:
    """What can still be told of an archive that must not be restored."""

    backup: Backup  # with kind and compression as far as known, and its fault
    members: tuple[Member, ...]  # those before the damage, and the one that is refused


@dataclass(frozen=True)
class Member:
    path: str  # as in the archive
    type: MemberType
    size: int
    link: str = ""  # what a link names, as in the archive
    mtime: int = 0  # seconds since 1970, as in the archive; 0: unknown


@dataclass(frozen=True)
class Item:
    """Something to restore: the path in the archive, exactly as stored, and where it belongs on a node."""

    source: str  # 'home/ubuntu/app.db', 'config/node_key.json', …
    target: str  # relative to the working directory: 'app.db', …; 'UNIT' stands for the unit file


class Basis(StrEnum):
    """What is known of an archive was found out from this."""

    WHOLE = "whole"  # it was read whole
    BEGINNING = "beginning"  # its first bytes: nobody has read the rest
    STAGED = "staged"  # it was looked at on a node that had unpacked it, without the config of its host


@dataclass(frozen=True)
class Contents:
    """All that a whole read of an archive tells. No private key is in here.

    `texts` are as stored and may hold passwords: use `loomtui.loom.config.mask_secrets` before they are
    shown.
    """

    backup: Backup  # with kind, compression and certain set
    sha256: str  # of the archive as stored in S3, hex; empty: nobody has read it whole
    file_count: int  # regular files, of the whole archive
    unpacked_bytes: int  # their sizes, of the whole archive
    members: tuple[Member, ...]
    data_items: tuple[Item, ...]  # databases only, never the archive's own chaindata/config
    config_items: tuple[Item, ...]
    app_height: int | None  # from the journals of app.db; None: not found in them
    store_height: int | None  # from the journal of blockstore.db
    node_key: (
        NodeKeyFacts | None
    )  # derived facts only; of a data archive: the identity of the node it is from
    validator: ValidatorFacts | None  # likewise
    #: target -> text, of own items that hold no key
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    digests: Mapping[str, str] = field(default_factory=dict)  # target -> SHA-256 hex, of every own item
    warnings: tuple[str, ...] = ()  # leftovers, signs of a torn backup, missing files
    state_height: int | None = None  # from the journal of state.db
    chain_id: str | None = None  # by Tendermint's genesis in it, offered as an item or not
    #: The config of the host that it is from: `config_items`, and in a data archive its chaindata/config.
    own_items: tuple[Item, ...] = ()
    chain: ChainState | None = None  # from the journal of state.db
    genesis_doc: str | None = (
        None  # Tendermint's genesis as state.db holds it, where the journal still has it
    )
    manifest: ManifestRef | None = None  # that told all of this; None: a read of the archive did
    has_twin: bool = False
    basis: Basis = Basis.WHOLE

    @property
    def is_unread(self) -> bool:
        """Nothing is known of it but its kind: everything else will be told by a node that unpacks it."""
        return self.basis is Basis.BEGINNING
