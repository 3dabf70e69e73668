"""The plan of a restore: every choice made, as a file that can be read, reviewed and kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loomtui.backups.model import Compression, Item

PLAN_VERSION = 1


class Scope(StrEnum):
    CLUSTER = "cluster"  # every validator is set back together
    NODES = "nodes"  # some nodes of a chain that lives on


class FileAction(StrEnum):
    RESTORE = "restore"  # the backup's takes its place
    KEEP = "keep"  # the node's own stays
    SET_ASIDE = "set-aside"  # moved into the run's folder, nothing takes its place
    RESET = "reset"  # the validator's alone: what `SigningAction.RESET` says
    RAISE = "raise"  # likewise `SigningAction.RAISE`

    @property
    def words(self) -> str:
        return self.value.replace("-", " ")


class SigningAction(StrEnum):
    KEEP = "keep"  # the node's own file stays as it is
    RESTORE = "restore"  # the node has none: the backup's is put there
    RESET = "reset"  # own key, height, round and step 0: only when the whole cluster is set back
    RAISE = "raise"  # own key, height = the living chain's height
    NONE = "none"  # no such file anywhere: the node does not sign


class BackupPolicy(StrEnum):
    """What is done about backup.sh on the nodes while a restore goes on."""

    WAIT = "wait"  # what would start it is suspended; what runs is waited for before anything stops
    STOP = "stop"  # likewise suspended; what runs is ended with SIGTERM
    LEAVE = "leave"  # nothing: the hold keeps it from starting a node


@dataclass(frozen=True)
class Archive:
    """What will be fetched, exactly: another version of the object is refused."""

    key: str
    etag: str
    sha256: str
    size_bytes: int
    unpacked_bytes: int  # of the items alone
    file_count: int  # likewise
    compression: Compression
    taken_at: datetime
    items: tuple[Item, ...]


@dataclass(frozen=True)
class FileChoice:
    target: str  # loomtui.loom.databases.CONFIG_TARGETS or ADDRBOOK
    action: FileAction
    reason: str
    changes: bool  # False: the node holds the same bytes already
    digest: str | None = None  # SHA-256 hex of what will stand there; None: not known before the run
    diff: str = ""  # unified, secrets masked; empty for key files
    redis: str | None = None  # HOST:PORT that its Redis URIs shall name instead; None: as they are


@dataclass(frozen=True)
class ForeignAddress:
    """An address in a config file, as it will stand there, that is no node's of the inventory."""

    file: str  # loom.yml, chaindata/config/config.toml
    field: str  # EventDispatcher.Redis.URI
    address: str  # passwords hidden
    reached: bool | None = None  # of Redis, by a connection from the node; None: not tried, or not possible
    tried: str = ""  # in words what came of it


@dataclass(frozen=True)
class SigningChoice:
    action: SigningAction
    address: str | None  # the validator's, upper-case hex
    found_height: int | None  # last signed height in the file on the node; None: it has not this key
    backup_height: int | None  # the same in the config backup
    result_height: int | None  # what it will be at the start
    reason: str


@dataclass(frozen=True)
class NodePlan:
    name: str
    working_directory: str
    unit_path: str
    user: str
    group: str
    data: Archive | None
    config: Archive | None
    files: tuple[FileChoice, ...]
    signing: SigningChoice
    node_id: str | None  # what it must be after the restore
    address: str  # at which peers dial it
    port: int  # P2P
    former_ids: tuple[str, ...] = ()  # node IDs that it had, from backups
    former_addresses: tuple[str, ...] = ()  # at which peers dialled it, from backups
    warnings: tuple[str, ...] = ()
    backup_jobs: tuple[str, ...] = ()  # backup.sh at work, and what starts it by the clock, a sentence each
    staging: str | None = None  # where backup.sh stages: set aside, or the next backup would hold old files
    foreign: tuple[ForeignAddress, ...] = ()


@dataclass(frozen=True)
class ValidatorPower:
    address: str  # upper-case hex
    power: int
    node: str | None  # the node of the inventory that holds the key; None: somebody else's


@dataclass(frozen=True)
class Prediction:
    """Can the chain move after this restore? From heights, signing states and voting powers."""

    moves: bool
    height: int | None  # of the restored data
    signing_power: int
    total_power: int
    sentence: str  # for the operator
    stuck: tuple[str, ...] = ()  # nodes that could not sign the next block
    remedy: str = ""  # the one safe way out, where there is one


@dataclass(frozen=True)
class Plan:
    version: int
    id: str
    made_at: datetime
    made_by: str  # user@host
    cluster: str
    production: bool
    scope: Scope
    stage_first: bool
    nodes: tuple[NodePlan, ...]
    left_out: tuple[str, ...]  # nodes of the inventory that are not in it
    validators: tuple[ValidatorPower, ...]
    prediction: Prediction
    reset_confirmed: bool  # the operator typed the cluster's name for the reset of signing states
    refusals: tuple[str, ...]  # why this plan must not be run as it is; empty: it may
    warnings: tuple[str, ...]
    verify_deadline_seconds: int = 180
    backup_policy: BackupPolicy = BackupPolicy.WAIT
    options: tuple[str, ...] = ()  # the arguments of `loomtui plan` that made it; shown, never run

    def node(self, name: str) -> NodePlan:
        """Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)
