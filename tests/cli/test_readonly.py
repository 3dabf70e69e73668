"""The commands that look change nothing: no script that changes, no file of any node, times included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from loomtui.cli.app import app
from loomtui.drill.practice import Practice, practice
from loomtui.fleet import fleet as fleets
from loomtui.fleet.fleet import Fleet, Prompter
from loomtui.inventory import Inventory

LOOKS = [
    ["status", "--json"],
    ["backups", "--json"],
    ["nodekeys", "--json"],
    ["services", "--diff"],
    ["logs", "-n", "5"],
    ["plan", "--json"],
]


@pytest.fixture
def stopped() -> Iterator[Practice]:
    """Stopped, so that nothing but we could change a file."""
    with practice("healthy", 2) as cluster:
        for name in cluster.names:
            assert cluster.shell(name, "systemctl stop loom").returncode == 0
        yield cluster


def state(root: Path) -> dict[str, tuple[int, int, int, int]]:
    """Every file and folder: mode, size, and when its content and its inode changed."""
    found = {}
    for path in sorted([root, *root.rglob("*")]):
        seen = path.lstat()
        found[str(path)] = (seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    return found


@pytest.mark.slow
def test_looking_changes_nothing(stopped: Practice, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    opened: list[Fleet] = []

    class Recorded(Fleet):
        def __init__(self, inventory: Inventory, prompter: Prompter) -> None:
            super().__init__(inventory, prompter)
            opened.append(self)

    monkeypatch.setattr(fleets, "Fleet", Recorded)
    env = {**stopped.environment, "LOOMTUI_INVENTORY": str(stopped.inventory_path)}
    before = {name: state(stopped.node_root(name)) for name in stopped.names}
    for args in LOOKS:
        result = CliRunner().invoke(app, args, env=env, standalone_mode=False)
        assert result.exception is None, args
        assert result.output, args
    after = {name: state(stopped.node_root(name)) for name in stopped.names}
    assert after == before
    ran = [(script.kind, script.name) for fleet in opened for script in fleet.ran]
    assert {name for _, name in ran} >= {"status", "details", "nodekey", "logs"}
    assert {kind for kind, _ in ran} == {"inspect"}
