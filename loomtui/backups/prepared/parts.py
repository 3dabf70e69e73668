"""Writes a part: a `.tar.zst` of several Zstandard frames, each with whole tar members. It blocks.

`zstd -d PART | tar x` unpacks it, because frames one after the other are one stream (RFC 8878, 3).
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

import zstandard

from loomtui.backups.model import Member
from loomtui.backups.prepared.manifest import Frame, Part
from loomtui.backups.prepared.places import part_key

#: A frame ends with the member that makes it so long, in bytes before compression: a table is a frame.
FRAME_BYTES = 2 * 1024**2
#: Tables are compressed by LevelDB already: more takes time and gains little.
_LEVEL = 3
_END = b"\0" * 2 * tarfile.BLOCKSIZE


@dataclass
class _OpenFrame:
    offset: int
    stream: zstandard.ZstdCompressionObj
    length: int = 0  # stored bytes
    taken: int = 0  # bytes before compression
    files: list[int] = field(default_factory=list)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)


@dataclass(frozen=True)
class WrittenPart:
    """A part that is whole in its file."""

    part: Part
    body: IO[bytes]  # at its beginning
    md5: bytes  # by which S3 notices a damaged upload


class PartWriter:
    """One part, written from its beginning to its end. Raises what writing to `body` raises."""

    def __init__(self, make_body: Callable[[], IO[bytes]]) -> None:
        """`make_body` opens the file where the part is kept until it is uploaded."""
        self._body = make_body()
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._digest, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._frames: list[Frame] = []
        self._frame: _OpenFrame | None = None
        self.size = 0  # stored bytes so far

    def begin(self, member: Member) -> None:
        if self._frame is not None and self._frame.taken >= FRAME_BYTES:
            self._end_frame(self._frame)
            self._frame = None
        self._put(_header(member))

    def piece(self, data: bytes | memoryview) -> None:
        self._put(data)

    def end(self, member: Member, index: int) -> None:
        self._put(b"\0" * (-member.size % tarfile.BLOCKSIZE))
        self._opened().files.append(index)

    def finish(self, prefix: str) -> WrittenPart:
        """The part, named by what it holds."""
        self._put(_END)
        self._end_frame(self._opened())
        sha256 = self._digest.hexdigest()
        self._body.seek(0)
        part = Part(part_key(prefix, sha256[:32]), self.size, sha256, tuple(self._frames))
        return WrittenPart(part, self._body, self._md5.digest())

    def close(self) -> None:
        self._body.close()

    def _opened(self) -> _OpenFrame:
        if self._frame is None:
            self._frame = _OpenFrame(self.size, self._compressor.compressobj())
        return self._frame

    def _put(self, data: bytes | memoryview) -> None:
        frame = self._opened()
        frame.taken += len(data)
        self._store(frame, frame.stream.compress(data))

    def _end_frame(self, frame: _OpenFrame) -> None:
        self._store(frame, frame.stream.flush())
        self._frames.append(Frame(frame.offset, frame.length, frame.digest.hexdigest(), tuple(frame.files)))

    def _store(self, frame: _OpenFrame, stored: bytes) -> None:
        if stored:
            self._body.write(stored)
            for digest in (self._digest, self._md5, frame.digest):
                digest.update(stored)
            frame.length += len(stored)
            self.size += len(stored)


def _header(member: Member) -> bytes:
    """The same for the same file on every machine: owner and mode are set on the node."""
    info = tarfile.TarInfo(member.path)
    info.size, info.mtime, info.mode = member.size, member.mtime, 0o644
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
