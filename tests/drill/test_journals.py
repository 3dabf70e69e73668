"""The stand-in's databases, checked by the reader that is made for real ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.drill.node.journals import BLOCK, Database, DatabaseError, batch, frame
from loomtui.loom import leveldb

_ITEMS = st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=5000)), min_size=1, max_size=4)


@given(st.lists(_ITEMS, max_size=30), st.integers(0, BLOCK - 1))
def test_the_engine_reads_what_the_stand_in_writes(
    batches: list[list[tuple[bytes, bytes]]], lead: int
) -> None:
    first = batch(1, [(b"lead", bytes(lead))])
    data = frame(first, 0)
    written = [first]
    for items in batches:
        written.append(batch(len(written), items))
        data += frame(written[-1], len(data))
    assert list(leveldb.records(data)) == written
    found = [pair for record in leveldb.records(data) for pair in leveldb.puts(record)]
    assert found[1:] == [pair for items in batches for pair in items]


def test_it_comes_back_with_everything_after_it_was_closed(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "a.db")
    for number in range(3000):
        database.put((b"%d" % number, b"x" * 30))
    database.close()
    again = Database.open(tmp_path / "a.db")
    assert len(again.values) == 3000
    again.close()


def test_a_torn_tail_is_forgotten_and_written_over(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "a.db")
    database.put((b"kept", b"1"))
    database.put((b"torn", b"2"))
    database.close()
    journal = tmp_path / "a.db/000003.log"
    os.truncate(journal, journal.stat().st_size - 1)
    again = Database.open(tmp_path / "a.db")
    assert dict(again.values) == {b"kept": b"1"}
    again.put((b"new", b"3"))
    again.close()
    assert len(list(leveldb.records(journal.read_bytes()))) == 2


def test_a_second_opener_is_refused(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "a.db")
    with pytest.raises(DatabaseError, match="resource temporarily unavailable"):
        Database.open(tmp_path / "a.db")
    database.close()


def test_files_without_current_are_a_broken_database(tmp_path: Path) -> None:
    Database.open(tmp_path / "a.db").close()
    (tmp_path / "a.db/CURRENT").unlink()
    with pytest.raises(DatabaseError, match=r"file missing \[file=MANIFEST-000000\]"):
        Database.open(tmp_path / "a.db")
