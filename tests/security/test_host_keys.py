"""A host key that is changed, or unknown in a batch run, is refused with status 3; nothing is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.drill.practice import Practice, practice
from tests.cli.conftest import Cluster, Run
from tests.cli.conftest import folder as folder
from tests.cli.conftest import loomtui as loomtui

REFUSED = 3
_CALLS = (
    ("status", "--json"),
    ("plan", "--json"),
    ("restore", "--plan", "PLAN", "--yes", "--json"),
    ("restore", "--plan", "PLAN", "--yes"),
)


@pytest.fixture(scope="module")
def small() -> Iterator[Practice]:
    with practice("healthy", 1, block_seconds=0.5) as cluster:
        yield cluster


@pytest.fixture
def cluster(small: Practice, loomtui: Run) -> Cluster:
    return Cluster(small, loomtui)


@pytest.fixture
def plan(cluster: Cluster, tmp_path: Path) -> str:
    kept = tmp_path / "plan.yml"
    cluster("plan", "--reset-signing-state", cluster.name, "-o", str(kept))
    assert kept.exists()
    return str(kept)


def _traces(cluster: Practice) -> list[Path]:
    return [path for name in cluster.names for path in cluster.working_directory(name).glob(".loomtui*")]


@pytest.mark.slow
@pytest.mark.parametrize("call", _CALLS, ids=" ".join)
def test_an_unknown_host_key_in_a_batch_run_is_refused(
    cluster: Cluster, plan: str, tmp_path: Path, call: tuple[str, ...]
) -> None:
    known = f"known_hosts: {cluster.practice.root / 'known_hosts'}"
    strange = cluster.inventory_with(tmp_path, known, f"known_hosts: {tmp_path / 'nobody'}")
    words = tuple(plan if word == "PLAN" else word for word in call)
    done = cluster(words[0], "-i", strange, *words[1:])
    assert done.status == REFUSED, done.err
    assert "host key" in done.out + done.err
    assert not (tmp_path / "nobody").exists()
    assert _traces(cluster.practice) == []


@pytest.mark.slow
def test_a_changed_host_key_is_refused(cluster: Cluster, plan: str) -> None:
    """The last one: the key stays changed."""
    known = (cluster.practice.root / "known_hosts").read_bytes()
    cluster.practice.change_host_key("val-1")
    for call in _CALLS:
        words = tuple(plan if word == "PLAN" else word for word in call)
        done = cluster(*words)
        assert done.status == REFUSED, (call, done.err)
        assert "is not the one that is known" in done.out + done.err
    assert (cluster.practice.root / "known_hosts").read_bytes() == known
    assert _traces(cluster.practice) == []
