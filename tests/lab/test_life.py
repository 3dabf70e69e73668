"""The lab itself: whatever happens to its processes, nothing of it is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import cgroups, places, tree

_SECONDS = 60.0
#: Brings a lab up in a process of its own, says which, and waits to be killed.
_OWNER = """
from tests.lab.client import lab
with lab() as started:
    print(started.folder.name, started.guardian, flush=True)
    input()
"""


def _left(index: int) -> list[str]:
    """What there still is of a lab on this machine."""
    name = places.lab_name(index)
    found = [
        str(path)
        for path in [places.LABS / str(index), Path(f"/sys/class/net/loomlab{index}")]
        if path.exists()
    ]
    found += [str(group / name) for group in cgroups.own_groups() if (group / name).exists()]
    found += [str(path) for path in tree.cache_folder().glob(f"{name}-*")]
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        if f"/{name}-" in (text := backing.read_text()):
            found.append(text)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if re.search(rf"/{name}(/|$)", (process / "cgroup").read_text(), re.MULTILINE):
                found.append(str(process))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("victim", ["owner", "guardian", "keeper", "nobody"])
def test_nothing_is_left(possible: None, victim: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
    )
    assert owner.stdin is not None
    assert owner.stdout is not None
    try:
        index, guardian = map(int, owner.stdout.readline().split())
        assert _left(index)
        if victim == "nobody":
            owner.stdin.write("\n")
            owner.stdin.flush()
        else:
            os.kill(
                {"owner": owner.pid, "guardian": guardian, "keeper": _keeper(guardian)}[victim],
                signal.SIGKILL,
            )
        deadline = time.monotonic() + _SECONDS
        while (left := _left(index)) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        owner.kill()
        owner.communicate()

    assert left == []


def _keeper(guardian: int) -> int:
    """The guardian's grandchild; unshare(1) is in between."""
    process = guardian
    for _ in range(2):
        process = int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])
    return process
