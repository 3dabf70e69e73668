"""The rounds, with a clock and a network that are a list."""

from __future__ import annotations

import errno
import heapq
import itertools
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.drill.history import History, Keys
from loomtui.drill.node.consensus import Consensus
from loomtui.drill.node.height import Message
from loomtui.drill.node.log import Log
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.node.standin_chain import Chain
from loomtui.drill.node.wal import Wal

TIP = 8
_BEAT = 1.0


class World:
    """Time passes when `run` is called; a message takes a hundredth of a second."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self.now = 0.0
        self.nodes: list[Node] = []

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), call))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, call = heapq.heappop(self._events)
            call()
        self.now = end

    def heights(self) -> list[int]:
        return [node.chain.height for node in self.nodes]


class Node:
    """One node, connected to all others that are up."""

    def __init__(self, world: World, name: str, chain: Chain, signer: PrivValidator, folder: Path) -> None:
        self.node_id = name
        self.chain = chain
        self.up = True
        self._world = world
        wal = Wal(folder / "chaindata/data/cs.wal", height=chain.height)
        self.consensus = Consensus(chain, signer, wal, self, Log(), _BEAT)
        world.nodes.append(self)

    def send(self, message: Message) -> None:
        if message["n"] == self.node_id and self.up:
            for other in self._world.nodes:
                if other is not self and other.up:
                    self._world.later(0.01, other.hearing(message))

    def hearing(self, message: Message) -> Callable[[], None]:
        return lambda: self.consensus.receive(message) if self.up else None

    def stop(self) -> None:
        if self.up:
            self.up = False
            self.chain.close()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self._world.later(seconds, lambda: call() if self.up else None)

    def committed(self) -> None:
        pass


class Cluster:
    def __init__(
        self, history: History, keys: Sequence[Keys], snapshot: Path, folder: Path, stack: ExitStack
    ):
        self.world = World()
        self._history = history
        self.keys = keys
        self._snapshot = snapshot
        self._folder = folder
        self._stack = stack

    def add(self, name: str, keys: Keys, signed: int) -> Node:
        folder = Path(shutil.copytree(self._snapshot, self._folder / name))
        path = folder / "priv_validator.json"
        path.write_text(self._history.signing_state(keys, signed))
        return self.open(name, folder)

    def open(self, name: str, folder: Path) -> Node:
        chain = Chain(folder, self._history.genesis)
        chain.handshake(lambda _: None)
        node = Node(self.world, name, chain, PrivValidator.load(folder / "priv_validator.json"), folder)
        self._stack.callback(node.stop)
        return node

    def four(self, signed: Sequence[int]) -> World:
        for number, (keys, height) in enumerate(zip(self.keys, signed, strict=True)):
            self.add(f"n{number}", keys, height)
        for node in self.world.nodes:
            node.consensus.start()
        return self.world


@pytest.fixture(scope="module")
def keys() -> list[Keys]:
    source = random.Random(5)
    return [Keys.new(source) for _ in range(4)]


@pytest.fixture(scope="module")
def history(keys: list[Keys]) -> History:
    return History(keys, TIP, datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1), seed=1)


@pytest.fixture(scope="module")
def snapshots(history: History, tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Path]:
    return history.snapshots(tmp_path_factory.mktemp("history"), [5, TIP])


@pytest.fixture
def make(
    history: History, keys: list[Keys], snapshots: Mapping[int, Path], tmp_path: Path
) -> Iterator[Callable[[int], Cluster]]:
    with ExitStack() as stack:
        yield lambda height: Cluster(history, keys, snapshots[height], tmp_path, stack)


Make = Callable[[int], Cluster]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What the nodes have logged."""
    return lambda: capsys.readouterr().err


def same_hashes(world: World) -> bool:
    lowest = min(world.heights())
    hashes = set()
    for node in world.nodes:
        block = node.chain.block(lowest)
        assert block
        hashes.add((block.hash, block.app_hash))
    return len(hashes) == 1


