"""The building blocks that a scenario names: states of nodes, and what happens to them.

Every one is a typed verb. None runs a command, names a path or writes a text of the scenario's own: a
scenario from elsewhere can do nothing but what stands here, and that to practice nodes alone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from loomtui.drill.scenarios.words import FILLED, Height, NodeName, Nodes, OfNodes, OneOf, Part, Seconds
from loomtui.inventory.model import Size, Wanted
from loomtui.restore.events import EventKind, StepName


class Damage(StrEnum):
    """What a real node does with each is told in docs/loom.md."""

    NO_CURRENT = "no-current"  # app.db/CURRENT is gone
    NO_BLOCK_DATA = "no-block-data"  # chaindata/data is gone
    NO_EVM = "no-evm"  # evm.db is gone
    NO_BLOCK_STORE = "no-block-store"  # chaindata/data/blockstore.db is gone
    TORN_BLOCK_STORE = "torn-block-store"  # the second half of its journal is gone


class Database(StrEnum):
    """What a backup of data holds, by the names at the top of its archive."""

    APP = "app.db"
    CHAIN = "chaindata"
    EVM = "evm.db"
    RECEIPTS = "receipts_db"
    CLONE = "app_v2.db"


class KeyFile(StrEnum):
    NODE = "node-key"
    VALIDATOR = "validator-key"


class Peers(StrEnum):
    """Peer lists that are not as they should be."""

    UPPER_CASE = "upper-case"  # the right ones, their IDs in upper case
    FORMER = "former"  # at the addresses of hosts that are gone
    NONE = "none"


# States: files of nodes before their services start


class WithConfig(OfNodes):
    """Keys, configuration and unit as they were when the node had last signed that height."""

    signed: Height = Field("tip", description="the last height that its validator has signed")


class WithData(OfNodes):
    """The databases of that height."""

    height: Height = Field("tip", description="the last block in them")
    only: tuple[Database, ...] = Field((), description="these alone; without it all")


Kinds = Annotated[
    tuple[Damage, ...], FILLED, Wanted(f"a list of {', '.join(Damage)}: by turns, node by node")
]


class Damaged(OfNodes):
    what: Kinds = Field(description="each node gets one of them, by turns")


class Identity(Part):
    """Key files of another node are on these nodes."""

    nodes: Nodes = Field(description="which nodes")
    of: NodeName = Field(description="whose key files they have")
    files: tuple[KeyFile, ...] = Field((KeyFile.NODE, KeyFile.VALIDATOR), description="which files")


class Listing(OfNodes):
    peers: Peers = Field(description="what the list of peers is like")


class Held(OfNodes):
    """Another run, of a colleague on another machine, holds the nodes."""


class State(OneOf):
    """What is on nodes when the drill begins, one thing after the other."""

    config: WithConfig | None = Field(None, description="keys, configuration and unit")
    data: WithData | None = Field(None, description="databases")
    damage: Damaged | None = Field(None, description="databases that are damaged")
    fresh: OfNodes | None = Field(None, description="a fresh installation with a key of its own, and no more")
    identity: Identity | None = Field(None, description="the key files of another node")
    unit: Listing | None = Field(None, description="the peers in the unit")
    drop_in: Listing | None = Field(None, description="a drop-in that overrides the unit's peers")
    held: Held | None = Field(None, description="a colleague's run holds the nodes")


# Actions: what happens to nodes and S3, from outside


class StoreTrouble(StrEnum):
    """What S3 answers."""

    NONE = "none"  # as it should
    DENIED = "403"
    MISSING = "404"
    ERROR = "500"
    SLOW_DOWN = "503"
    RESET = "reset"  # the connection is reset in the middle of the body
    OTHER = "other"  # another version of the object than the one that was looked at
    SLOW = "slow"  # each answer comes 2 seconds late


class Room(OfNodes):
    """How much room is left on the nodes' disks. Nothing but what is written there uses it up."""

    free: Size | None = Field(None, description="from now on; without it as much as there really is")


class Store(Part):
    trouble: StoreTrouble = Field(description="what S3 answers from now on, to operator and nodes alike")


class Action(OneOf):
    """What somebody or something does to nodes or to S3; the engine is not told."""

    stop: OfNodes | None = Field(None, description="a colleague stops the service")
    start: OfNodes | None = Field(None, description="a colleague starts the service")
    power_off: OfNodes | None = Field(None, description="the plug is pulled")
    power_on: OfNodes | None = Field(None, description="the node boots")
    reboot: OfNodes | None = Field(None, description="the node boots anew")
    cut: OfNodes | None = Field(None, description="no packet gets through over SSH")
    mend: OfNodes | None = Field(None, description="packets get through again")
    no_s3: OfNodes | None = Field(None, description="programs on the node do not reach S3 any more")
    backup_job: OfNodes | None = Field(None, description="backup.sh starts; the backup node alone has it")
    room: Room | None = Field(None, description="how much room is left on the disk")
    store: Store | None = Field(None, description="what S3 answers")


class When(Part):
    """A moment: of the clock, or of a run. All that is given has to be so."""

    seconds: Seconds | None = Field(None, description="since the drill began; without it an event of a run")
    event: EventKind | None = Field(None, description="what happens in the run")
    step: StepName | None = Field(None, description="in which step")
    node: NodeName | None = Field(None, description="on which node")
    times: int = Field(1, ge=1, le=1_000, description="how often: 2 is when the second node has come so far")


class Fault(Part):
    """Something that goes wrong in the middle."""

    when: When = Field(description="at which moment")
    after_seconds: Seconds = Field(0, description="how long after that moment")
    do: Annotated[tuple[Action, ...], FILLED] = Field(description="what happens")
