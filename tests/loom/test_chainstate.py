"""What a real node's databases tell of its chain, and what hostile ones do not do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loomtui.loom import leveldb
from loomtui.loom.amino import data_of, inner, number, read_message
from loomtui.loom.chainstate import (
    MAX_STATE_BYTES,
    MAX_VALIDATORS,
    ChainState,
    decode_chain_state,
    read_chain_state,
    read_genesis_doc,
)
from loomtui.loom.genesis import read_tendermint_genesis
from tests.loom.leveldb_writer import journal, write_batch

REAL = Path(__file__).parent / "real"
STATE = (REAL / "state.db/000001.log").read_bytes()
STORE = (REAL / "blockstore.db/000001.log").read_bytes()
STATE_VALUES = {key: value for batch in leveldb.records(STATE) for key, value in leveldb.puts(batch)}
STORE_VALUES = {key: value for batch in leveldb.records(STORE) for key, value in leveldb.puts(batch)}
STATE_VALUE = STATE_VALUES[b"stateKey"]

#: As the node's RPC told them.
HASH = "98E17F19A7B9B661383C1A7B5A37A1AC87E070130BD39BEB4B0B677C661AB284"
APP_HASH = "1D0037B28DD9AF9CF2C1044E655C209B37227C25DA7B8890E566FEB05E735A83"
TIME = datetime(2026, 11, 29, 1, 1, 0, 679730, UTC)
ADDRESSES = {
    "1966E40CFF96AAF7F06B31BD15524F5B986B1A03",
    "745A582DDE1CB460E75F6EB47D9E03771B196056",
    "7E020B557D5CCA075AFCB7C327BF3EE419DDE799",
    "B4B3847DFE5F9A6CD1294F892E66CE3701062842",
}


def real() -> ChainState:
    state = read_chain_state(STATE)
    assert state is not None
    return state


class TestTheRealNode:
    def test_its_chain_and_its_last_block(self) -> None:
        state = real()
        assert (state.chain_id, state.height, state.block_hash) == ("default", 49, HASH)
        assert state.block_time == TIME
        assert state.app_hash == APP_HASH

    @pytest.mark.parametrize(
        ("field", "power"),
        [
            ("last_validators", 1250000182331),
            ("validators", 1250000186295),
            ("next_validators", 1250000190258),
        ],
    )
    def test_who_decided_and_who_decides_with_which_power(self, field: str, power: int) -> None:
        found = getattr(real(), field)
        assert {entry.address for entry in found} == ADDRESSES
        assert {entry.power for entry in found} == {power}

    def test_the_set_changed_with_the_last_block(self) -> None:
        assert real().last_change == 51

    def test_its_heights_agree(self) -> None:
        assert leveldb.state_height(STATE) == leveldb.store_height(STORE) == 49

    def test_the_block_store_holds_the_same_block(self) -> None:
        meta = read_message(STORE_VALUES[b"H:49"])
        header = inner(meta, 2)
        assert data_of(inner(meta, 1), 1).hex().upper() == HASH
        assert (data_of(header, 2), number(header, 3)) == (b"default", 49)
        time = inner(header, 4)
        assert number(time, 2) == 679730944
        assert datetime.fromtimestamp(number(time, 1), UTC) + timedelta(microseconds=679730) == TIME

    def test_its_genesis_is_in_the_journal_and_tells_other_powers(self) -> None:
        text = read_genesis_doc(STATE)
        assert text is not None
        assert json.loads(text) == json.loads((REAL / "genesis.json").read_text())
        genesis = read_tendermint_genesis(text)
        assert {entry.address for entry in genesis.validators} == ADDRESSES
        assert {entry.power for entry in genesis.validators} == {10}
        assert {entry.public_key for entry in genesis.validators} == {e.public_key for e in real().validators}

    def test_where_a_set_did_not_change_only_the_height_of_the_change_is_kept(self) -> None:
        value = STATE_VALUES[b"validatorsKey:2"]
        assert (len(value), number(read_message(value), 2)) == (2, 1)

    def test_the_state_before_the_first_block_has_no_block(self) -> None:
        first = next(
            value
            for batch in leveldb.records(STATE)
            for key, value in leveldb.puts(batch)
            if key == b"stateKey"
        )
        state = decode_chain_state(first)
        assert state is not None
        assert (state.height, state.block_hash, state.block_time) == (0, None, None)
        assert {entry.power for entry in state.validators} == {10}
        assert state.last_validators == ()

    def test_every_state_of_its_journal_is_read_and_heights_grow_by_one(self) -> None:
        states = [
            decode_chain_state(value)
            for batch in leveldb.records(STATE)
            for key, value in leveldb.puts(batch)
            if key == b"stateKey"
        ]
        heights = [state.height for state in states if state]
        assert len(heights) == len(states)
        assert sorted(set(heights)) == list(range(50))
        assert heights == sorted(heights)


def test_a_tail_of_the_journal_is_enough() -> None:
    tail = STATE[-(len(STATE) % leveldb.BLOCK_SIZE) - leveldb.BLOCK_SIZE :]
    assert read_chain_state(tail) == real()
    assert read_genesis_doc(tail) is None


def test_the_last_state_counts_even_if_it_is_malformed() -> None:
    good, bad = write_batch(1, [(b"stateKey", STATE_VALUE)]), write_batch(2, [(b"stateKey", b"?")])
    assert read_chain_state(journal([bad, good])) == real()
    assert read_chain_state(journal([good, bad])) is None


def test_a_journal_without_a_state_tells_none() -> None:
    assert read_chain_state(journal([write_batch(1, [(b"other", b"1")])])) is None
    assert read_genesis_doc(journal([write_batch(1, [(b"other", b"1")])])) is None
    assert read_chain_state(b"") is None


@pytest.mark.parametrize(
    "value", [b"", b"{}", b"\xff", b'{"chain_id": ""}', b'{"chain_id":"a","validators":[1]}']
)
def test_a_genesis_that_is_none_is_not_taken(value: bytes) -> None:
    assert read_genesis_doc(journal([write_batch(1, [(b"genesisDoc", value)])])) is None


def field(tag: int, value: int | bytes) -> bytes:
    """Of protobuf's wire format, by its definition."""
    return (
        _number(tag << 3) + _number(value)
        if isinstance(value, int)
        else (_number(tag << 3 | 2) + _number(len(value)) + value)
    )


