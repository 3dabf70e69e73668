"""Decompresses bzip2 on several cores: its blocks need nothing of each other, but begin at any bit.

A stream is `BZh` and a digit, then blocks, each with a magic number and its CRC, then another magic number
with the CRC of all, filled up to a byte. Each block is given to libbz2 as a stream of its own, in a thread,
because the library lets go of the interpreter meanwhile. Format: bzip2 1.0.8, compress.c and decompress.c.
"""

from __future__ import annotations

import bz2
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

_BLOCK, _END, _MAGIC_BITS = 0x314159265359, 0x177245385090, 48
_CRC_BITS, _CRC_MASK = 32, 0xFFFFFFFF
_HEADER = 4  # bytes: BZh9
#: A block stands for 900 kB at most, of which no byte takes more than 20 bits.
_MOST_BLOCK_BYTES = 4 * 1024**2
#: A block may stand for 46 MB of equal bytes; what is more than this is decompressed where it is taken.
_AHEAD_BYTES = 4 * 1024**2
_MOST_WORKERS = 8


class Bzip2DamageError(Exception):
    """The data between two bytes is bad."""

    def __init__(self, start: int, end: int, streams: int, why: str) -> None:
        super().__init__(why)
        self.start = start
        self.end = end
        self.streams = streams  # whole ones before it


class Bzip2TruncatedError(Exception):
    """The input ends in the middle of a stream."""


