"""`loomtui` as an operator types it: of this checkout, or as it was at another revision."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.claims import Options, Unavailable
from benchmarks.spent import as_installed, spent

ROOT = Path(__file__).parents[1]
_LOOMTUI = "from loomtui.cli import main; main()"
_BY_KEYS = "from benchmarks.by_keys import main; main()"


def as_it_was(options: Options) -> Path:
    """The package of that revision.

    Raises:
        Unavailable: There is no git, or it does not know the revision.
    """
    folder = options.work / "before"
    folder.mkdir()
    archive = folder / "before.tar"
    if shutil.which("git") is None:
        raise Unavailable("git is not installed, which knows loomtui as it was.")
    command = ["git", "archive", "-o", str(archive), options.before, "loomtui"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"git does not give revision {options.before}: {done.stderr.strip()}")
    shutil.unpack_archive(archive, folder, filter="data")
    return folder


@dataclass(frozen=True)
class Desk:
    """An operator who has never restored anything: `home` holds all that loomtui keeps."""

    package: Path  # the folder in which the package loomtui lies
    home: Path
    cluster: Mapping[str, str]  # of the environment: what reaches the cluster and its S3
    peers: Path

    def loomtui(self, *arguments: str) -> str:
        """Its standard output. Raises FailedError."""
        return self._python(_LOOMTUI, *arguments)

    def restore_by_keys(self) -> None:
        """The cluster of the environment, on the screens. Raises FailedError."""
        self._python(_BY_KEYS, self.cluster["LOOMTUI_INVENTORY"])

    def _python(self, code: str, *arguments: str) -> str:
        folders = {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in ("STATE", "CACHE", "CONFIG")}
        own = {"HOME": str(self.home), "PYTHONPATH": str(self.package)}
        environment = {**as_installed(self.peers), **self.cluster, **folders, **own}
        # Not in the checkout: Python would find the package there first.
        return spent(
            [sys.executable, "-c", code, *arguments], environment=environment, folder=self.home
        ).output

    def document(self, *arguments: str) -> Any:
        return json.loads(self.loomtui(*arguments))


def downtime(desk: Desk, name: str) -> float:
    """Seconds from the first stop to the chain that moves: all nodes of the cluster go back to a backup.

    The data is staged before the stop. Raises FailedError.
    """
    plan = str(desk.home / "plan.yml")
    desk.loomtui("plan", "--stage-first", "--reset-signing-state", name, "-o", plan)
    desk.loomtui("restore", "--plan", plan, "--yes")
    return _downtime_of_last(desk)


def downtime_by_keys(desk: Desk) -> float:
    """As `downtime`, on the screens. Raises FailedError."""
    desk.restore_by_keys()
    return _downtime_of_last(desk)


def _downtime_of_last(desk: Desk) -> float:
    run = desk.document("runs", "--json")["runs"][0]["id"]
    seconds = float(desk.document("report", run, "--format", "json")["downtime_seconds"])
    desk.loomtui("clean", run, "--yes")
    return seconds


def sides(options: Options) -> Mapping[str, Path]:
    """What is compared, by its label: as it was, and as it is."""
    return {f"loomtui at {options.before}": as_it_was(options), "loomtui": ROOT}
