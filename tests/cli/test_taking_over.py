"""`loomtui take-over` and `runs --on-nodes`, with a person at the keyboard and without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from loomtui.drill.practice import Practice, practice
from tests.cli.terminal import Terminal
from tests.restore.killing import Restorer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def small() -> Iterator[Practice]:
    with practice("healthy", 1, block_seconds=0.3) as cluster:
        yield cluster


@dataclass(frozen=True)
class Homes:
    """Two operators' machines, and a run of the first one, which was killed in preflight."""

    first: Restorer
    second: Restorer
    run: str

    def show_life(self) -> None:
        """As if the first one were at work, however long ago it was killed."""
        cluster = self.first.cluster
        for name in cluster.names:
            sign = cluster.working_directory(name) / ".loomtui/runs" / self.run / "alive"
            if sign.exists():
                sign.touch()

    def terminal(self, *args: str) -> Terminal:
        """Of the second one, a moment after a sign of life of the first one."""
        self.show_life()
        environment, home = self.second.environment, Path(self.second.environment["HOME"])
        return Terminal("take-over", *args, env=environment, cwd=home)


@pytest.fixture
def homes(small: Practice, tmp_path: Path) -> Iterator[Homes]:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first, second = (Restorer(small, folder) for folder in folders)
    first.make_plan("--reset-signing-state", "practice-healthy")
    run, _ = first.kill_at(6)
    yield Homes(first, second, run)
    second.call("rollback", run, "--yes")


def test_the_name_is_typed_before_a_run_is_taken_over(homes: Homes) -> None:
    homes.show_life()
    refused = homes.second.call("take-over", homes.run)  # nobody can be asked
    assert refused.returncode == 3
    assert "works on run" in " ".join(refused.stderr.split())
    assert "--although-at-work CLUSTER" in " ".join(refused.stderr.split())
    with homes.terminal(homes.run) as terminal:
        terminal.expect(f"Run {homes.run} of ")
        terminal.expect("works on it: call them first.")
        terminal.expect("is taken over, and gone on with.")
        terminal.expect("Type practice-healthy to go on")
        terminal.type("practice\r")
        terminal.expect("nothing was done")
        assert terminal.end() == 2
    assert homes.second.call("report", homes.run).returncode == 2  # it is none of this home's
    with homes.terminal("--only") as terminal:  # the one that holds nodes
        terminal.expect("is taken over, and held from here.")
        terminal.expect("Type practice-healthy to go on")
        terminal.type("practice-healthy\r")
        terminal.expect("Taken over: ")
        terminal.expect(f"Go on: loomtui resume {homes.run}. Undo: loomtui rollback {homes.run}.")
        assert terminal.end() == 0
    told = homes.first.call("resume", homes.run, "--yes")
    assert told.returncode == 3
    assert "was taken over by" in " ".join(told.stderr.split())
    assert homes.second.call("rollback", homes.run, "--yes").returncode == 0
    another = homes.second.call("take-over", "--although-at-work", "another")
    assert another.returncode == 2
    assert "type its name" in " ".join(another.stderr.split())


def test_a_lock_without_a_record_is_told_with_what_to_do_next(small: Practice, tmp_path: Path) -> None:
    run = "20260101-000000-abcd"
    texts = {
        "val-1": json.dumps(
            {"run": run, "who": "ann", "from": "desk-2", "since": "2026-01-01T00:00:00+00:00"}
        ),
        "backup-1": "whatever",
    }
    locks = {name: small.working_directory(name) / ".loomtui/lock" for name in texts}
    for name, path in locks.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(texts[name], encoding="utf-8")
    home = Restorer(small, tmp_path)
    try:
        told = home.call("runs", "--on-nodes")
        document = json.loads(home.call("runs", "--on-nodes", "--json").stdout)
        refused = home.call("take-over", run, "--yes")
    finally:
        for name, path in locks.items():
            path.rename(tmp_path / f"lock-of-{name}")
    assert (told.returncode, "ann@desk-2" in told.stdout) == (0, True)
    said = " ".join(told.stderr.split())
    assert f"{run} holds val-1, and no node has a record of it. It stopped no service" in said
    assert f"loomtui rollback {run}. docs/guide.md says how to go back by hand" in said
    assert "backup-1 is held by a lock that nobody can read: whatever. While that lies there" in said
    assert document["odd_locks"] == {"backup-1": "a lock that nobody can read: whatever"}
    (held,) = [known for known in document["runs"] if known["id"] == run]
    assert held["held_by"]["who"] == "ann"
    assert refused.returncode == 3
    assert "no node has a record of run" in " ".join(refused.stderr.split())
