from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.restore.local import LocalNode


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LocalNode]:
    """A node with the files of a Loom node, locked by the run, held and stopped."""
    machine = LocalNode(tmp_path / "n1")
    yield machine
    machine.end_jobs()
