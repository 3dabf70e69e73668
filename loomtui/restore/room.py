"""What a plan says of nodes that have no room for old and new databases, and what can be done there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from loomtui.wording.quantities import size


class RoomUnit(StrEnum):
    BYTES = "bytes"
    FILES = "files"  # inodes


@dataclass(frozen=True)
class Shortage:
    """A file system of a node that is too small for what a run puts there."""

    folders: tuple[str, ...]  # in which something is put, on this file system
    unit: RoomUnit
    free: int
    needed: int  # with what has to be left over
    parts: str = ""  # what is needed for what, for reading

    @property
    def sentence(self) -> str:
        where = " and ".join(self.folders)
        if self.unit is RoomUnit.FILES:
            return (
                f"not enough room in {where}: {self.needed:,} files to be made, "
                f"{self.free:,} possible (inodes)"
            )
        return (
            f"not enough room in {where}: {size(self.free)} free, {size(self.needed)} needed ({self.parts}), "
            f"so {size(self.needed - self.free)} are missing"
        )


class RoomRemedyKind(StrEnum):
    """What can be done where room is short. Plan files and JSON hold these values: never rename one."""

    CLEAN = "clean"  # delete what earlier runs kept on the node
    DELTA = "delta"  # take over what the node's own databases hold too
    GIVE_UP = "give-up-old-data"  # delete the old databases after the stop


@dataclass(frozen=True)
class RoomRemedy:
    kind: RoomRemedyKind
    frees_bytes: int  # on that node; of DELTA at most so many
    is_enough: bool  # this alone
    commands: tuple[str, ...]  # to be typed, one after the other
    missing: str = ""  # a sentence: what has to be done before; empty: it can be done now


@dataclass(frozen=True)
class NodeRoom:
    """A node that is too small, and what is possible there."""

    node: str
    shortages: tuple[Shortage, ...]
    remedies: tuple[RoomRemedy, ...]  # the mildest one first

    def remedy(self, kind: RoomRemedyKind) -> RoomRemedy | None:
        return next((remedy for remedy in self.remedies if remedy.kind is kind), None)


@dataclass(frozen=True)
class OldData:
    """The databases of a node that a run deletes after the stop, because there is no room for both.

    That is the one thing that no rollback puts back: the operator has consented to it.
    """

    names: tuple[str, ...]  # below the working directory
    bytes: int  # that this frees, as the node said when the plan was made
    files: int  # likewise
