"""The test data of benchmarks: like a node's tables, and behind a real backup."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from benchmarks import tables
from benchmarks.tables import TABLE_BYTES, Packing, Tables, grow, pack_tables, tables_of


def _tar(path: str, body: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo(path)
        member.size = len(body)
        archive.addfile(member, io.BytesIO(body))
    return file.getvalue()


@pytest.mark.parametrize("packing", list(Packing))
def test_a_grown_backup_holds_what_it_held_and_the_tables(tmp_path: Path, packing: Packing) -> None:
    wanted = Tables(1)
    packed = pack_tables(wanted, packing, tmp_path)
    grow(_tar("app.db/CURRENT", b"MANIFEST-000001\n"), packed, packing, tmp_path / "grown")
    with tarfile.open(tmp_path / "grown") as archive:
        found = {member.name: member.size for member in archive}
    assert found == {"app.db/CURRENT": 16, "app.db/000100.ldb": TABLE_BYTES}


def test_bzip2_makes_of_a_table_what_it_makes_of_a_nodes(tmp_path: Path) -> None:
    packed = pack_tables(Tables(1), Packing.BZIP2, tmp_path)
    assert 0.6 < packed.stat().st_size / TABLE_BYTES < 0.8


def test_what_was_packed_once_is_not_packed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pack_tables(Tables(0), Packing.STORED, tmp_path)
    monkeypatch.setattr(tables, "_write", None)
    assert pack_tables(Tables(0), Packing.STORED, tmp_path) == first


def test_every_night_a_twentieth_of_the_tables_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "TABLE_BYTES", 1_000)
    first, second, third = (dict(Tables(100, night).bodies()) for night in range(3))
    assert first.keys() == second.keys()
    assert len(set(first.values())) == 100
    assert sum(first[path] != second[path] for path in first) == 5
    assert sum(second[path] != third[path] for path in first) == 5


def test_so_many_megabytes_are_so_many_tables() -> None:
    assert tables_of(1_000).size_bytes == pytest.approx(1e9, rel=0.01)