def _number(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def state_with(**changes: bytes | int | None) -> bytes:
    """The real state with some fields (`f3` …) changed, or left out."""
    message = {tag: values[0] for tag, values in read_message(STATE_VALUE).items()}
    for name, value in changes.items():
        if value is None:
            del message[int(name[1:])]
        else:
            message[int(name[1:])] = value
    return b"".join(field(tag, value) for tag, value in sorted(message.items()))


def validator(power: int = 5, *, key: bytes = bytes(32), address: bytes | None = None) -> bytes:
    from loomtui.loom.nodekey import validator_address

    own = bytes.fromhex(validator_address(key)) if address is None else address
    stored = bytes.fromhex("1624de6420") + key
    return field(1, field(1, own) + field(2, stored) + field(3, power))


def test_the_real_state_put_together_anew_is_the_same() -> None:
    assert state_with() == STATE_VALUE


@pytest.mark.parametrize(
    "value",
    [
        state_with(f2=None),
        state_with(f2=b"x" * 51),
        state_with(f2=b"\xff"),
        state_with(f3=-1),
        state_with(f3=b"49"),
        state_with(f3=None),  # no height, and yet a block
        state_with(f5=None),  # a height, and no block
        state_with(f5=field(1, b"h" * 65)),
        state_with(f6=field(1, 2**62)),
        state_with(f6=field(2, 10**9)),
        state_with(f7=None),
        state_with(f8=None),
        state_with(f8=b""),
        state_with(f8=validator(power=0)),
        state_with(f8=validator(power=-1)),
        state_with(f8=validator(key=bytes(31))),
        state_with(f8=validator(address=bytes(20))),
        state_with(f8=validator() * 2),
        state_with(f8=validator() * (MAX_VALIDATORS + 1)),
        state_with(f10=-1),
        state_with(f14=b"h" * 65),
        state_with() + field(14, b"again"),
        state_with() + field(1, b"out of order"),
        state_with() + field(15, bytes(MAX_STATE_BYTES)),
        state_with()[:-1],
    ],
)  # fmt: skip
def test_a_malformed_state_is_none(value: bytes) -> None:
    assert decode_chain_state(value) is None


def test_a_field_that_is_not_known_does_no_harm() -> None:
    assert decode_chain_state(state_with() + field(99, 1)) == real()


@given(st.binary(max_size=400))
@example(b"\x80" * 100)
@example(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
def test_any_bytes_are_read_or_are_none(noise: bytes) -> None:
    decode_chain_state(noise)
    read_chain_state(noise)
    read_genesis_doc(noise)
    inside = journal([write_batch(1, [(b"genesisDoc", noise), (b"stateKey", noise)])])
    read_chain_state(inside)
    read_genesis_doc(inside)


@given(st.integers(0, len(STATE_VALUE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_another_state_or_none(at: int, change: int) -> None:
    value = bytearray(STATE_VALUE)
    value[at] ^= change
    state = decode_chain_state(bytes(value))
    assert state is None or (0 < len(state.validators) <= MAX_VALIDATORS and state.height >= 0)


@given(st.integers(0, len(STATE_VALUE) - 1))
def test_a_state_that_is_cut_off_is_never_of_more_than_it_holds(length: int) -> None:
    """Behind the set of field 7 and 8 all else may be left out, as amino leaves zeros out."""
    state = decode_chain_state(STATE_VALUE[:length])
    assert state is None or (state.next_validators, state.validators) == (
        real().next_validators,
        real().validators,
    )
