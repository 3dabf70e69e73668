from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups import archive
from loomtui.backups.archive import Reading, read
from loomtui.backups.model import Compression, MemberType
from loomtui.errors import ArchiveRejected
from loomtui.loom.databases import NODE_KEY, VALIDATOR
from tests.backups.making import (
    ID_A,
    KEY_A,
    info,
    make_node,
    members_of,
    node_key,
    pack,
    priv_validator,
    stuff,
    tar_of,
    tar_of_infos,
    tar_with,
)
from tests.loom import leveldb_writer


def reading_of(data: bytes, size: int = 10_000) -> Reading:
    reading = Reading()
    read((data[at : at + size] for at in range(0, len(data), size)), reading)
    return reading


@pytest.mark.parametrize("compression", Compression)
def test_an_archive_of_the_tar_method_is_read_in_one_pass(tmp_path: Path, compression: Compression) -> None:
    """Its second pass over chaindata/config is stored as hard links that name themselves."""
    home = make_node(tmp_path)
    tar = tar_of(home, stuff("920b0f5", data=True, config=True), root=tmp_path)
    assert any(member.islnk() and member.linkname == member.name for member in members_of(tar))
    reading = reading_of(pack(tar, compression), size=777)
    assert reading.complete
    assert reading.compression is compression
    assert [member.path for member in reading.members] == [member.name for member in members_of(tar)]
    files = [member for member in members_of(tar) if member.isreg()]
    assert reading.file_count == len(files)
    assert reading.unpacked_bytes == sum(member.size for member in files)
    assert (reading.app_height, reading.store_height) == (100, 100)
    assert reading.node_keys[NODE_KEY].node_id == ID_A
    assert reading.validators[VALIDATOR].signing is not None
    assert reading.databases["app.db"].current == "MANIFEST-000000"
    assert reading.databases["app.db"].version is not None


def test_nothing_private_is_kept(tmp_path: Path) -> None:
    home = make_node(tmp_path)
    reading = reading_of(tar_of(home, ("chaindata", "loom.yml")))
    assert KEY_A not in repr(reading)
    assert NODE_KEY not in reading.texts
    digest = hashlib.sha256((home / NODE_KEY).read_bytes()).hexdigest()
    assert reading.files[NODE_KEY].digest == digest


def test_of_a_file_stored_twice_the_last_one_counts() -> None:
    reading = reading_of(tar_with((VALIDATOR, priv_validator(100)), (VALIDATOR, priv_validator(103))))
    signing = reading.validators[VALIDATOR].signing
    assert signing is not None
    assert signing.height == 103


def test_of_a_long_journal_the_end_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_JOURNAL_BYTES", 64 * 1024)
    batches = [
        leveldb_writer.write_batch(1, [(b"r" + n.to_bytes(8, "big"), b"x" * 50)]) for n in range(1, 10_001)
    ]
    journal = leveldb_writer.journal(batches)
    assert len(journal) > 10 * archive.MAX_JOURNAL_BYTES
    reading = reading_of(tar_with(("app.db/000001.log", journal)))
    assert reading.app_height == 10_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (bytes(10240), "nothing is in it"),
        (tar_with(("a", "x"))[:512], "truncated"),
        (tar_with(("a", "x" * 2000))[:1500], "truncated"),
        (tar_with(("a", "x"))[:1024], "truncated at byte 1,024"),
        (tar_with(("a", "x"), ("b", "y"))[:1300], "truncated"),
        (tar_with(("a", "x"), ("b", "y"))[:1024] + b"garbage " * 100, "corrupt at byte 1,024"),
        (tar_with(("a", "x")) + b"garbage", "something follows the end"),
        (tar_with(("a", "x")) + tar_with(("b", "y")), "something follows the end"),
    ],
)
def test_damaged_tars_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(ArchiveRejected, match=why):
        reading_of(data)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (info("../x"), "leads out"),
        (info("/etc/passwd"), "absolute name"),
        (info("app.db", tarfile.SYMTYPE, "/mnt/data"), "leads out"),
        (info("x", tarfile.LNKTYPE, "../../etc/shadow"), "leads out"),
        (info("x", tarfile.LNKTYPE, "x"), "no file that comes before"),
        (info("dev/sda", tarfile.BLKTYPE), "neither a file nor a folder"),
        (info("dev/tty", tarfile.CHRTYPE), "neither a file nor a folder"),
        (info("pipe", tarfile.FIFOTYPE), "neither a file nor a folder"),
        (info("a\x1b]52;c;eA==\x07"), "control characters"),
        (info("x" * 300), "longer than Linux allows"),
    ],
)
@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_hostile_archives_are_refused(header: tarfile.TarInfo, why: str, format: int) -> None:
    with pytest.raises(ArchiveRejected, match=why):
        reading_of(tar_of_infos(header, format=format))


def test_a_hostile_member_is_only_listed_where_nothing_will_be_unpacked() -> None:
    reading = Reading()
    read([tar_of_infos(info("../x"))], reading, check=False)
    assert [member.path for member in reading.members] == ["../x"]


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_headers_of_absurd_size_are_refused_before_they_are_read(kind: bytes) -> None:
    header = info("x", kind)
    header.size = 8 * 1024**3
    with pytest.raises(ArchiveRejected, match="absurd size of 8589934592"):
        reading_of(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def test_a_negative_size_is_refused() -> None:
    header = info("x")
    header.size = -1024
    with pytest.raises(ArchiveRejected, match="absurd size of -1024"):
        reading_of(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def test_a_sparse_file_is_refused() -> None:
    header = info("x", tarfile.GNUTYPE_SPARSE)
    with pytest.raises(ArchiveRejected, match="neither a file nor a folder"):
        reading_of(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def test_a_row_of_headers_without_end_is_refused() -> None:
    row = b"".join(info("x", tarfile.GNUTYPE_LONGNAME).tobuf(tarfile.GNU_FORMAT) for _ in range(20_000))
    with pytest.raises(ArchiveRejected, match="corrupt"):
        reading_of(row + bytes(1024))


def test_more_config_files_than_any_node_has_are_refused() -> None:
    with pytest.raises(ArchiveRejected, match="more than 200 config files"):
        reading_of(tar_with(*((f"{number}/loom.yml", "") for number in range(201))))


def test_what_was_read_before_the_damage_stays() -> None:
    reading = Reading()
    with pytest.raises(ArchiveRejected):
        read([tar_with(("node_key.json", node_key()), ("b", "y" * 5000))[:3000]], reading)
    assert [member.path for member in reading.members] == ["node_key.json", "b"]
    assert not reading.complete


@given(st.binary(max_size=2000), st.integers(0, 4000), st.booleans())
def test_any_bytes_are_read_or_refused(noise: bytes, at: int, packed: bool) -> None:
    """Never another exception than ArchiveRejected, and never a member that tar does not see."""
    tar = tar_with(("app.db/CURRENT", "x" * 700), ("loom.yml", "ChainID: default"), ("c", "z" * 600))
    damaged = tar[:at] + noise + tar[at + len(noise) :]
    reading = Reading()
    try:
        read([pack(damaged, Compression.GZIP) if packed else damaged], reading)
    except ArchiveRejected:
        return
    assert all(member.type in MemberType for member in reading.members)
    assert [member.path for member in reading.members] == [one.name for one in members_of(damaged)]


def test_names_that_are_not_utf8_are_refused() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding="latin-1") as tar:
        tar.addfile(info("chaindata/ü"))
    with pytest.raises(ArchiveRejected, match="not UTF-8"):
        reading_of(out.getvalue())
