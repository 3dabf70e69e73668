"""What the operator wants of a restore. A plan records these choices and is made again from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from loomtui.errors import CallError
from loomtui.loom.config import REDIS_PLACE

#: The choice to leave a Redis address as it is although the node does not reach it.
KEEP_REDIS = "keep"


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
    stage_first: bool = False
    reset_signing: bool = False  # the operator typed the cluster's name for it
    keep_keys: bool = False  # nodes keep the keys that they have now, as far as the chain knows them
    sources: Mapping[str, str] = field(default_factory=dict)  # node -> host whose backups it gets
    gone: tuple[str, ...] = ()  # nodes that are dead for good, which the operator vouches for
    backup_policy: BackupPolicy = BackupPolicy.WAIT
    redis: str | None = None  # HOST:PORT for every Redis URI; KEEP_REDIS: as they are, knowingly


def check_redis_choice(choice: str | None) -> None:
    """Raises CallError if the text is neither HOST:PORT nor 'keep'."""
    if choice not in (None, KEEP_REDIS) and not REDIS_PLACE.fullmatch(choice or ""):
        raise CallError(
            "the address of Redis is to be given as HOST:PORT, or as 'keep'",
            advice="User, password and path of the URI stay as they are in loom.yml.",
        )
