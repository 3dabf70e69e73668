"""The plan of a restore: a file with every choice made, which can be read, reviewed and kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from loomtui.backups.clocks import TakenBy
from loomtui.backups.model import BackupKind, Compression, FaultKind, Item
from loomtui.backups.prepared.reference import ManifestRef
from loomtui.restore.choices import BackupPolicy, Choices, Objectives
from loomtui.restore.findings import Finding
from loomtui.restore.room import NodeRoom, OldData, RoomRemedyKind
from loomtui.text import clean_line

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


class SigningAction(StrEnum):
    KEEP = "keep"  # the node's own file stays as it is
    RESTORE = "restore"  # the node has none: the backup's is put there
    RESET = "reset"  # own key, height, round and step 0: only when the whole cluster is set back
    RAISE = "raise"  # own key, height = the living chain's height
    NONE = "none"  # no such file anywhere: the node does not sign


@dataclass(frozen=True)
class Archive:
    """Exactly what will be fetched. Another version of the object is refused."""

    key: str
    etag: str
    sha256: str  # empty: nobody has read it yet, see `is_known`
    size_bytes: int
    unpacked_bytes: int  # of the items alone; an estimate where it is not known
    file_count: int  # likewise
    compression: Compression
    taken_at: datetime
    items: tuple[Item, ...]  # none where it is not known
    taken_by: TakenBy = TakenBy.LAST_MODIFIED  # how the time is known
    manifest: ManifestRef | None = None  # what tells every file of it; None: it is not prepared
    has_twin: bool = False  # its files lie in S3 once more, in parts that the manifest names

    @property
    def is_known(self) -> bool:
        """Somebody has read it whole: it is known what is in it."""
        return bool(self.sha256)


@dataclass(frozen=True)
class PassedOver:
    """A newer object that could have been meant as a backup, and why it is not taken."""

    key: str
    size_bytes: int
    taken_at: datetime  # UTC
    kind: BackupKind  # as far as known
    why: FaultKind
    reason: str  # a sentence without the key; showable
    as_data: bool  # newer than the data that is taken
    nodes: tuple[str, ...] = ()  # newer than the config that these get
    taken_by: TakenBy = TakenBy.LAST_MODIFIED

    @property
    def only_node(self) -> str | None:
        """The one node that the object is about.

        None means that it could have been data, or the config of several.
        """
        return self.nodes[0] if len(self.nodes) == 1 and not self.as_data else None

    @property
    def sentence(self) -> str:
        whose = "" if self.as_data or not self.nodes else f"{', '.join(self.nodes)}: "
        return f"{whose}passed over {clean_line(self.key, limit=200)}: {self.reason}"


def passed_over_words(plan: Plan) -> tuple[str, ...]:
    """What was passed over, for reading: its key and time, what it could have been, and the reason."""
    return tuple(
        f"{clean_line(one.key, limit=200)}, of {one.taken_at:%Y-%m-%d %H:%M} UTC, {_meant_words(one)}: "
        f"{clean_line(one.reason)}"
        for one in plan.passed_over
    )


def _meant_words(one: PassedOver) -> str:
    uses = [*(["data"] if one.as_data else []), *(f"config of {node}" for node in one.nodes)]
    kind = "of unknown kind" if one.kind is BackupKind.UNKNOWN else one.kind.value
    return f"{kind}, not taken as {' or '.join(uses)}"


@dataclass(frozen=True)
class FileChoice:
    target: str  # loomtui.loom.databases.CONFIG_TARGETS or ADDRBOOK
    action: FileAction
    reason: str
    changes: bool  # False: the node holds the same bytes already
    digest: str | None = None  # SHA-256 hex of what will stand there; None: not known before the run
    diff: str = ""  # unified, secrets masked; empty for key files
    redis: str | None = None  # HOST:PORT that its Redis URIs shall name instead; None: as they are
    text: str | None = None  # the file itself, where no archive of the node holds it: a genesis, never a key
    found: str | None = None  # SHA-256 hex of what the plan saw in its place; None: nothing, or not known


@dataclass(frozen=True)
class ExternalAddress:
    """An address in a config file, as the file will be, that belongs to no node of the inventory."""

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
class UnitChange:
    """What the units' step will do to the file that holds the command of a node's service."""

    path: str
    before: str  # SHA-256 hex of the text that will stand there then
    after: str  # SHA-256 hex of the text that takes its place
    diff: str  # unified, secrets masked


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
    external_addresses: tuple[ExternalAddress, ...] = ()
    gives_up: OldData | None = None  # what is deleted there after the stop, to make room; None: nothing
    taken_over_bytes: int = 0  # of the data: needs no room, by what --delta could take over
    unit_change: UnitChange | None = (
        None  # None: its peers will be right, or an earlier loomtui made the plan
    )


@dataclass(frozen=True)
class ValidatorPower:
    address: str  # upper-case hex
    power: int
    node: str | None  # the node of the inventory that holds the key; None: somebody else's


@dataclass(frozen=True)
class PlannedChain:
    """The chain that is restored, and what it was established from."""

    chain_id: str | None
    height: int | None  # of the last block in the data
    block_hash: str | None  # of that block, upper-case hex
    block_time: datetime | None  # of that block, UTC: the data's moment, from which data loss counts
    evidence: tuple[str, ...]  # in words, the most trusted first
    foreign_files: tuple[str, ...] = ()  # live files of another chain: 'NODE: FILE …'


class RemedyKind(StrEnum):
    """The one safe way out if the chain would not move, a node could not sign, or room is short."""

    NONE = "none"
    RESET = "reset"  # the whole cluster goes back: signing states start anew
    RAISE = "raise"  # one node of a living chain: its lost signing state is set to the chain's height
    OTHER_DATA = "other-data"  # another data backup
    FIND_KEYS = "find-keys"  # validators' keys are neither on the nodes nor in their backups
    WHOLE_SET = "whole-set"  # every validator is restored together, or said to be gone
    GIVE_UP = "give-up-old-data"  # there is no room for old and new databases: the old ones go


@dataclass(frozen=True)
class Prediction:
    """Whether the chain can move after this restore.

    This is predicted from heights, signing states and voting powers.
    """

    moves: bool
    height: int | None  # of the restored data
    signing_power: int
    total_power: int
    sentence: str  # for the operator
    stuck: tuple[str, ...] = ()  # nodes that could not sign the next block
    remedy: str = ""  # the one safe way out, where there is one; for reading
    remedy_kind: RemedyKind = RemedyKind.NONE


class UnknownCode(StrEnum):
    """What a plan cannot tell before its data was read. Plan files hold these values: never rename one."""

    WHOLE = "whole"  # whether the archive is whole, and its databases can be opened
    CHAIN = "chain"  # which chain the data is of, and up to which block
    MOVES = "moves"  # whether the chain can move after the restore, and as which signing states
    EVM = "evm"  # whether it holds the evm.db that the nodes need
    ROOM = "room"  # how much room it takes


@dataclass(frozen=True)
class Unknown:
    """One thing that nobody knows yet, and that is known before anything is stopped."""

    code: UnknownCode
    sentence: str  # for reading


@dataclass(frozen=True)
class Plan:
    version: int
    id: str
    made_at: datetime
    made_by: str  # user@host
    cluster: str
    production: bool
    choices: Choices  # what it was made of, and is made anew from
    scope: Scope
    nodes: tuple[NodePlan, ...]
    left_out: tuple[str, ...]  # nodes of the inventory that are not in it
    validators: tuple[ValidatorPower, ...]
    prediction: Prediction
    refusals: tuple[Finding, ...]  # why this plan must not be run as it is; empty: it may
    warnings: tuple[Finding, ...]
    verify_deadline_seconds: int = 180
    passed_over: tuple[PassedOver, ...] = ()  # newest first
    chain: PlannedChain | None = None
    unknowns: tuple[Unknown, ...] = ()  # what the nodes will tell once they have unpacked the data
    room: tuple[NodeRoom, ...] = ()  # nodes on which it is too small; each of them is a refusal, too
    objectives: Objectives = field(default_factory=Objectives)

    @property
    def is_complete(self) -> bool:
        """Nothing is left for the nodes to tell. Other plans are completed by their runs, before a stop."""
        return not self.unknowns

    @property
    def stage_first(self) -> bool:
        """The data is unpacked while the services still run."""
        return self.choices.stage_first

    @property
    def reset_confirmed(self) -> bool:
        """Whether the operator chose the reset of signing states."""
        return self.choices.reset_signing

    @property
    def backup_policy(self) -> BackupPolicy:
        return self.choices.backup_policy

    @property
    def data_time(self) -> datetime | None:
        """The moment of the data: the time of its last block, or of its archive if that is unknown."""
        if self.chain is not None and self.chain.block_time is not None:
            return self.chain.block_time
        return min((node.data.taken_at for node in self.nodes if node.data is not None), default=None)

    @property
    def gives_up(self) -> tuple[str, ...]:
        """The nodes whose old databases are deleted after the stop."""
        return tuple(node.name for node in self.nodes if node.gives_up is not None)

    @property
    def offer(self) -> RemedyKind:
        """What the operator may allow, so that the plan is made again with it.

        NONE means that there is nothing to allow, or that it was allowed already.
        """
        signing = self._signing_offer
        if signing is not RemedyKind.NONE or self.choices.give_up_old_data or not self.room:
            return signing
        ways = [room.remedy(RoomRemedyKind.GIVE_UP) for room in self.room]
        can_be = all(way is not None and way.is_enough and not way.missing for way in ways)
        return RemedyKind.GIVE_UP if can_be else RemedyKind.NONE

    @property
    def _signing_offer(self) -> RemedyKind:
        if self.reset_confirmed:
            return RemedyKind.NONE
        if any(node.signing.action is SigningAction.RAISE for node in self.nodes):
            return RemedyKind.RAISE
        is_reset = self.prediction.remedy_kind is RemedyKind.RESET
        return RemedyKind.RESET if is_reset else RemedyKind.NONE

    def node(self, name: str) -> NodePlan:
        """Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)


def consented(choices: Choices, offer: RemedyKind) -> Choices:
    """The choices with the consent to what a plan offers."""
    match offer:
        case RemedyKind.GIVE_UP:
            return replace(choices, give_up_old_data=True)
        case RemedyKind.RESET | RemedyKind.RAISE:
            return replace(choices, reset_signing=True)
        case _:
            return choices
