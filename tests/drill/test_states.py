"""The stand-in's state.db, checked by the reader that is made for real ones and by a real node's bytes."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.drill.history import ELECTION, History, Keys
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.node.standin_chain import Chain
from loomtui.drill.node.states import REWARD, STAKE, State, read_validators
from loomtui.loom import leveldb
from loomtui.loom.chainstate import Power, decode_chain_state, read_chain_state, read_genesis_doc
from tests.loom.test_chainstate import STATE as REAL_JOURNAL
from tests.loom.test_chainstate import STATE_VALUE, STATE_VALUES

TIP = 9
_ENDED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys() -> list[Keys]:
    source = random.Random(7)
    return [Keys.new(source) for _ in range(5)]


def made(folder: Path, keys: Sequence[Keys], **past: Sequence[Keys] | Sequence[int]) -> tuple[History, Path]:
    history = History(keys, TIP, _ENDED, timedelta(minutes=1), 1, **past)  # type: ignore[arg-type]
    return history, history.snapshots(folder, [TIP])[TIP]


def journal(root: Path) -> bytes:
    return (root / "chaindata/data/state.db/000003.log").read_bytes()


def values(root: Path) -> Mapping[bytes, bytes]:
    return {k: v for batch in leveldb.records(journal(root)) for k, v in leveldb.puts(batch)}


def addresses(keys: Sequence[Keys]) -> set[str]:
    return {PrivValidator(Path(), entry.validator).address for entry in keys}


def members(powers: Sequence[Power]) -> dict[str, int]:
    return {entry.address: entry.power for entry in powers}


def test_the_engine_reads_the_state_of_the_stand_in(tmp_path: Path, keys: list[Keys]) -> None:
    history, root = made(tmp_path, keys[:4])
    state = read_chain_state(journal(root))
    assert state is not None
    with closing(Chain(root, history.genesis)) as chain:
        last = chain.last_block
        assert last is not None
        assert (state.chain_id, state.height, state.block_hash) == ("default", TIP, last.hash)
        assert state.block_time == _ENDED
        assert state.app_hash == chain.app_hash
        assert members(state.validators) == {e.address: e.power for e in chain.validators}


def test_powers_are_of_the_genesis_for_two_blocks_and_grow_with_every_one_after(
    tmp_path: Path, keys: list[Keys]
) -> None:
    history, root = made(tmp_path, keys[:4])
    with closing(Chain(root, history.genesis)) as chain:
        powers = [{entry.power for entry in chain.validators_at(height)} for height in range(1, TIP + 3)]
    assert powers == [{10}, {10}, *({STAKE + n * REWARD} for n in range(TIP))]


def test_every_key_is_kept_that_tendermint_keeps(tmp_path: Path, keys: list[Keys]) -> None:
    history, root = made(tmp_path, keys[:4])
    found = values(root)
    wanted = {b"genesisDoc", b"stateKey"}
    wanted |= {b"validatorsKey:%d" % height for height in range(1, TIP + 3)}
    wanted |= {b"consensusParamsKey:%d" % height for height in range(1, TIP + 2)}
    assert set(found) == wanted
    for key in (b"consensusParamsKey:1", b"consensusParamsKey:2", b"validatorsKey:2"):
        assert found[key] == STATE_VALUES[key]
    text = read_genesis_doc(journal(root))
    assert text is not None
    assert json.loads(text) == json.loads(history.tendermint_genesis)


def test_the_stand_in_reads_a_real_node_s_state() -> None:
    real, told = State.decode(STATE_VALUE), read_chain_state(REAL_JOURNAL)
    assert told is not None
    assert decode_chain_state(real.encode()) == told
    assert {entry.power for entry in read_validators(STATE_VALUES[b"validatorsKey:50"])} == {1250000186295}


def test_a_state_before_the_first_block_is_read_by_the_engine(keys: list[Keys]) -> None:
    history = History(keys, 1, _ENDED, timedelta(minutes=1), 1)
    state = State.of_genesis(history.genesis)
    assert State.decode(state.encode()) == state
    told = decode_chain_state(state.encode())
    assert told is not None
    assert (told.height, told.block_hash, told.block_time, told.last_validators) == (0, None, None, ())


def test_a_set_elected_anew_knows_one_whom_the_genesis_does_not_and_lacks_one_of_it(
    tmp_path: Path, keys: list[Keys]
) -> None:
    now, founders = keys[:4], [*keys[:3], keys[4]]
    history, root = made(tmp_path, now, founders=founders)
    state = read_chain_state(journal(root))
    assert state is not None
    assert set(members(state.validators)) == addresses(now)
    assert {entry.address for entry in history.genesis.validators} == addresses(founders)
    with closing(Chain(root, history.genesis)) as chain:
        assert {entry.address for entry in chain.validators_at(ELECTION + 1)} == addresses(founders)
        assert {entry.address for entry in chain.validators_at(ELECTION + 2)} == addresses(now)
        signed = chain.block(ELECTION + 2)
        assert signed is not None
        assert set(signed.signers) == addresses(now)


def test_stakes_may_differ(tmp_path: Path, keys: list[Keys]) -> None:
    stakes = [9 * STAKE, STAKE, STAKE, STAKE]
    _, root = made(tmp_path, keys[:4], stakes=stakes)
    state = read_chain_state(journal(root))
    assert state is not None
    most = max(state.validators, key=lambda entry: entry.power)
    assert {most.address} == addresses(keys[:1])
    assert most.power > 8 * STAKE


def test_a_node_with_data_ignores_a_genesis_file_of_another_chain(tmp_path: Path, keys: list[Keys]) -> None:
    history, root = made(tmp_path, keys[:4])
    other = History(keys[4:], 1, _ENDED, timedelta(minutes=1), 1)
    foreign = replace(other.genesis, app_hash=history.genesis.app_hash)
    with closing(Chain(root, foreign)) as chain:
        chain.handshake(lambda _: None)
        assert {entry.address for entry in chain.validators} == addresses(keys[:4])
        assert json.loads(chain.genesis.text) == json.loads(history.tendermint_genesis)


def test_a_node_without_data_begins_with_the_genesis_file(tmp_path: Path, keys: list[Keys]) -> None:
    history, root = made(tmp_path, keys[:4])
    other = History(keys[4:], 1, _ENDED, timedelta(minutes=1), 1)
    shutil.rmtree(root / "chaindata")
    shutil.rmtree(root / "app.db")
    shutil.rmtree(root / "app_v2.db", ignore_errors=True)
    with closing(Chain(root, other.genesis)) as chain:
        chain.handshake(lambda _: None)
        assert (chain.height, {entry.address for entry in chain.validators}) == (0, addresses(keys[4:]))
    assert history.genesis.hash != other.genesis.hash
