"""Where something could have been left or said on a node: processes, journal, files. Asked past SSH."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.lab import places
from tests.lab.client import Lab

#: Every regular file, of every file system, whose content, name or mode was changed since.
_CHANGED = """
find / -path /proc -prune -o -path /sys -prune -o -type f -newerct '@{since}' -printf '%p\\0' 2>/dev/null
"""


def processes_of(lab: Lab) -> Callable[[Path, bytes], bool]:
    """For a Sampler: those of all nodes. This machine sees them as its own."""
    which = "|".join(map(re.escape, lab.names))
    group = re.compile(rf"/{places.lab_name(int(lab.folder.name))}/({which})(/|$)", re.MULTILINE)
    return lambda process, _: group.search((process / "cgroup").read_text()) is not None


def journal(lab: Lab, node: str) -> str:
    """All fields of all that anything on the node ever logged."""
    lab.run(node, "journalctl --sync")
    return lab.run(node, "journalctl --no-pager --all --output=export").stdout


def changed_files(lab: Lab, node: str, since: str) -> Iterator[tuple[Path, bytes]]:
    """Path on the node and content of each file that was changed since then; `since` as `date +%s` has it."""
    root = Path(f"/proc/{lab.leader(node)}/root")
    names = lab.run(node, _CHANGED.format(since=since), check=False).stdout.split("\0")
    for name in filter(None, names):
        with suppress(FileNotFoundError):
            yield Path(name), (root / name.lstrip("/")).read_bytes()
