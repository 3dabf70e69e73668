"""What an archive's members may be called and may be.

This is checked before anything is unpacked anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from loomtui.backups.model import Item, Member, MemberType
from loomtui.errors import ArchiveRejected
from loomtui.text import clean, clean_line

#: An archive of 2 MiB tables as LevelDB makes them would hold a TiB with so many.
MAX_MEMBERS = 500_000
#: No chain of Loom's comes near.
MAX_FILE_BYTES = 4 * 1024**4
#: PATH_MAX and NAME_MAX of Linux (limits.h).
MAX_PATH, MAX_NAME = 4096, 255

ADVICE = "Do not restore it; choose another backup and find out who made this one."


Parts = tuple[str, ...]


def parts_of(path: str) -> Parts:
    """The components of a path, without those that say nothing (`.`, doubled and final slashes)."""
    parts = path.split("/")
    if "" in parts or "." in parts:
        parts = [part for part in parts if part not in ("", ".")]
    return tuple(parts)


def check_members(members: Iterable[Member]) -> None:
    """Raises ArchiveRejected for the first member that could do harm when unpacked."""
    check = MemberCheck()
    for member in members:
        check.add(member)


class MemberCheck:
    """The same check, one member at a time, in the order of the archive.

    Harmful are: a name that leads out of the tree or cannot be shown, a link out of it, a device, a FIFO, a
    member that would be written through a link or in place of something else, and a size beyond reason.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], MemberType] = {}
        self._count = 0

    def add(self, member: Member) -> None:
        self._count += 1
        if self._count > MAX_MEMBERS:
            raise _rejection(f"it holds more than {MAX_MEMBERS:,} members")
        _check_name(member.path)
        if member.size < 0 or member.size > MAX_FILE_BYTES:
            raise _rejection(f"{_quoted(member.path)} has the absurd size of {member.size} bytes")
        parts = parts_of(member.path)
        if not parts and member.type is not MemberType.DIRECTORY:
            raise _rejection("a member that is no folder has no name")
        self._check_type(member, parts)
        self._check_ancestors(member, parts)
        self._remember(member, parts)

    def _check_type(self, member: Member, parts: tuple[str, ...]) -> None:
        match member.type:
            case MemberType.OTHER:
                raise _rejection(
                    f"{_quoted(member.path)} is neither a file nor a folder (a device or a FIFO, say)"
                )
            case MemberType.SYMLINK if _leads_out(parts[:-1], member.link):
                raise _rejection(
                    f"the link {_quoted(member.path)} leads out of the archive: {_quoted(member.link)}"
                )
            case MemberType.HARDLINK:
                if _leads_out((), member.link):
                    raise _rejection(
                        f"the hard link {_quoted(member.path)} leads out of the archive: "
                        f"{_quoted(member.link)}"
                    )
                if self._seen.get(parts_of(member.link)) is not MemberType.FILE:
                    raise _rejection(
                        f"the hard link {_quoted(member.path)} names {_quoted(member.link)}, "
                        "which is no file that comes before it"
                    )
            case _:
                pass

    def _check_ancestors(self, member: Member, parts: tuple[str, ...]) -> None:
        if self._seen.get(parts[:-1]) is MemberType.DIRECTORY:
            return  # known as a folder, so all above it are
        for ancestor in accumulate(((part,) for part in parts[:-1]), lambda left, right: left + right):
            kind = self._seen.get(ancestor, MemberType.DIRECTORY)
            if kind is not MemberType.DIRECTORY:
                raise _rejection(f"{_quoted(member.path)} would be written through a {kind.value}")

    def _remember(self, member: Member, parts: tuple[str, ...]) -> None:
        """What tar is given twice is in the archive twice.

        It is a hard link to itself, or again a file or folder.

        A file is stored again if it was replaced in between, as a running node does in its config folder; the
        last one counts.
        """
        before = self._seen.get(parts)
        if member.type is MemberType.HARDLINK and parts_of(member.link) == parts:
            return
        twice = before is not None and before is not MemberType.DIRECTORY
        in_config = parts[-3:-1] == ("chaindata", "config") and before is member.type is MemberType.FILE
        if (twice and not in_config) or (before is MemberType.DIRECTORY and member.type is not before):
            raise _rejection(f"{_quoted(member.path)} is in it twice")
        self._seen[parts] = member.type
        if parts[:-1] in self._seen:
            return
        for ancestor in accumulate(((part,) for part in parts[:-1]), lambda left, right: left + right):
            self._seen.setdefault(ancestor, MemberType.DIRECTORY)


def _check_name(path: str) -> None:
    if not (path.isascii() and path.isprintable()) and (clean(path) != path or "\n" in path or "\t" in path):
        raise _rejection(f"a name in it holds control characters or is not UTF-8: {_quoted(path)}")
    if path.startswith("/"):
        raise _rejection(f"it holds the absolute name {_quoted(path)}")
    parts = path.split("/")
    if ".." in parts:
        raise _rejection(f"the name {_quoted(path)} leads out of the archive")
    if len(path.encode()) > MAX_PATH or any(len(part.encode()) > MAX_NAME for part in parts):
        raise _rejection(f"the name {_quoted(path)} is longer than Linux allows")


def _leads_out(folder: Sequence[str], link: str) -> bool:
    """Whether a link from this folder leads out of the tree, or to a name that cannot be shown."""
    if not link or link.startswith("/") or clean(link) != link:
        return True
    depth = len(folder)
    for part in link.split("/"):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return True
    return False


def _quoted(text: str) -> str:
    return repr(clean_line(text, limit=120))


def _rejection(what: str) -> ArchiveRejected:
    return ArchiveRejected(what, advice=ADVICE)


@dataclass(frozen=True)
class Extent:
    """How much room some items of an archive take on a disk."""

    files: int
    bytes: int  # the sizes of these files


def file_sizes(members: Iterable[Member]) -> dict[Parts, int]:
    """Every file that unpacking makes, with its size. If one is stored twice, the last one counts."""
    sizes: dict[Parts, int] = {}
    for member in members:
        parts = parts_of(member.path)
        if member.type is MemberType.FILE:
            sizes[parts] = member.size
        elif member.type is MemberType.HARDLINK:
            sizes[parts] = sizes.get(parts_of(member.link), 0)
    return sizes


def extent_of(members: Iterable[Member], items: Iterable[Item]) -> Extent:
    """What is on the disk when these items are unpacked, and nothing else of the archive."""
    roots = [parts_of(item.source) for item in items]
    wanted = [
        size for path, size in file_sizes(members).items() if any(path[: len(root)] == root for root in roots)
    ]
    return Extent(len(wanted), sum(wanted))
