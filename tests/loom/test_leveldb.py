from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loomtui.loom.leveldb import (
    BLOCK_SIZE,
    app_height,
    puts,
    records,
    store_height,
)
from tests.loom.leveldb_writer import journal, manifest, write_batch

#: A write batch as LevelDB writes it: put "a" = "1" with sequence number 1.
KNOWN_BATCH = bytes.fromhex("0100000000000000 01000000 01 01 61 01 31".replace(" ", ""))


def root(version: int) -> tuple[bytes, bytes]:
    return b"r" + version.to_bytes(8, "big"), b"hash"


def store(height: int) -> tuple[bytes, bytes]:
    return b"blockStore", b'{"height":"%d"}' % height


def test_a_record_is_checksum_length_type_and_data() -> None:
    data = journal([bytes(31)])
    assert struct.unpack_from("<IHB", data) == (_masked(b"\x01" + bytes(31)), 31, 1)
    assert data[7:] == bytes(31)


def _masked(data: bytes) -> int:
    """Bit by bit, unlike the table in the code."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32


def test_the_reference_checksums_of_rfc_3720_hold() -> None:
    def crc(data: bytes) -> int:
        rotated = (_masked(data) - 0xA282EAD8) % 2**32
        return ((rotated >> 17) | (rotated << 15)) % 2**32

    assert crc(bytes(32)) == 0x8A9136AA
    assert crc(b"\xff" * 32) == 0x62A8AB43
    assert crc(bytes(range(32))) == 0x46DD794E


def test_a_write_batch_as_leveldb_writes_it() -> None:
    assert write_batch(1, [(b"a", b"1")]) == KNOWN_BATCH
    assert list(puts(KNOWN_BATCH)) == [(b"a", b"1")]


def test_deletions_are_passed_over() -> None:
    batch = KNOWN_BATCH[:12] + b"\x00\x01x" + KNOWN_BATCH[12:]
    assert list(puts(batch)) == [(b"a", b"1")]


@pytest.mark.parametrize(
    "rest",
    [b"\x07\x01x\x01y", b"\x01", b"\x01\x05abc", b"\x01\x01a\x09x", b"\x01\xff\xff\xff\xff\xff\xff", b"\x00"],
)
def test_a_malformed_rest_ends_a_batch(rest: bytes) -> None:
    assert list(puts(KNOWN_BATCH + rest)) == [(b"a", b"1")]
    assert list(puts(rest)) == []


sizes = st.one_of(
    st.integers(0, 300), st.sampled_from([BLOCK_SIZE - 14, BLOCK_SIZE - 8, BLOCK_SIZE - 7, 70_000])
)


@settings(max_examples=25)
@given(st.lists(sizes, max_size=6))
def test_what_is_written_is_read_again(lengths: list[int]) -> None:
    batches = [bytes([at % 251]) * length for at, length in enumerate(lengths)]
    assert list(records(journal(batches))) == batches


@settings(max_examples=40)
@given(st.integers(0, 100_000))
def test_a_torn_tail_loses_only_what_is_torn(cut: int) -> None:
    batches = [bytes([at]) * 9_000 for at in range(11)]
    found = list(records(journal(batches)[:cut]))
    assert found == batches[: len(found)]
    assert len(found) >= cut // 9_100 - 1


def test_a_flipped_bit_ends_the_reading() -> None:
    data = bytearray(journal([b"one", b"two", b"three"]))
    data[7 + 3 + 8] ^= 1
    assert list(records(bytes(data))) == [b"one"]


def test_zeroes_after_the_last_record_end_it() -> None:
    assert list(records(journal([b"one"]) + bytes(100))) == [b"one"]


def test_the_tail_of_a_journal_can_be_read_from_a_block_on() -> None:
    data = journal([b"x" * 100_000, b"second", b"third"])
    assert list(records(data[BLOCK_SIZE:])) == [b"second", b"third"]


def test_a_record_that_begins_anew_replaces_the_unfinished_one() -> None:
    torn = journal([b"x" * 40_000])[:BLOCK_SIZE]
    assert list(records(torn + journal([b"y" * 40_000]))) == [b"y" * 40_000]
    assert list(records(torn + journal([b"short"]))) == [b"short"]


def test_the_store_height_is_the_last_that_was_written() -> None:
    assert (
        store_height(journal([write_batch(1, [store(99)]), write_batch(2, [(b"H:100", b"x"), store(100)])]))
        == 100
    )


@pytest.mark.parametrize(
    ("value", "height"),
    [
        (b'{"height":"42"}', 42),
        (b'{"Height":42}', 42),
        (b'{"height":"-1"}', None),
        (b'{"height":"x"}', None),
        (b"{}", None),
        (b"\xff", None),
    ],
)
def test_both_forms_of_the_store_height(value: bytes, height: int | None) -> None:
    assert store_height(journal([write_batch(1, [(b"blockStore", value)])])) == height


def test_the_app_height_is_the_last_version_saved() -> None:
    batches = [write_batch(at, [(b"n" * 20, b"node"), root(at)]) for at in range(1, 20)]
    assert app_height(journal(batches)) == 19


def test_versions_of_the_older_form() -> None:
    assert app_height(journal([write_batch(1, [(b"r/0000000120", b"x")])])) == 120


@pytest.mark.parametrize(
    "key", [b"r", b"r1234567", b"x12345678", b"r\xff\xff\xff\xff\xff\xff\xff\xff", b"r/12345678x"]
)
def test_other_keys_are_no_versions(key: bytes) -> None:
    assert app_height(journal([write_batch(1, [(key, b"x")])])) is None


def test_a_height_far_from_the_end_is_found() -> None:
    padding = [write_batch(at, [(b"n%d" % at, bytes(30_000))]) for at in range(30)]
    data = journal([write_batch(1, [root(7), store(8)]), *padding])
    assert len(data) > 16 * BLOCK_SIZE
    assert (app_height(data), store_height(data)) == (7, 8)


def test_a_height_within_a_batch_that_spans_many_blocks() -> None:
    data = journal([write_batch(1, [root(1)]), write_batch(2, [(b"n", bytes(500_000)), root(2)])])
    assert app_height(data) == 2


def test_an_empty_journal_has_no_height() -> None:
    assert (app_height(b""), store_height(b"")) == (None, None)


def test_the_manifest_is_one_version_edit() -> None:
    (edit,) = records(manifest(log_number=3, next_file=300, last_sequence=7))
    assert edit == b"\x01\x1aleveldb.BytewiseComparator\x02\x03\x03\xac\x02\x04\x07"


@given(st.binary(max_size=2_000))
def test_no_bytes_raise(data: bytes) -> None:
    list(records(data))
    list(puts(data))
    app_height(data)
    store_height(journal([data]))
    app_height(journal([data]))
