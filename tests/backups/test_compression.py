from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Iterator

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups.compression import CHUNK, detect, unpack
from loomtui.backups.model import Compression
from loomtui.errors import ArchiveRejected
from tests.backups.making import pack, tar_with

PACKED = [Compression.BZIP2, Compression.GZIP, Compression.ZSTD, Compression.XZ]
TAR = tar_with(("a", os.urandom(3000)), ("b", "text" * 1000))
SKIPPABLE = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"pzst"


def in_chunks(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("compression", Compression)
def test_kind_is_told_by_the_first_bytes(compression: Compression) -> None:
    assert detect(pack(TAR, compression)[:512]) is compression


def test_frames_without_data_are_zstandard_and_zeros_are_a_tar() -> None:
    assert detect(SKIPPABLE) is Compression.ZSTD
    assert detect(bytes(512)) is Compression.NONE


@pytest.mark.parametrize(
    ("head", "why"), [(b"", "empty: 0 bytes"), (b"PK\3\4" * 200, "no archive"), (b"hello", "no archive")]
)
def test_what_is_no_archive_is_refused(head: bytes, why: str) -> None:
    with pytest.raises(ArchiveRejected, match=why):
        detect(head)


@pytest.mark.parametrize("compression", Compression)
@given(data=st.binary(max_size=5000), size=st.integers(1, 700))
def test_any_data_in_any_chunks_comes_out_as_it_was(compression: Compression, data: bytes, size: int) -> None:
    assert b"".join(unpack(in_chunks(pack(data, compression), size), compression)) == data


@pytest.mark.parametrize("compression", PACKED)
def test_streams_in_a_row_are_one(compression: Compression) -> None:
    packed = pack(TAR, compression) + pack(TAR, compression)
    assert b"".join(unpack(in_chunks(packed), compression)) == TAR + TAR


def test_padding_and_frames_without_data_are_skipped() -> None:
    assert b"".join(unpack([gzip.compress(TAR), bytes(5), bytes(9)], Compression.GZIP)) == TAR
    assert b"".join(unpack([lzma.compress(TAR) + bytes(8)], Compression.XZ)) == TAR
    packed = SKIPPABLE + pack(TAR, Compression.ZSTD) + SKIPPABLE
    assert b"".join(unpack(in_chunks(packed), Compression.ZSTD)) == TAR


@pytest.mark.parametrize("compression", PACKED)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_truncation_is_found_and_placed(compression: Compression, part: float) -> None:
    packed = pack(TAR, compression)
    cut = packed[: int(len(packed) * part)]
    with pytest.raises(ArchiveRejected, match=rf"truncated: it ends at byte {len(cut):,}"):
        list(unpack(in_chunks(cut), compression))


@pytest.mark.parametrize("compression", PACKED)
def test_every_flipped_byte_in_the_data_is_found(compression: Compression) -> None:
    packed = pack(TAR, compression)
    for at in range(20, len(packed), 97):
        damaged = packed[:at] + bytes([packed[at] ^ 0x55]) + packed[at + 1 :]
        try:
            out = b"".join(unpack([damaged], compression))
        except ArchiveRejected:
            continue
        assert out == TAR  # a byte that carries no data, of a header


@pytest.mark.parametrize("compression", PACKED)
def test_damage_is_placed(compression: Compression) -> None:
    packed = bytearray(pack(os.urandom(300_000), compression))
    packed[200_000] ^= 0x55
    with pytest.raises(ArchiveRejected, match=r"corrupt between byte [\d,]+ and byte [\d,]+") as caught:
        list(unpack(in_chunks(bytes(packed)), compression))
    assert compression.value in caught.value.what


@pytest.mark.parametrize("compression", PACKED)
def test_garbage_behind_the_end_is_refused(compression: Compression) -> None:
    with pytest.raises(ArchiveRejected, match="whole streams"):
        list(unpack([pack(TAR, compression), b"garbage behind it"], compression))


@pytest.mark.parametrize("compression", PACKED)
def test_a_bomb_is_stopped_and_never_held_in_memory(
    compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.backups.compression.FREE_BYTES", 8 * CHUNK)
    zeros = bytes(40 * CHUNK)
    packed = bz2.compress(zeros) if compression is Compression.BZIP2 else pack(zeros, compression)
    pieces: list[int] = []
    with pytest.raises(ArchiveRejected, match="no backup of a node does"):
        pieces.extend(len(piece) for piece in unpack([packed], compression))
    assert sum(pieces) <= 16 * CHUNK


def test_a_window_larger_than_the_memory_allowed_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = stream.compress(TAR) + stream.flush()
    with pytest.raises(ArchiveRejected, match="too much memory"):
        list(unpack([packed], Compression.ZSTD))
