from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import ability
from tests.restore.cluster import LocalCluster
from tests.restore.local import LocalNode


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LocalNode]:
    """A node without any files."""
    machine = LocalNode(tmp_path / "n1")
    yield machine
    machine.end_jobs()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on a local node takes long enough to wait for it."""
    monkeypatch.setattr("loomtui.restore.running.steps.start._SETTLE_SECONDS", 0.01)
    monkeypatch.setattr("loomtui.restore.running.steps.verify._POLL_SECONDS", 0.01)
    monkeypatch.setattr("loomtui.restore.running.staging._POLL_SECONDS", 0.02)


@pytest.fixture
def make_cluster(tmp_path: Path, hasty: None) -> Iterator[Callable[..., LocalCluster]]:
    made: list[LocalCluster] = []

    def make(count: int = 1, **settings: Any) -> LocalCluster:
        made.append(LocalCluster(tmp_path / f"cluster{len(made)}", count, **settings))
        return made[-1]

    yield make
    for cluster in made:
        cluster.end_jobs()


@pytest.fixture
def root() -> None:
    """The test does what only root may do."""
    ability.root()


@pytest.fixture
def attribute() -> Iterator[Callable[[str, Path], None]]:
    """chattr, taken back at the end."""
    made: list[tuple[str, Path]] = []

    def change(letter: str, path: Path) -> None:
        done = subprocess.run(["chattr", f"+{letter}", path], capture_output=True, check=False)
        if done.returncode:
            ability.give_up(f"this file system has no attributes: {done.stderr.decode()}")
        made.append((letter, path))

    yield change
    for letter, path in made:
        subprocess.run(["chattr", f"-{letter}", path], check=True)


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """mount(8), taken back at the end."""
    mounted: list[Path] = []

    def make(source: Path | str, at: Path, *options: str) -> None:
        done = subprocess.run(["mount", *options, str(source), str(at)], capture_output=True, check=False)
        if done.returncode:
            ability.give_up(f"nothing can be mounted here: {done.stderr.decode()}")
        if "remount" not in " ".join(options):
            mounted.append(at)

    yield make
    for at in reversed(mounted):
        subprocess.run(["umount", at], check=True)
