"""A control group of its own for each node, in every hierarchy: systemd on two nodes must not share one."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

_GONE_SECONDS = 20.0


def own_groups() -> list[Path]:
    """This process's group in each hierarchy that is mounted: version 2, and those of version 1."""
    mounts = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split()[:3]
        if kind in ("cgroup", "cgroup2"):
            point = Path(before.split()[4])
            for option in [""] if kind == "cgroup2" else options.split(","):
                mounts[option] = point
    groups = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if found := mounts.get(controllers.split(",")[0]):
            groups.append(found / path.lstrip("/"))
    return groups


def make(lab: str, node: str) -> list[Path]:
    """The node's group in each hierarchy."""
    made = []
    for group in own_groups():
        for folder in (group / lab, group / lab / node):
            folder.mkdir(exist_ok=True)
            for name in (
                "cpuset.cpus",
                "cpuset.mems",
            ):  # empty in a new group of version 1: no process may enter
                if (folder / "cpuset.effective_cpus").exists():
                    (folder / name).write_text((folder.parent / name).read_text())
        _weigh(group / lab)
        made.append(group / lab / node)
    return made


def _weigh(lab: Path) -> None:
    """As many processes as it has machines: as one it would starve beside a busy test run."""
    machines = sum(path.is_dir() for path in lab.iterdir())
    for name, usual in (("cpu.shares", 1024), ("cpu.weight", 100)):
        if (lab / name).exists():
            (lab / name).write_text(str(machines * usual))


def remove(lab: str) -> None:
    """Once all its processes have ended; waits for that for some seconds."""
    deadline = time.monotonic() + _GONE_SECONDS
    for group in own_groups():
        top = group / lab
        while top.is_dir():
            for folder in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
                with suppress(OSError):
                    folder.rmdir()
            with suppress(OSError):
                top.rmdir()
            if time.monotonic() > deadline:
                return
            if top.is_dir():
                time.sleep(0.05)
