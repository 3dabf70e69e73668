"""Databases of different heights put together, as an unlucky restore does."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.drill.history import History, Keys
from loomtui.drill.node.standin_chain import Chain, FatalError, PanicError
from loomtui.loom import leveldb

OLD, NEW = 6, 9
_ENDED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def history() -> History:
    source = random.Random(1)
    return History([Keys.new(source) for _ in range(4)], NEW, _ENDED, timedelta(minutes=1), seed=1)


@pytest.fixture(scope="module")
def snapshots(history: History, tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Path]:
    return history.snapshots(tmp_path_factory.mktemp("history"), [OLD, NEW])


@pytest.fixture
def node(snapshots: Mapping[int, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(snapshots[NEW], tmp_path / "node"))


def take(snapshots: Mapping[int, Path], node: Path, *names: str) -> None:
    """The older databases in the place of the newer ones."""
    for name in names:
        shutil.rmtree(node / name)
        shutil.copytree(snapshots[OLD] / name, node / name)


def start(node: Path, history: History) -> int:
    """The height after the handshake."""
    with closing(Chain(node, history.genesis)) as chain:
        chain.handshake(lambda _: None)
        assert chain.app_height == chain.store_height == chain.height
        return chain.height


def test_heights_that_agree(node: Path, history: History) -> None:
    assert start(node, history) == NEW


def test_the_engine_finds_the_same_heights(node: Path) -> None:
    journal = "000003.log"
    assert leveldb.app_height((node / "app.db" / journal).read_bytes()) == NEW
    assert leveldb.store_height((node / "chaindata/data/blockstore.db" / journal).read_bytes()) == NEW


def test_an_older_application_is_replayed(
    node: Path, history: History, snapshots: Mapping[int, Path]
) -> None:
    take(snapshots, node, "app.db")
    assert start(node, history) == NEW


def test_a_missing_application_is_replayed_from_the_genesis(node: Path, history: History) -> None:
    shutil.rmtree(node / "app.db")
    assert start(node, history) == NEW


def test_an_application_that_is_ahead_is_refused(
    node: Path, history: History, snapshots: Mapping[int, Path]
) -> None:
    take(snapshots, node, "chaindata/data")
    with pytest.raises(FatalError, match=rf"App block height \({NEW}\) is higher than core \({OLD}\)"):
        start(node, history)


def test_no_block_data_under_an_application(node: Path, history: History) -> None:
    shutil.rmtree(node / "chaindata/data")
    with pytest.raises(PanicError, match=r"state.AppHash does not match .* expected $"):
        start(node, history)


def test_no_block_store(node: Path, history: History) -> None:
    shutil.rmtree(node / "chaindata/data/blockstore.db")
    with pytest.raises(PanicError, match=rf"state \({NEW}\) and store \(0\) height mismatch"):
        start(node, history)


def test_a_state_that_is_behind(node: Path, history: History, snapshots: Mapping[int, Path]) -> None:
    take(snapshots, node, "chaindata/data/state.db")
    with pytest.raises(
        PanicError, match=rf"StoreBlockHeight \({NEW}\) > StateBlockHeight \+ 1 \({OLD + 1}\)"
    ):
        start(node, history)


def test_a_state_that_is_ahead(node: Path, history: History, snapshots: Mapping[int, Path]) -> None:
    take(snapshots, node, "chaindata/data/blockstore.db", "app.db")
    with pytest.raises(PanicError, match=rf"StateBlockHeight \({NEW}\) > StoreBlockHeight \({OLD}\)"):
        start(node, history)


def test_no_evm_database(node: Path, history: History) -> None:
    shutil.rmtree(node / "evm.db")
    with pytest.raises(FatalError, match=f"failed to load EVM root for version {NEW}"):
        start(node, history)


def test_a_newer_evm_database_goes_unnoticed(
    node: Path, history: History, snapshots: Mapping[int, Path]
) -> None:
    take(snapshots, node, "app.db", "chaindata/data")
    assert start(node, history) == OLD


def test_a_newer_clone_takes_the_place_of_the_application(
    node: Path, history: History, snapshots: Mapping[int, Path]
) -> None:
    take(snapshots, node, "app.db", "chaindata/data")
    shutil.rmtree(node / "app_v2.db")
    shutil.copytree(snapshots[NEW] / "app.db", node / "app_v2.db")
    with pytest.raises(FatalError, match=rf"App block height \({NEW}\) is higher"):
        start(node, history)
    assert list(node.glob("old_app_*.db"))


def test_another_genesis_under_the_same_blocks(node: Path, history: History) -> None:
    shutil.rmtree(node / "app.db")
    other = History([Keys.new(random.Random(2))], 1, _ENDED, timedelta(minutes=1), seed=1)
    with (
        closing(Chain(node, other.genesis)) as chain,
        pytest.raises(PanicError, match="does not match AppHash"),
    ):
        chain.handshake(lambda _: None)