def workers() -> int:
    """How many threads are of use here."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, _MOST_WORKERS)


def decompress(chunks: Iterable[bytes], threads: int) -> Iterator[bytes]:
    """The bytes inside of all streams, in pieces of at most 4 MiB.

    Raises Bzip2DamageError, Bzip2TruncatedError, after all that comes before the damage.
    """
    # Its threads are waited for when the process ends; they never wait for anything but the processor.
    pool = ThreadPoolExecutor(threads, thread_name_prefix="bzip2")
    blocks = _Ahead(_Splitter(chunks, pool).blocks(), 2 * threads)
    combined = 0
    try:
        while (block := blocks.next()) is not None:
            pieces = block.pieces()
            if pieces is None:
                # A magic number may stand in the data by chance; then the next block is the rest of this one.
                block, pieces = _joined(block, blocks.next())
            yield from _checked(pieces, block)
            combined = _added(combined, block.crc)
            if block.end_crc is not None:
                if block.end_crc != combined:
                    raise block.damage("the CRC of the whole stream is another one")
                combined = 0
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True)
class _Decoded:
    """The beginning of a block, and what gives the rest."""

    piece: bytes
    rest: bz2.BZ2Decompressor

    def pieces(self) -> Iterator[bytes]:
        """Raises OSError, EOFError."""
        yield self.piece
        while not self.rest.eof:
            if self.rest.needs_input:
                raise EOFError("the block is longer")
            yield self.rest.decompress(b"", _AHEAD_BYTES)


@dataclass(frozen=True)
class _Block:
    level: bytes  # the stream's digit
    bits: int  # the block, from its magic number on
    length: int  # in bits
    start: int  # byte of the input
    streams: int  # whole ones before it
    end_crc: int | None  # of the whole stream, if it is its last block
    decoded: Future[_Decoded]

    @property
    def crc(self) -> int:
        return self.bits >> (self.length - _MAGIC_BITS - _CRC_BITS) & _CRC_MASK

    def pieces(self) -> Iterator[bytes] | None:
        """None: it cannot be decompressed."""
        try:
            return self.decoded.result().pieces()
        except (OSError, EOFError, ValueError):
            return None

    def damage(self, why: str) -> Bzip2DamageError:
        return Bzip2DamageError(self.start, self.start + self.length // 8 + 1, self.streams, why)


def _checked(pieces: Iterator[bytes], block: _Block) -> Iterator[bytes]:
    try:
        yield from pieces
    except (OSError, EOFError) as error:
        raise block.damage(str(error)) from error


def _joined(block: _Block, rest: _Block | None) -> tuple[_Block, Iterator[bytes]]:
    if rest is None or block.end_crc is not None:
        raise block.damage("a block of it cannot be read")
    bits, length = block.bits << rest.length | rest.bits, block.length + rest.length
    done: Future[_Decoded] = Future()
    joined = _Block(block.level, bits, length, block.start, block.streams, rest.end_crc, done)
    try:
        return joined, _decode(block.level, bits, length).pieces()
    except (OSError, EOFError, ValueError):
        raise block.damage("a block of it cannot be read") from None


def _added(combined: int, crc: int) -> int:
    """The CRC of a stream with one block more."""
    return (combined << 1 & _CRC_MASK | combined >> 31) ^ crc


def _decode(level: bytes, bits: int, length: int) -> _Decoded:
    """Raises OSError, EOFError, ValueError."""
    crc = bits >> (length - _MAGIC_BITS - _CRC_BITS) & _CRC_MASK
    whole = (bits << _MAGIC_BITS | _END) << _CRC_BITS | crc
    total = length + _MAGIC_BITS + _CRC_BITS
    padding = -total % 8
    data = b"BZh" + level + (whole << padding).to_bytes((total + padding) // 8, "big")
    stream = bz2.BZ2Decompressor()
    piece = stream.decompress(data, _AHEAD_BYTES)
    if not stream.eof and stream.needs_input:
        raise EOFError("the block is longer")
    if stream.unused_data:
        raise ValueError("the block is shorter")
    return _Decoded(piece, stream)


class _Ahead:
    """So many blocks are in work before they are taken. What ends the input is raised behind the last one."""

    def __init__(self, blocks: Iterator[_Block], depth: int) -> None:
        self._blocks = blocks
        self._depth = depth
        self._waiting: deque[_Block] = deque()
        self._failure: Exception | None = None
        self._is_over = False

    def next(self) -> _Block | None:
        while not self._is_over and len(self._waiting) < self._depth:
            try:
                self._waiting.append(next(self._blocks))
            except StopIteration:
                self._is_over = True
            except Exception as error:  # noqa: BLE001 - raised below
                self._is_over, self._failure = True, error
        if self._waiting:
            return self._waiting.popleft()
        if self._failure is not None:
            raise self._failure
        return None


class _Splitter:
    """Finds where blocks begin. Positions are those of the input."""

    def __init__(self, chunks: Iterable[bytes], pool: ThreadPoolExecutor) -> None:
        self._chunks = iter(chunks)
        self._pool = pool
        self._data = b""
        self._first = 0  # byte of the input that `_data` begins with
        self._magics: deque[tuple[int, int]] = deque()  # bit, and which one
        self._searched = 0  # bit up to which all of them are known
        self._streams = 0
        self._combined = 0  # CRC of the stream's blocks so far

    def blocks(self) -> Iterator[_Block]:
        at = 0
        while self._has(at + 1):
            level = self._level(at)
            bit, magic = (at + _HEADER) * 8, self._number((at + _HEADER) * 8, _MAGIC_BITS)
            if magic not in (_BLOCK, _END):
                raise self._damage(at, at + _HEADER, "no block begins there")
            while magic == _BLOCK:
                end, magic = self._next_magic(bit)
                end_crc = self._number(end + _MAGIC_BITS, _CRC_BITS) if magic == _END else None
                yield self._block(level, bit, end, end_crc)
                bit = end
                self._drop(bit // 8)
            if at * 8 + _HEADER * 8 == bit and self._number(bit + _MAGIC_BITS, _CRC_BITS):
                raise self._damage(at, at + _HEADER, "it is empty, but not by its CRC")
            at = (bit + _MAGIC_BITS + _CRC_BITS + 7) // 8
            self._drop(at)
            self._streams += 1

    def _block(self, level: bytes, bit: int, end: int, end_crc: int | None) -> _Block:
        bits, length = self._number(bit, end - bit), end - bit
        if length < _MAGIC_BITS + _CRC_BITS:
            raise self._damage(bit // 8, end // 8, "a block is cut off")
        self._combined = 0 if end_crc is not None else _added(self._combined, self._crc_at(bit))
        decoded = self._pool.submit(_decode, level, bits, length)
        return _Block(level, bits, length, bit // 8, self._streams, end_crc, decoded)

    def _level(self, at: int) -> bytes:
        """Of the stream that begins at this byte."""
        head = self._bytes(at, at + _HEADER)
        if len(head) < _HEADER:
            raise Bzip2TruncatedError
        if head[:3] != b"BZh" or not b"1" <= head[3:] <= b"9":
            raise self._damage(at, at + _HEADER, "no stream begins there")
        return head[3:]

    def _next_magic(self, bit: int) -> tuple[int, int]:
        """The one behind the block that begins at this bit."""
        while True:
            while self._magics:
                found, magic = self._magics.popleft()
                if found > bit and (magic == _BLOCK or self._is_end(bit, found)):
                    return found, magic
            if len(self._data) > _MOST_BLOCK_BYTES + bit // 8 - self._first:
                raise self._damage(bit // 8, bit // 8 + _MOST_BLOCK_BYTES, "a block has no end")
            if not self._more():
                raise Bzip2TruncatedError

    def _is_end(self, block: int, bit: int) -> bool:
        """Whether the number at this bit is no chance: by its CRC, or by what follows."""
        after = (bit + _MAGIC_BITS + _CRC_BITS + 7) // 8
        if not self._has(after):
            return False
        told = self._number_here(bit + _MAGIC_BITS, _CRC_BITS)
        if not self._has(after + 1) or told == _added(self._combined, self._crc_at(block)):
            return True
        head = self._bytes(after, after + _HEADER)
        return head[:3] == b"BZh" and self._number((after + _HEADER) * 8, _MAGIC_BITS) in (_BLOCK, _END)

    def _crc_at(self, block: int) -> int:
        return self._number_here(block + _MAGIC_BITS, _CRC_BITS)

    def _has(self, end: int) -> bool:
        """Whether the input has so many bytes."""
        while self._first + len(self._data) < end:
            if not self._more():
                return False
        return True

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._data += chunk
        self._search()
        return True

    def _search(self) -> None:
        """All magic numbers that are whole by now, in their order."""
        end = (self._first + len(self._data)) * 8 - _MAGIC_BITS + 1
        begin = max(0, self._searched // 8 - self._first)
        found = {
            bit: magic
            for magic, shift, needle in _NEEDLES
            for at in _places(self._data, needle, begin)
            if self._searched <= (bit := (self._first + at - (shift > 0)) * 8 + shift) < end
            and self._number_here(bit, _MAGIC_BITS) == magic
        }
        self._magics.extend(sorted(found.items()))
        self._searched = max(end, self._searched)

    def _bytes(self, start: int, end: int) -> bytes:
        """As far as the input has them."""
        self._has(end)
        return self._data[start - self._first : end - self._first]

    def _number(self, bit: int, length: int) -> int:
        """Raises Bzip2TruncatedError if the input has not so many bits."""
        if not self._has((bit + length + 7) // 8):
            raise Bzip2TruncatedError
        return self._number_here(bit, length)

    def _number_here(self, bit: int, length: int) -> int:
        start, end = bit // 8 - self._first, (bit + length + 7) // 8 - self._first
        number = int.from_bytes(self._data[start:end], "big")
        return number >> (-(bit + length) % 8) & (1 << length) - 1

    def _drop(self, before: int) -> None:
        """What lies before this byte is not needed any more."""
        if before > self._first:
            self._data = self._data[before - self._first :]
            self._first = before

    def _damage(self, start: int, end: int, why: str) -> Bzip2DamageError:
        return Bzip2DamageError(start, end, self._streams, why)


def _needles() -> Iterator[tuple[int, int, bytes]]:
    """For each magic number and each bit of a byte at which it may begin, the five bytes that are whole."""
    for magic in (_BLOCK, _END):
        for shift in range(8):
            inner = magic >> (shift or 8) & (1 << 40) - 1
            yield magic, shift, inner.to_bytes(5, "big")


_NEEDLES = tuple(_needles())


def _places(data: bytes, needle: bytes, begin: int) -> Iterator[int]:
    at = data.find(needle, begin)
    while at >= 0:
        yield at
        at = data.find(needle, at + 1)
