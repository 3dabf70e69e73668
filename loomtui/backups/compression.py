"""Decompresses streams with bounded memory, and finds every damage.

bzip2, gzip and xz may be several streams in a row (lbzip2, pigz and others make such files), and Zstandard
may be several frames. The first bytes tell the kind, never a name.
"""

from __future__ import annotations

import bz2
import lzma
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

import zstandard

from loomtui.backups import bzip2, unread_forms
from loomtui.backups.model import Compression
from loomtui.errors import ArchiveRejected

#: The longest piece handed out.
CHUNK = 1024 * 1024
#: A node's databases shrink to a half or a fifth. What grows like this is made to fill a disk.
MAX_RATIO = 200
#: Below this many bytes a high ratio is harmless.
FREE_BYTES = 1024**3
#: No archive of a Loom node unpacks to more.
MAX_BYTES = 8 * 1024**4
#: More memory than this is refused: `xz -9` takes 65 MiB, `zstd --long=27` takes 128 MiB.
_MAX_MEMORY = 256 * 1024**2
#: A Zstandard block of 4 bytes may stand for 128 KiB: small pieces keep what comes out bounded (64 MiB).
_ZSTD_PIECE = 2048
_PIECE = 64 * 1024

_MAGIC = (
    (b"BZh", Compression.BZIP2),
    (b"\x1f\x8b", Compression.GZIP),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
    (b"\xfd7zXZ\x00", Compression.XZ),
)
_ADVICE = "Choose another backup."
_DAMAGE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


def detect(head: bytes) -> Compression:
    """How an archive is packed, by its first 512 bytes. Raises ArchiveRejected if it is no archive."""
    if not head:
        raise ArchiveRejected("it is empty: 0 bytes", advice=_ADVICE)
    compression = _recognized(head)
    if compression is None:
        what, advice = _other_form(head)
        raise ArchiveRejected(what, advice=advice)
    return compression


def _recognized(head: bytes) -> Compression | None:
    for magic, compression in _MAGIC:
        if head.startswith(magic):
            return compression
    if head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5:  # skippable frame, RFC 8878
        return Compression.ZSTD
    return Compression.NONE if _is_tar(head) else None


def _is_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return not head.strip(b"\0")  # an empty tar
    return True


def _other_form(head: bytes) -> tuple[str, str]:
    """What it is that is no archive, and what to do."""
    inside = unread_forms.behind_framing(head)
    if unread_forms.is_framed(head) or (inside and _recognized(inside) is not None):
        return unread_forms.framed_words()
    return unread_forms.words_for(head) or (
        "it is no archive: neither tar nor bzip2, gzip, xz or Zstandard",
        _ADVICE,
    )


def unpack(chunks: Iterable[bytes], compression: Compression, *, threads: int = 1) -> Iterator[bytes]:
    """The bytes inside, in pieces of bounded size.

    With several `threads`, blocks of bzip2 are decompressed side by side. Raises ArchiveRejected if the
    stream is cut off, corrupt, followed by something else, or grows beyond reason.
    """
    if compression is Compression.BZIP2 and threads > 1:
        yield from _unpack_bzip2(chunks, threads)
        return
    taken = given = 0
    decoder: _Decoder | None = None
    streams = 0
    for chunk in _small_pieces(chunks):
        start, taken, rest = taken, taken + len(chunk), chunk
        while rest:
            if decoder is None:
                if streams and compression in (Compression.GZIP, Compression.XZ):
                    rest = rest.lstrip(b"\0")  # padding, which both allow
                    if not rest:
                        break
                decoder = _decoder(compression)
            try:
                for piece in decoder.push(rest):
                    given += len(piece)
                    _check_growth(taken, given)
                    yield piece
            except _DAMAGE as error:
                raise _damage_between(compression, start, taken, streams, error) from error
            rest = decoder.unused
            if decoder.eof:
                decoder, streams = None, streams + 1
    if decoder is not None and not decoder.may_end:
        raise _truncated(compression, taken)


