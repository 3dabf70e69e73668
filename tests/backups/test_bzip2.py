"""bzip2 on several cores gives what the standard library gives, and refuses what it refuses."""

from __future__ import annotations

import bz2
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loomtui.backups import bzip2
from loomtui.backups.compression import unpack
from loomtui.backups.model import Compression
from loomtui.errors import ArchiveRejected


def cut(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def unpacked(data: bytes, chunk: int = 1000) -> bytes:
    return b"".join(unpack(cut(data, chunk), Compression.BZIP2, threads=2))


def material(size: int, seed: int = 1) -> bytes:
    """Half of it shrinks."""
    source = random.Random(seed)
    return b"".join(source.randbytes(50) + b"a" * 50 for _ in range(size // 100))


@pytest.mark.parametrize("level", [1, 9])
@pytest.mark.parametrize("chunk", [7, 1000, 10**6])
def test_streams_of_many_blocks(level: int, chunk: int) -> None:
    plain = material(450_000)
    packed = bz2.compress(plain[:200_000], level) + bz2.compress(b"") + bz2.compress(plain[200_000:], 1)
    assert unpacked(packed, chunk) == plain


def test_a_block_of_equal_bytes_is_not_held_in_memory() -> None:
    """It stands for far more than 900 kB."""
    packed = bz2.compress(b"\0" * 20_000_000)
    longest = 0
    total = 0
    for piece in bzip2.decompress([packed], 2):
        longest, total = max(longest, len(piece)), total + len(piece)
    assert total == 20_000_000
    assert longest <= 4 * 1024**2


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 40))
@settings(max_examples=40)
def test_any_streams(plain: list[bytes], chunk: int) -> None:
    packed = b"".join(map(bz2.compress, plain))
    assert unpacked(packed, chunk) == b"".join(plain)


def test_a_magic_number_that_stands_in_the_data_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in the middle of a block is said to be there, as it would be once in many terabytes."""
    plain = material(450_000)
    packed = bz2.compress(plain, 1)
    search = bzip2._Splitter._search
    added = False

    def with_chance(splitter: bzip2._Splitter) -> None:
        nonlocal added
        search(splitter)
        if not added and len(splitter._magics) > 1:
            added = True
            splitter._magics.insert(1, (splitter._magics[0][0] + 4_003, bzip2._BLOCK))

    monkeypatch.setattr(bzip2._Splitter, "_search", with_chance)
    assert unpacked(packed, len(packed)) == plain
    assert added


def test_a_flipped_bit_anywhere_is_refused() -> None:
    packed = bz2.compress(material(300_000), 1)
    places = random.Random(5)
    for at in (*range(14), *(places.randrange(len(packed)) for _ in range(40)), *range(-12, 0)):
        bit = 1 << places.randrange(8)
        flipped = bytearray(packed)
        flipped[at] ^= bit
        try:
            expected = bz2.decompress(bytes(flipped))
        except (OSError, ValueError):
            with pytest.raises(ArchiveRejected):
                unpacked(bytes(flipped))
        else:  # the bits that fill up the last byte mean nothing
            assert unpacked(bytes(flipped)) == expected


def test_a_truncated_stream_gives_what_is_whole_and_then_says_so() -> None:
    plain = material(450_000)
    packed = bz2.compress(plain, 1)
    given: list[bytes] = []
    with pytest.raises(ArchiveRejected, match="it is truncated: it ends at byte ") as caught:
        given.extend(unpack(cut(packed[:-5], 1000), Compression.BZIP2, threads=2))
    assert f"byte {len(packed) - 5:,}," in caught.value.what
    assert plain.startswith(b"".join(given))
    assert sum(map(len, given)) > 300_000


def test_what_follows_a_stream_is_refused() -> None:
    packed = bz2.compress(b"a")
    for garbage in (b"\0" * 100, b"BZh9 and no block", b"garbage"):
        with pytest.raises(ArchiveRejected, match="corrupt between byte"):
            unpacked(packed + garbage)


def test_a_block_without_end_is_not_read_into_memory() -> None:
    head = bz2.compress(material(1000))[:100]
    with pytest.raises(ArchiveRejected, match="a block has no end"):
        for _ in unpack((head + b"\0" * 6_000_000, b"\0" * 6_000_000), Compression.BZIP2, threads=2):
            pass
