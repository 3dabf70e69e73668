"""Which files of an archive a node's own databases may hold already (`--delta`). Pure.

A file can be the same only if it has the same place and size; whether it is, the node tells by SHA-256.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from loomtui.backups.members import parts_of
from loomtui.backups.model import Item, Member, MemberType
from loomtui.fleet.probes.live_files import LiveFile
from loomtui.loom.manifest import file_number

#: As place.sh leaves a file of a database.
_MODE = "644"


def same_place(
    path: str, size_bytes: int, items: Iterable[Item], live: Mapping[str, LiveFile]
) -> tuple[str, LiveFile] | None:
    """The live file, with its path below the working directory, that may be this member of the archive."""
    place = _place_of(path, items)
    there = live.get(place) if place is not None else None
    if place is None or there is None or there.size_bytes != size_bytes or "\n" in place:
        return None
    return place, there


def can_link(place: str, there: LiveFile, owner: tuple[str, str]) -> bool:
    """Whether it may get a second name: a table that has its owner and mode already is never written again.

    `owner`: user and group that the databases belong to.
    """
    kind = file_number(posixpath.basename(place))
    is_table = kind is not None and kind[0] == "table"
    return is_table and (there.mode, there.user, there.group) == (_MODE, *owner)


def linkable_bytes(
    members: Iterable[Member],
    items: Sequence[Item],
    live: Mapping[str, LiveFile],
    owner: tuple[str, str],
) -> int:
    """How much of the archive may need no room on the node, because it is there under another name."""
    sizes = {member.path: member.size for member in members if member.type is MemberType.FILE}
    found = ((size, same_place(path, size, items, live)) for path, size in sizes.items())
    return sum(size for size, same in found if same is not None and can_link(*same, owner))


def _place_of(path: str, items: Iterable[Item]) -> str | None:
    """Where a member of the archive belongs on the node; None: it is of no item."""
    parts = parts_of(path)
    for item in items:
        root = parts_of(item.source)
        if parts[: len(root)] == root:
            return "/".join((item.target, *parts[len(root) :]))
    return None