def test_data_and_signing_states_of_one_height_resume(make: Make, told: Callable[[], str]) -> None:
    world = make(TIP).four([TIP] * 4)
    world.run(20)
    assert min(world.heights()) > TIP + 10
    assert same_hashes(world)
    assert told() == ""


def test_three_of_four_make_blocks_and_two_do_not(make: Make) -> None:
    world = make(TIP).four([TIP] * 4)
    world.nodes[3].stop()
    world.run(30)
    reached = world.nodes[0].chain.height
    assert reached > TIP + 5
    world.nodes[2].stop()
    world.run(2)
    stopped = [node.chain.height for node in world.nodes[:2]]
    world.run(60)
    assert [node.chain.height for node in world.nodes[:2]] == stopped


def test_older_data_and_newer_signing_states_stand_still(make: Make, told: Callable[[], str]) -> None:
    world = make(5).four([TIP] * 4)
    world.run(120)
    assert world.heights() == [5] * 4
    lines = told().splitlines()
    votes = [line for line in lines if "Error signing vote" in line]
    assert len(votes) == 4, "one line per node, then silence"
    assert all('err="Error signing vote: Height regression"' in line for line in votes)
    assert all(" height=6 round=0 vote=" in line and " 6/00/1(Prevote) " in line for line in votes)
    proposals = [line for line in lines if "enterPropose: Error signing proposal" in line]
    assert len(proposals) == 1


def test_two_of_four_ahead_stand_still(make: Make) -> None:
    world = make(5).four([TIP, TIP, 5, 5])
    world.run(60)
    assert world.heights() == [5] * 4


@pytest.mark.slow
def test_one_of_four_ahead_goes_on_and_signs_again_later(
    make: Make, told: Callable[[], str], tmp_path: Path
) -> None:
    world = make(5).four([TIP, 5, 5, 5])
    world.run(60)
    assert min(world.heights()) > TIP + 5
    assert same_hashes(world)
    last = world.nodes[1].chain.last_block
    assert last
    assert len(last.signers) >= 3
    assert "Height regression" in told()
    signed = [world.nodes[1].chain.block(height) for height in range(TIP + 2, min(world.heights()))]
    mine = PrivValidator.load(tmp_path / "n0/priv_validator.json").address
    assert any(block and mine in block.signers for block in signed)


def test_reset_signing_states_resume(make: Make) -> None:
    world = make(5).four([0] * 4)
    world.run(20)
    assert min(world.heights()) > 15
    assert same_hashes(world)


@pytest.mark.slow
def test_one_validator_in_two_places_signs_twice(
    make: Make, keys: list[Keys], told: Callable[[], str]
) -> None:
    cluster = make(TIP)
    cluster.add("twin", keys[0], TIP)
    world = cluster.four([TIP] * 4)
    world.run(60)
    assert "Found conflicting vote from ourselves. Did you unsafe_reset a validator?" in told()
    assert min(world.heights()) > TIP


@pytest.mark.parametrize("moment", [0.3, 1.27, 1.275, 1.283, 1.3])
def test_all_stopped_in_the_middle_go_on_from_their_wals(make: Make, tmp_path: Path, moment: float) -> None:
    """Nobody is left unable to sign what it has signed: the messages were written down before."""
    cluster = make(TIP)
    world = cluster.four([TIP] * 4)
    world.run(moment)
    for node in world.nodes:
        node.stop()
    world.nodes.clear()
    world.run(10)
    for number in range(4):
        cluster.open(f"n{number}", tmp_path / f"n{number}")
    for node in world.nodes:
        node.consensus.start()
    world.run(30)
    assert min(world.heights()) > TIP + 5
    assert same_hashes(world)