def _unpack_bzip2(chunks: Iterable[bytes], threads: int) -> Iterator[bytes]:
    taken = given = 0

    def counted() -> Iterator[bytes]:
        nonlocal taken
        for chunk in chunks:
            taken += len(chunk)
            yield chunk

    try:
        for piece in bzip2.decompress(counted(), threads):
            given += len(piece)
            _check_growth(taken, given)
            yield piece
    except bzip2.Bzip2DamageError as error:
        raise _damage_between(Compression.BZIP2, error.start, error.end, error.streams, error) from error
    except bzip2.Bzip2TruncatedError as error:
        raise _truncated(Compression.BZIP2, taken) from error


def _truncated(compression: Compression, taken: int) -> ArchiveRejected:
    return ArchiveRejected(
        f"it is truncated: it ends at byte {taken:,}, in the middle of its {compression.value} stream",
        advice=_ADVICE,
    )


def _small_pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Small pieces tell where damage is, and keep a row of very short streams from being expensive."""
    for chunk in chunks:
        for at in range(0, len(chunk), _PIECE):
            yield chunk[at : at + _PIECE]


def _check_growth(taken: int, given: int) -> None:
    if given > MAX_BYTES or (given > FREE_BYTES and given > MAX_RATIO * taken):
        raise ArchiveRejected(
            f"{taken:,} stored bytes unpack to more than {given:,}: no backup of a node does", advice=_ADVICE
        )


def _damage_between(
    compression: Compression, start: int, end: int, streams: int, error: Exception
) -> ArchiveRejected:
    after = f", behind {streams} whole streams" if streams else ""
    return ArchiveRejected(
        f"it is corrupt between byte {start:,} and byte {end:,}{after}: "
        f"the {compression.value} data is bad ({error})",
        advice=_ADVICE,
    )


class _Decoder(Protocol):
    """One stream. `unused` is what came after its end; `may_end` says that the input may stop here."""

    unused: bytes

    @property
    def eof(self) -> bool: ...

    @property
    def may_end(self) -> bool: ...

    def push(self, data: bytes) -> Iterator[bytes]: ...


class _Plain:
    eof = False
    may_end = True
    unused = b""

    def push(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), CHUNK):
            yield data[at : at + CHUNK]


class _Blockwise:
    """bzip2 and xz."""

    may_end = False

    def __init__(self, stream: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._stream = stream
        self.unused = b""

    @property
    def eof(self) -> bool:
        return self._stream.eof

    def push(self, data: bytes) -> Iterator[bytes]:
        if piece := self._stream.decompress(data, CHUNK):
            yield piece
        while not self._stream.eof and not self._stream.needs_input:
            if piece := self._stream.decompress(b"", CHUNK):
                yield piece
        self.unused = self._stream.unused_data


class _Gzip:
    may_end = False

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self.unused = b""

    @property
    def eof(self) -> bool:
        return self._stream.eof

    def push(self, data: bytes) -> Iterator[bytes]:
        while not self._stream.eof:
            piece = self._stream.decompress(data, CHUNK)
            data = self._stream.unconsumed_tail
            if piece:
                yield piece
            if not data and len(piece) < CHUNK:
                break
        self.unused = self._stream.unused_data


class _Zstandard:
    may_end = False

    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor(max_window_size=_MAX_MEMORY).decompressobj()
        self.unused = b""

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof)

    def push(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data) and not self._stream.eof:
            piece = self._stream.decompress(data[at : at + _ZSTD_PIECE])
            at += _ZSTD_PIECE
            if piece:
                yield piece
        self.unused = self._stream.unused_data + data[at:] if self._stream.eof else b""


def _decoder(compression: Compression) -> _Decoder:
    match compression:
        case Compression.BZIP2:
            return _Blockwise(bz2.BZ2Decompressor())
        case Compression.XZ:
            return _Blockwise(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_MEMORY))
        case Compression.GZIP:
            return _Gzip()
        case Compression.ZSTD:
            return _Zstandard()
        case Compression.NONE:
            return _Plain()
