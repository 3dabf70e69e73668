"""The guardian of a practice cluster, or of a proof: starts it, waits for the end, leaves nothing behind.

Everything that it starts, however detached, stays a descendant of this process (prctl(2),
PR_SET_CHILD_SUBREAPER). When the standard input closes, because the parent wants it or is dead, all
descendants are killed and the folder is removed. Imports little: it must be up before anything can go wrong.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

_PR_SET_CHILD_SUBREAPER = 36


def main(argv: list[str]) -> int:
    module, folder = _taken(argv, "--module"), _taken(argv, "--folder")
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    root = Path(tempfile.mkdtemp(prefix="loomtui-drill-", dir=folder))
    try:
        _guard([sys.executable, "-m", module or "loomtui.drill.cluster", "--root", str(root), *argv])
    finally:
        _kill_descendants()
        _remove(root)
    return 0


def _taken(argv: list[str], name: str) -> str | None:
    """The value of an option, which is not handed on."""
    if name not in argv:
        return None
    position = argv.index(name)
    value = argv[position + 1]
    del argv[position : position + 2]
    return value


def _guard(command: list[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    with suppress(SystemExit):
        cluster = subprocess.Popen(command)
        poll = select.poll()
        poll.register(0, 0)  # POLLHUP is always reported; the cluster alone reads the commands
        poll.register(os.pidfd_open(cluster.pid), select.POLLIN)
        poll.poll()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit


def _kill_descendants() -> None:
    """Until none is left: the children of a killed process become ours and are found at the next look."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        for child in _children(os.getpid()):
            _kill_tree(child)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _kill_tree(process: int) -> None:
    for child in _children(process):
        _kill_tree(child)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, signal.SIGKILL)


def _children(process: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return children


def _remove(root: Path) -> None:
    """Disks that somebody has given to a node are taken off first: what is on them is not ours to delete."""
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        place = line.split()[1]
        if place.startswith(f"{root}/"):
            subprocess.run(["umount", "--lazy", place], check=False)

    def unlock(function: Callable[[str], object], path: str, _error: object) -> None:
        with suppress(OSError):
            Path(path).parent.chmod(0o700)
            function(path)

    shutil.rmtree(root, onerror=unlock)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
