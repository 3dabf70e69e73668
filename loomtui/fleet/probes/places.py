"""The look at each place that a restore would change on a node. It only looks, before a plan is made.

What it judges by is in `remote/fit.sh`, which the scripts that change such a place go by as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session
from loomtui.text import clean_line

_SCRIPT = InspectScript("places")
_SECONDS = 60.0
_TAB = "\t"
#: As left_running of lib.sh prints it: ID START STANDING NAME, and the file after a tab.
_OPEN = re.compile(r"(\d{1,10}) \d{1,20} [a-z]+ ([^\t]*)\t(.+)", re.DOTALL)
_SPACE = re.compile(r"\d{1,20}(,\d{1,20}){4}")


class Use(StrEnum):
    """What a run does at a place. The script knows the same words."""

    FILE = "file"  # is replaced
    UNIT = "unit"  # likewise: the unit, or a drop-in that holds the command
    STATE = "state"  # a pattern of databases: each is renamed away, and another one put there
    MOVE = "move"  # is renamed
    HOLD = "hold"  # a drop-in is placed
    TIMER = "timer"  # likewise, of a timer
    CRONTAB = "crontab"  # is edited
    STAGING = "staging"  # is set aside
    PROGRAM = "program"  # is started by the unit
    USER = "user"  # of the unit
    GROUP = "group"
    VERIFY = "verify"  # systemd is asked about the unit before it is replaced
    SIGNING = "signing"  # the signing state is set
    # What the script looks at without being asked.
    WORK = "work"  # the run's folder in the working directory
    TOOL = "tool"


class Fault(StrEnum):
    """What is wrong with a place. The script says the same words."""

    FOLDER = "folder"  # where a file is expected
    SPECIAL = "special"  # a pipe, a socket, a device
    LOOP = "loop"  # links that lead in a circle
    DANGLING = "dangling"  # a link into nothing
    UNTRUSTED = "untrusted"  # a link of the service's user, to where he could not write himself
    LINKED = "linked"  # a link where none is followed
    MOUNTED = "mounted"  # a mount point
    IMMUTABLE = "immutable"
    APPEND_ONLY = "append-only"
    UNWRITABLE = "unwritable"  # a read-only file system, or no right
    NO_FOLDER = "no-folder"  # something else stands where a folder is expected
    IN_THE_WAY = "in-the-way"
    ELSEWHERE = "elsewhere"  # on another file system than the working directory
    PLAIN = "plain"  # a file system without owners and hard links
    ABSENT = "absent"
    NOT_EXECUTABLE = "not-executable"
    NOT_GNU = "not-gnu"  # the tool is another one than GNU's
    TOP = "top"  # a folder at the top of the file system
    HOLDS_NODE = "holds-node"  # the node itself lies in it
    OF_NODE = "of-node"  # it is one of the node's own folders
    REFUSED = "refused"  # by systemd, whose words are in `at`
    KEY_CHANGED = "key-changed"  # the rest: what the edit of a signing state stumbles over
    UNKNOWN_FORM = "unknown-form"
    NO_HEIGHT = "no-height"
    SIGNATURE_LEFT = "signature-left"


@dataclass(frozen=True)
class Unfit:
    """A place that a run could not change."""

    use: Use
    what: str  # a path; of a user, group or tool its name
    fault: Fault
    at: str  # the place at fault: `what`, a folder on the way to it, what it leads to


@dataclass(frozen=True)
class Link:
    """A place that is a symbolic link, or a file with other names, and can be used all the same."""

    path: str
    real: str


@dataclass(frozen=True)
class Opened:
    """A process that is not told to end when the service is stopped, with a database file open."""

    process: int
    name: str  # as the kernel has it: at most 15 characters
    file: str


@dataclass(frozen=True)
class FileSystem:
    """What is free on it for the node's user."""

    device: str
    free_bytes: int
    free_files: int | None  # inodes; None: the file system makes them as they are needed


@dataclass(frozen=True)
class Places:
    """What was seen of one node. Without a look nothing is known to be wrong."""

    unfit: tuple[Unfit, ...] = ()
    links: tuple[Link, ...] = ()
    hard_links: tuple[Link, ...] = ()  # files with more than one name
    open_by: tuple[Opened, ...] = ()  # processes that a stop of the service does not end
    work_space: FileSystem | None = None
    unit_space: FileSystem | None = None
    name_limit: int | None = None  # bytes of a file's name in the working directory


def hold_file(unit_path: str) -> str:
    """Where a run places the hold of a unit or a timer: a drop-in beside its file."""
    return f"{unit_path}.d/99-loomtui-hold.conf"


async def look_at_places(
    session: Session,
    working_directory: str,
    hold_file: str,
    user: str,
    wanted: Sequence[tuple[Use, str]],
) -> Places:
    """Only looks; one round trip. Raises LoomtuiError."""
    pairs = [part for use, what in wanted for part in (use.value, what)]
    output = await session.inspect(_SCRIPT, working_directory, hold_file, user, *pairs, timeout=_SECONDS)
    return read_places(read_facts(output.stdout))


def read_places(facts: Facts) -> Places:
    """What the script `places` found. What that script cannot have printed is passed over."""
    return Places(
        unfit=tuple(dict.fromkeys(filter(None, map(_unfit, _rows(facts, "unfit", 4))))),
        links=tuple(Link(*row) for row in _rows(facts, "link", 2)),
        hard_links=tuple(Link(*row) for row in _rows(facts, "names", 2)),
        open_by=tuple(
            Opened(int(match[1]), clean_line(match[2]), clean_line(match[3]))
            for value in facts.all("open")
            if (match := _OPEN.fullmatch(value.decode("utf-8", "replace")))
        ),
        work_space=read_file_system(facts.text("space.work")),
        unit_space=read_file_system(facts.text("space.unit")),
        name_limit=facts.number("name.limit"),
    )


def _rows(facts: Facts, name: str, length: int) -> list[tuple[str, ...]]:
    rows = [value.decode("utf-8", "replace").split(_TAB) for value in facts.all(name)]
    return [tuple(map(clean_line, row)) for row in rows if len(row) == length]


def _unfit(row: tuple[str, ...]) -> Unfit | None:
    use, what, fault, at = row
    try:
        return Unfit(Use(use), what, Fault(fault), at)
    except ValueError:
        return None


def read_file_system(numbers: str | None) -> FileSystem | None:
    """Reads device, block size, free blocks, inodes and free inodes, with commas between.

    File systems without a number of inodes say 0.
    """
    if numbers is None or not _SPACE.fullmatch(numbers):
        return None
    device, size, blocks, inodes, free = numbers.split(",")
    return FileSystem(device, int(size) * int(blocks), int(free) if int(inodes) else None)
