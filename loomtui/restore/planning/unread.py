"""Plans whose data nobody has read yet: what they say instead, and what the nodes have told. Pure.

A data archive of a hundred gigabytes is not read on the operator's machine. The nodes unpack it beside their
live data while the services run; the plan is made again from what lies there, before anything is stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from loomtui.backups.model import Backup, BackupKind, Basis, Compression, Contents
from loomtui.restore.choices import Choices
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import Archive, PassedOver, Plan, Prediction, Scope, Unknown, UnknownCode
from loomtui.text import clean_line
from loomtui.wording.quantities import size

_DATA = frozenset({BackupKind.DATA, BackupKind.FULL})
#: How much larger the databases of a node are than their archive: they shrink to a half or a fifth. An
#: estimate, for the room; the node's own watch over its disk is the guard.
_RATIOS: Mapping[Compression, float] = {
    Compression.BZIP2: 2.5,
    Compression.GZIP: 2.0,
    Compression.XZ: 3.0,
    Compression.ZSTD: 2.2,
    Compression.NONE: 1.0,
}
#: LevelDB's tables have 2 MiB; beside them there are some files in each database.
_TABLE_BYTES, _OTHER_FILES = 2 * 1024**2, 100
#: What the choice of the data told, which is not made again once the nodes have unpacked it.
_OF_THE_CHOICE = frozenset({FindingCode.PASSED_OVER, FindingCode.TIME_UNSURE})


@dataclass(frozen=True)
class Staged:
    """The data of a plan that was not complete, as the nodes have it unpacked by now."""

    first: Plan  # which the run began with
    contents: Contents

    @property
    def until(self) -> datetime:
        """What came into S3 later was not there for the first plan, so it is not taken either."""
        return self.first.made_at

    @property
    def unpacked(self) -> frozenset[str]:
        """The nodes that have it: those that give up their old databases fetch it after the stop."""
        return frozenset(node.name for node in self.first.nodes if node.gives_up is None)

    def passed_over(self, now: tuple[PassedOver, ...]) -> tuple[PassedOver, ...]:
        """All that is newer than what is taken: as data by the first plan, as config by this one, too."""
        found = {one.key: one for one in (*self.first.passed_over, *now)}
        return tuple(sorted(found.values(), key=lambda one: (one.taken_at, one.key), reverse=True))

    def warnings(self, now: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """What the operator should know about the choice of archives."""
        chosen = (warning for warning in self.first.warnings if warning.code in _OF_THE_CHOICE)
        return tuple(dict.fromkeys((*chosen, *now)))


def may_stay_unread(backup: Backup, choices: Choices, look_limit_bytes: int) -> bool:
    """Whether the nodes look at this archive, so that it is not read here.

    It has to be data for all that its first bytes tell. What was read before is not read again anyway.
    """
    large = backup.size_bytes > look_limit_bytes and not choices.look
    return large and not backup.certain and backup.fault is None and backup.kind in _DATA


def unread(backup: Backup) -> Contents:
    """What can be told of an archive by its first bytes alone."""
    return Contents(
        backup=backup,
        sha256="",
        file_count=0,
        unpacked_bytes=0,
        members=(),
        data_items=(),
        config_items=(),
        app_height=None,
        store_height=None,
        node_key=None,
        validator=None,
        basis=Basis.BEGINNING,
    )


def unread_archive(contents: Contents) -> Archive:
    """The archive for a plan, with estimates."""
    backup = contents.backup
    compression = backup.compression or Compression.NONE
    unpacked = int(backup.size_bytes * _RATIOS[compression])
    return Archive(
        key=backup.key,
        etag=backup.etag,
        sha256="",
        size_bytes=backup.size_bytes,
        unpacked_bytes=unpacked,
        file_count=unpacked // _TABLE_BYTES + _OTHER_FILES,
        compression=compression,
        taken_at=backup.taken_at,
        taken_by=backup.taken_by,
        items=(),
    )


def unknowns_of(contents: Contents, scope: Scope, *, needs_evm: bool) -> Iterator[Unknown]:
    """What a plan with this data cannot tell. Nothing where the archive was read."""
    if not contents.is_unread:
        return
    key = clean_line(contents.backup.key, limit=200)
    yield Unknown(UnknownCode.WHOLE, f"whether {key} is whole, and nodes can open the databases in it")
    yield Unknown(UnknownCode.CHAIN, "which chain the data is of, and up to which block")
    if scope is Scope.CLUSTER:
        sentence = "whether the chain can move from there, and whether signing states have to be reset for it"
        yield Unknown(UnknownCode.MOVES, sentence)
    if needs_evm:
        yield Unknown(UnknownCode.EVM, "whether evm.db is in it, without which these nodes cannot start")
    room = size(unread_archive(contents).unpacked_bytes)
    yield Unknown(UnknownCode.ROOM, f"how much room it takes unpacked: about {room}, by estimate")


def predict_unread() -> Prediction:
    """The prediction of a plan for the whole cluster whose data nobody has read."""
    return Prediction(
        False,
        None,
        0,
        0,
        "Whether the chain can move is not known yet: nobody has read the data. The nodes tell it when they "
        "have unpacked it, before anything is stopped.",
    )
