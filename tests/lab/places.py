"""Where labs are while they live, and how what a dead one left is found."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.lab import cgroups
from tests.lab.needs import LabError

LABS = Path("/run/loomtui-lab")
_MOST = 200


def lab_name(index: int) -> str:
    return f"loomtui-lab-{index}"


def claim() -> tuple[int, Path, int]:
    """A free number, its folder, and a descriptor whose lock says that the lab lives. Raises LabError."""
    sweep()
    LABS.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".new-", dir=LABS))
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    for index in random.sample(range(1, _MOST), _MOST - 1):  # what was another's a moment ago is hardly taken
        with suppress(OSError):  # taken: a folder that is not empty is not replaced
            return index, folder.rename(LABS / str(index)), descriptor
    shutil.rmtree(folder)
    raise LabError(f"there are {_MOST} labs already; see {LABS}")


def living() -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and description of each lab that is up."""
    for folder in sorted(LABS.glob("[0-9]*")):
        description = folder / "lab.json"
        if _is_alive(folder) and description.exists():
            yield int(folder.name), json.loads(description.read_text())


def sweep() -> None:
    """Removes what a lab left whose processes were all killed at once. Mounts and networks went with them."""
    for folder in sorted(LABS.glob("[0-9]*")):
        if (folder / "lock").exists() and not _is_alive(folder):
            remove(int(folder.name))


def remove(index: int) -> None:
    cgroups.remove(lab_name(index))
    shutil.rmtree(LABS / str(index), ignore_errors=True)
    with suppress(OSError):  # other labs
        LABS.rmdir()


def _is_alive(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