def test_without_the_wal_the_same_height_cannot_be_signed_again(
    make: Make, tmp_path: Path, told: Callable[[], str]
) -> None:
    cluster = make(TIP)
    world = cluster.four([TIP] * 4)
    world.run(0.265)  # prevotes are out, no precommits
    for node in world.nodes:
        node.stop()
    world.nodes.clear()
    world.run(10)
    for number in range(4):
        shutil.rmtree(tmp_path / f"n{number}/chaindata/data/cs.wal")
        cluster.open(f"n{number}", tmp_path / f"n{number}").consensus.start()
    world.run(1.5)
    text = told()
    assert f'err="Cannot replay height {TIP + 1}. WAL does not contain #ENDHEIGHT for {TIP}"' in text
    assert "Conflicting data" in text
    assert "Step regression" in text


def test_a_block_of_another_chain_ends_the_consensus(make: Make, told: Callable[[], str]) -> None:
    world = make(TIP).four([TIP] * 4)
    node = world.nodes[0]
    own = node.chain.last_block
    assert own
    node.consensus.apply(replace(own, height=TIP + 1, previous=own.hash, app_hash="FF"))
    assert node.consensus.failed
    text = told()
    assert "CONSENSUS FAILURE!!!" in text
    assert "Wrong Block.Header.AppHash" in text


def test_a_full_disk_ends_the_consensus_and_not_the_process(
    make: Make, told: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, full = PrivValidator.save, tmp_path / "n0/priv_validator.json"

    def save_where_there_is_room(signer: PrivValidator) -> None:
        if signer.path == full:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(signer)

    world = make(TIP).four([TIP] * 4)
    monkeypatch.setattr(PrivValidator, "save", save_where_there_is_room)
    world.run(20)
    log = told()
    assert log.count("CONSENSUS FAILURE!!!") == 1
    assert "no space left on device" in log
    assert world.heights()[0] == TIP
    assert min(world.heights()[1:]) > TIP + 5
    assert world.nodes[0].consensus.failed


class TestASetElectedAnew:
    """The genesis knows a validator that has gone, and does not know one that has come."""

    @pytest.fixture
    def gone(self) -> Keys:
        return Keys.new(random.Random(6))

    @pytest.fixture
    def elected(self, keys: list[Keys], gone: Keys, tmp_path: Path) -> Iterator[Cluster]:
        founders = [*keys[:3], gone]
        ended = datetime(2026, 1, 1, tzinfo=UTC)
        history = History(keys, TIP, ended, timedelta(minutes=1), seed=1, founders=founders)
        snapshot = history.snapshots(tmp_path / "history", [TIP])[TIP]
        with ExitStack() as stack:
            yield Cluster(history, keys, snapshot, tmp_path, stack)

    def test_the_four_of_the_set_make_blocks_and_sign_with_their_powers(self, elected: Cluster) -> None:
        world = elected.four([TIP] * 4)
        before = world.nodes[0].chain.validators
        world.run(20)
        assert min(world.heights()) > TIP + 5
        assert all(
            now.power > old.power for now, old in zip(world.nodes[0].chain.validators, before, strict=True)
        )

    def test_one_that_only_the_genesis_knows_does_not_count(self, elected: Cluster, gone: Keys) -> None:
        """Three of the genesis's four run; of the set two: no block."""
        world = elected.world
        for name, keys in zip(("n0", "n1"), elected.keys, strict=False):
            elected.add(name, keys, TIP)
        elected.add("gone", gone, TIP)
        for node in world.nodes:
            node.consensus.start()
        world.run(60)
        assert world.heights() == [TIP] * 3

    def test_one_whom_the_genesis_does_not_know_counts(self, elected: Cluster) -> None:
        """Two of the genesis's four run, and three of the set: blocks."""
        world = elected.world
        for name, number in (("n0", 0), ("n1", 1), ("n3", 3)):
            elected.add(name, elected.keys[number], TIP)
        for node in world.nodes:
            node.consensus.start()
        world.run(60)
        assert min(world.heights()) > TIP + 5
