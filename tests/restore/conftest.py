from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import ability
from tests.restore.cluster import LocalCluster
from tests.restore.local import LocalNode
from tests.restore.material import tar_of_folder, write_state
from tests.restore.serving import Store, serve
from tests.signing import anna as anna


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LocalNode]:
    """A node without any files."""
    machine = LocalNode(tmp_path / "n1")
    yield machine
    machine.end_jobs()


@pytest.fixture
def store() -> Iterator[Store]:
    with serve() as running:
        yield running


@pytest.fixture
def fetching_node(tmp_path: Path) -> Iterator[LocalNode]:
    """A node that a run has locked, and that can fetch by itself."""
    machine = LocalNode(tmp_path / "n1", tools=("curl", "gzip"))
    machine.write_unit("[Service]\nExecStart=/bin/true\n")
    machine.take()
    yield machine
    machine.end_jobs()


@pytest.fixture
def tar_with_more(tmp_path: Path) -> bytes:
    """Of the folder `packed`, with more in it than is wanted."""
    folder = tmp_path / "packed"
    write_state(folder, 100, "restored", "evm.db")
    (folder / "app.db/000001.log").write_bytes(os.urandom(300_000))
    (folder / "chaindata/config").mkdir()
    (folder / "chaindata/config/node_key.json").write_text("the backup node's own")
    return tar_of_folder(folder, "app.db", "chaindata", "evm.db")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on a local node takes long enough to wait for it."""
    monkeypatch.setattr("loomtui.restore.running.steps.start._SETTLE_SECONDS", 0.01)
    monkeypatch.setattr("loomtui.restore.running.chain_watch._POLL_SECONDS", 0.01)
    monkeypatch.setattr("loomtui.restore.running.job_watch._POLL_SECONDS", 0.02)


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
