"""What the operator wants of a restore. A plan records these choices and is made again from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from loomtui.errors import CallError
from loomtui.loom.config import REDIS_PLACE

if TYPE_CHECKING:
    from loomtui.inventory.model import Inventory

#: The choice to leave a Redis address as it is although the node does not reach it.
KEEP_REDIS = "keep"
#: Larger data archives are not read on the operator's machine: at some 17 MB of unpacked data a second
#: that takes a minute and more, and they would pass the operator's line besides.
LOOK_LIMIT_BYTES = 512_000_000


class BackupPolicy(StrEnum):
    """What is done about backup.sh on the nodes while a restore goes on."""

    WAIT = "wait"  # what would start it is suspended; what runs is waited for before anything stops
    STOP = "stop"  # likewise suspended; what runs is ended with SIGTERM
    LEAVE = "leave"  # nothing: the hold keeps it from starting a node


@dataclass(frozen=True)
class Choices:
    """The defaults are what an incident needs: newest backups, every node."""

    data_key: str | None = None  # None: the newest one that can be used
    before: datetime | None = None  # UTC: only backups that were taken at this time or earlier
    nodes: tuple[str, ...] | None = None  # None: every node of the inventory
    stage_first: bool = True  # the data is unpacked while the services still run
    reset_signing: bool = False  # the cluster's name is typed before it is done, or with the command
    keep_keys: bool = False  # nodes keep the keys that they have now, as far as the chain knows them
    sources: Mapping[str, str] = field(default_factory=dict)  # node -> host whose backups it gets
    gone: tuple[str, ...] = ()  # nodes that are dead for good, which the operator vouches for
    backup_policy: BackupPolicy = BackupPolicy.WAIT
    delta: bool = False  # what a node's own databases hold too is taken over, not fetched
    give_up_old_data: bool = False  # likewise; on the screens one word more
    redis: str | None = None  # HOST:PORT for every Redis URI; KEEP_REDIS: as they are, knowingly
    look: bool = False  # every archive is read whole on the operator's machine, however large it is
    look_limit_bytes: int | None = None  # a larger data archive is not read there; None: the inventory says


@dataclass(frozen=True)
class Objectives:
    """What an incident may cost, as the inventory said when the plan was made. None: it did not say."""

    downtime_seconds: float | None = None
    data_loss_seconds: float | None = None


def objectives_of(inventory: Inventory) -> Objectives:
    downtime, data_loss = inventory.objectives.downtime, inventory.objectives.data_loss
    return Objectives(
        downtime.total_seconds() if downtime else None, data_loss.total_seconds() if data_loss else None
    )


def look_limit(choices: Choices, inventory: Inventory) -> int:
    """Up to which size in bytes data archives are read on the operator's machine."""
    chosen = (choices.look_limit_bytes, inventory.s3.look_limit, LOOK_LIMIT_BYTES)
    return next(limit for limit in chosen if limit is not None)


def check_redis_choice(choice: str | None) -> None:
    """Raises CallError if the text is neither HOST:PORT nor 'keep'."""
    if choice not in (None, KEEP_REDIS) and not REDIS_PLACE.fullmatch(choice or ""):
        raise CallError(
            "the address of Redis is to be given as HOST:PORT, or as 'keep'",
            advice="User, password and path of the URI stay as they are in loom.yml.",
        )
