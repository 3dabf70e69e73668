"""The process that owns a lab: starts its keeper, waits for the end, leaves nothing behind.

It ends when its standard input closes (`--lifeline`: the lab of a test run dies with the run, however that
ends), at SIGTERM, or with the keeper. The keeper notices in turn when this process is killed. The keeper is
the first process of a process namespace: the kernel ends the machines with it (pid_namespaces(7)). Mounts,
loop devices and networks hang on namespaces that end with their last process.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from types import FrameType

from tests.lab import places
from tests.lab.needs import LabError

_PR_SET_CHILD_SUBREAPER = 36
_APART = (
    "unshare",
    "--mount",
    "--propagation=private",
    "--pid",
    "--fork",
    "--kill-child=KILL",
    "--mount-proc",
)


def main(argv: list[str]) -> int:
    try:
        index, folder, lock = places.claim()
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command = [*_APART, sys.executable, "-m", "tests.lab.keeper", str(index), str(folder), str(os.getpid())]
    # The lock is handed on: the lab counts as alive while either process is.
    try:
        with suppress(SystemExit):
            keeper = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[lock])
            _wait(keeper, lifeline="--lifeline" in argv)
    finally:
        _kill_descendants()
        places.remove(index)
    return 0


def _wait(keeper: subprocess.Popen[bytes], *, lifeline: bool) -> None:
    poll = select.poll()
    poll.register(os.pidfd_open(keeper.pid), select.POLLIN)
    if lifeline:
        poll.register(0, 0)  # POLLHUP is always reported
    poll.poll()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit


def _kill_descendants() -> None:
    """Until none is left: the children of a killed process become ours and are found at the next look."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        for child in _children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123 - proc, not a file
        return [int(word) for word in file.read().split()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
