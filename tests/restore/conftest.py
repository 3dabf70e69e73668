from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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
