"""What a probe saw of a node at one moment. Everything is optional: a look never fails as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from loomtui.fleet.probes.backup_jobs import BackupJobs
from loomtui.fleet.probes.holder import Holder
from loomtui.inventory.model import Role
from loomtui.loom.connected import Connections, connections
from loomtui.loom.health import NodeView
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.rpc import ChainFacts
from loomtui.loom.units import EffectiveUnit
from loomtui.loom.validator import ValidatorFacts

#: Stands for the run in a hold that names none.
UNKNOWN_RUN = "an unknown run"


class Active(StrEnum):
    """`ActiveState` of systemd, and two states of our own."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    FAILED = "failed"
    ACTIVATING = "activating"
    DEACTIVATING = "deactivating"
    RELOADING = "reloading"
    FLAPPING = "flapping"  # another main process at each look: it cannot start and is restarted for ever
    UNKNOWN = "unknown"


#: Down, and nothing starts it again by itself: a unit that systemd starts anew is activating meanwhile.
_DOWN = frozenset({Active.INACTIVE, Active.FAILED})


@dataclass(frozen=True)
class ServiceState:
    unit: str  # loom.service
    load_state: str  # LoadState of systemd: loaded, not-found, masked …
    active: Active
    sub: str  # running, dead, auto-restart …
    since: datetime | None  # UTC, when it entered this state
    main_pid: int  # 0: none
    restarts: int | None  # None: systemd < 235
    started_at_usec: int  # ExecMainStartTimestampMonotonic, microseconds since boot
    need_reload: bool  # unit file changed, daemon-reload missing
    held_by: str | None  # the run that holds it from starting
    exec_start: str  # argv[] as systemd holds it
    held_since: datetime | None = None  # UTC by the node's clock

    @property
    def hold(self) -> str | None:
        """What keeps the node from starting and how that is lifted, in words, or None if nothing does."""
        return f"held {self.held}" if self.held is not None else None

    @property
    def held(self) -> str | None:
        """The same without its first word, for texts that have that word already."""
        if self.held_by is None:
            return None
        since = f" since {self.held_since:%Y-%m-%d %H:%M} UTC" if self.held_since else ""
        if self.held_by == UNKNOWN_RUN:
            return f"from starting{since} by 99-loomtui-hold.conf in its drop-in folder, which names no run"
        return (
            f"from starting{since}: run {self.held_by} is not finished. "
            f"To lift it: loomtui resume {self.held_by}, or loomtui rollback {self.held_by}; on another "
            f"machine than the run's: loomtui take-over {self.held_by}"
        )


@dataclass(frozen=True)
class Led:
    """A setting of the node's config.toml by which Loom looks for a file elsewhere than usual."""

    key: str  # node_key_file, priv_validator_file, db_dir
    path: str  # where it looks

    @property
    def text(self) -> str:
        return f"{self.key} of config.toml leads to {self.path}"


@dataclass(frozen=True)
class NodeStatus:
    name: str
    role: Role
    at: datetime  # UTC, when the look ended
    reachable: bool
    error: str | None = None  # why it is not reachable, or what of the look failed
    refused: bool = False  # not reached for safety: its host key is not the known one
    service: ServiceState | None = None
    unit: EffectiveUnit | None = None
    node_key: NodeKeyFacts | None = None
    validator: ValidatorFacts | None = None
    chain: ChainFacts | None = None
    chain_error: str | None = None  # why the RPC did not answer
    disk_free_bytes: int | None = None
    disk_total_bytes: int | None = None
    version: str | None = None  # of the loom program
    load_average: float | None = None  # of the machine over the last minute: processes that run or wait
    clock_offset_seconds: float | None = None  # node minus here
    lock: str | None = None  # who holds the node, in words
    holder: Holder | None = None  # the same in facts; None also where the lock cannot be read
    suspended: tuple[str, ...] = ()  # 'RUN KIND PLACE': what runs keep from starting backup.sh
    missing_databases: tuple[str, ...] | None = None  # of NEEDED_DATABASES; None: the folder cannot be read
    led: tuple[Led, ...] = ()  # where the node's own configuration was followed to

    @property
    def view(self) -> NodeView:
        """The part of the status by which the cluster's health is judged."""
        chain = self.chain
        return NodeView(
            name=self.name,
            role=self.role,
            reachable=self.reachable,
            active=self.service is not None and self.service.active is Active.ACTIVE,
            height=chain.height if chain else None,
            app_hash=chain.app_hash if chain else None,
            peers=chain.peers if chain else None,
            catching_up=chain.catching_up if chain else False,
            block_time=chain.block_time if chain else None,
            node_id=(chain.node_id if chain else None) or (self.node_key.node_id if self.node_key else None),
            peer_ids=chain.peer_ids if chain else (),
            address=chain.address if chain else None,
            voting_power=chain.voting_power if chain else None,
            members=chain.members if chain else (),
            stopped=self.service is not None and self.service.active in _DOWN,
            missing_databases=self.missing_databases,
            crashes=self.service is not None and self.service.active is Active.FLAPPING,
            held_by=self.service.held_by if self.service else None,
        )


@dataclass(frozen=True)
class NodeDetails:
    """The expensive look: what a plan needs beyond the status.

    Paths are relative to the working directory.
    """

    name: str
    status: NodeStatus
    user: str  # of the unit
    group: str
    working_directory: str
    databases: Mapping[str, int]  # those that exist, with their size in bytes
    texts: Mapping[str, str]  # genesis.json, loom.yml, config.toml …: never a key file
    modified: Mapping[str, datetime] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)  # SHA-256 hex of config files, key files too
    loom_configs: tuple[str, ...] = ()  # all loom.{json,toml,yaml,yml,…} in the working directory
    addrbook: tuple[tuple[str, str], ...] = ()  # (ID, host:port)
    reported_node_id: str | None = None  # what `loom nodekey` printed, where it could be run safely
    reported_problem: str | None = None  # why it was not run, or what it printed instead
    tools: frozenset[str] = frozenset()  # curl, wget, bzip2, lbzip2, zstd, gzip, xz, systemd-run …
    backups: BackupJobs = field(default_factory=BackupJobs)  # what of backup.sh is there
    tendermint_configs: tuple[str, ...] = ()  # all config.{json,toml,yaml,…} in chaindata/config
    environment: tuple[str, ...] = ()  # what in the unit's moves Loom's files: TM_DB_DIR, LOOM_ROOTDIR …
    physical: Mapping[str, str] = field(default_factory=dict)  # folders by their usual names, without links


@dataclass(frozen=True)
class ClusterStatus:
    at: datetime
    nodes: tuple[NodeStatus, ...]

    def node(self, name: str) -> NodeStatus:
        return next(node for node in self.nodes if node.name == name)

    def connections(self, name: str) -> Connections | None:
        """Whom a node is connected to, by identity, or None if it did not tell."""
        return connections(self.node(name).view, [node.view for node in self.nodes])
