"""What a MANIFEST says should be there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.manifest import Version, file_number, read_manifest, was_left_open
from tests.loom import leveldb_writer


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def numbers(*values: int) -> bytes:
    return b"".join(varint(value) for value in values)


def text(value: bytes) -> bytes:
    return varint(len(value)) + value


def added(number: int, size: int, level: int = 0) -> bytes:
    """Field 7 of db/version_edit.cc."""
    return numbers(7, level, number, size) + text(b"smallest" + bytes(8)) + text(b"x" * 300)


def gone(number: int, level: int = 0) -> bytes:
    return numbers(6, level, number)


START = varint(1) + text(b"leveldb.BytewiseComparator") + numbers(2, 3, 9, 0, 3, 4, 4, 0)


def test_tables_are_those_that_were_added_and_not_deleted() -> None:
    edits = [
        START,
        numbers(2, 6, 3, 9) + added(5, 1000) + added(8, 2**40),
        numbers(5, 1) + text(b"pointer") + gone(5) + added(10, 700, 1),
        gone(10, 1) + added(10, 700, 2),  # moved to another level
    ]
    assert read_manifest(leveldb_writer.journal(edits)) == Version(6, 9, {8: 2**40, 10: 700})


def test_our_own_smallest_manifest_is_read() -> None:
    assert read_manifest(leveldb_writer.manifest(log_number=1, next_file=2, last_sequence=1)) == Version(
        1, 2, {}
    )


def test_a_torn_tail_ends_it_as_it_ends_the_databases_own_reading() -> None:
    whole = leveldb_writer.journal([START, added(5, 1000), gone(5)])
    assert read_manifest(whole[:-1]) == Version(3, 4, {5: 1000})


@pytest.mark.parametrize(
    "edit", [numbers(77, 1), numbers(7, 0, 5), varint(1) + varint(10) + b"short", b"\xff" * 12]
)
def test_an_edit_of_no_known_form_ends_it(edit: bytes) -> None:
    assert read_manifest(leveldb_writer.journal([START, edit, added(5, 1)])) == Version(3, 4, {})


def test_nothing_to_be_read_is_nothing() -> None:
    assert read_manifest(b"") is None
    assert read_manifest(b"MANIFEST" * 100) is None


def test_no_manifest_fills_the_memory() -> None:
    many = b"".join(numbers(7, 0, number, 1, 0, 0) for number in range(30))
    assert read_manifest(leveldb_writer.journal([many]), limit=30) is not None
    assert read_manifest(leveldb_writer.journal([many]), limit=29) is None
    assert read_manifest(leveldb_writer.journal([many]), limit=10) is None


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    read_manifest(data)
    read_manifest(leveldb_writer.journal([START, data]))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("MANIFEST-000012", ("manifest", 12)),
        ("000012.ldb", ("table", 12)),
        ("1234567.sst", ("table", 1234567)),
        ("000003.log", ("log", 3)),
        ("LOG", None),
        ("LOG.old", None),
        ("CURRENT", None),
        ("wal.000", None),
        ("x000012.ldb", None),
    ],
)
def test_files_are_known_by_their_names(name: str, found: tuple[str, int] | None) -> None:
    assert file_number(name) == found


@pytest.mark.parametrize(
    ("log", "left_open"),
    [
        (b"", False),
        (b"12:00:00 db@open opening\n12:00:00 db@open done\n12:00:01 memdb@flush N\n", True),
        (b"db@open done\ndb@close closing\ndb@close done\n", False),
        (b"db@open done\ndb@close done\n=== Sep 6 ===\ndb@open opening\n", True),
        (b"2018/09/06-12:34:56 7f Recovering log #3\n", False),  # LevelDB in C++
    ],
)
def test_whether_it_was_closed_is_in_its_log(log: bytes, left_open: bool) -> None:
    assert was_left_open(log) is left_open
