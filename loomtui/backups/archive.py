"""An archive, read once from its first byte to its last, without seeking and without unpacking anything."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, Protocol, Self, cast

from loomtui.backups.compression import detect, unpack
from loomtui.backups.configs import MAX_CONFIG_BYTES, is_config_name, target_by_content
from loomtui.backups.databases import BLOCK_STORE, HEIGHTS, STATE, Folder, height_of
from loomtui.backups.layouts import FileFacts
from loomtui.backups.members import ADVICE, MAX_MEMBERS, MemberCheck, parts_of
from loomtui.backups.model import Compression, Member, MemberType
from loomtui.errors import ArchiveRejected
from loomtui.loom import leveldb
from loomtui.loom.databases import APP_DB, NODE_KEY, SECRET_TARGETS, VALIDATOR
from loomtui.loom.manifest import file_number
from loomtui.loom.nodekey import NodeKeyFacts, read_node_key
from loomtui.loom.validator import ValidatorFacts, read_validator
from loomtui.text import clean_line

#: Of a journal no more than this is kept, its end: the heights of the last blocks are there.
MAX_JOURNAL_BYTES = 64 * 1024**2
#: Half a million tables want so much; a LOG begins anew at 1 MiB.
MAX_MANIFEST_BYTES, MAX_LOG_BYTES = 64 * 1024**2, 2 * 1024**2
_MAX_CONFIG_FILES = 200
_MAX_HEADER_BYTES = 1024**2
_BUFFER = 64 * 1024

#: What `tarfile` raises on data that is no tar.
_DAMAGE = (tarfile.TarError, ValueError, LookupError, ArithmeticError, EOFError, RecursionError)


@dataclass
class Reading:
    """What was read so far, which is all of it once `read` has returned."""

    compression: Compression | None = None
    members: list[Member] = field(default_factory=list)
    files: dict[str, FileFacts] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    node_keys: dict[str, NodeKeyFacts] = field(default_factory=dict)
    validators: dict[str, ValidatorFacts] = field(default_factory=dict)
    databases: dict[str, Folder] = field(default_factory=dict)  # by path
    file_count: int = 0
    unpacked_bytes: int = 0
    complete: bool = False

    @property
    def app_height(self) -> int | None:
        return height_of(self.databases, APP_DB)

    @property
    def store_height(self) -> int | None:
        return height_of(self.databases, BLOCK_STORE)

    @property
    def state_height(self) -> int | None:
        return height_of(self.databases, STATE)


class Taker(Protocol):
    """Gets the bytes of every regular file while an archive is read, in its order."""

    def begin(self, member: Member) -> None: ...

    def piece(self, data: memoryview) -> None: ...

    def end(self, member: Member) -> None:
        """The file was whole."""
        ...


def read(
    chunks: Iterable[bytes],
    reading: Reading,
    *,
    check: bool = True,
    taker: Taker | None = None,
    threads: int = 1,
) -> None:
    """Fills `reading` from the stored bytes of an archive, which is decompressed in so many threads.

    Raises ArchiveRejected if the archive is truncated, corrupt or (with `check`) hostile; what was read
    before that stays in `reading`.
    """
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= tarfile.BLOCKSIZE:
            break
    reading.compression = detect(head)
    stream = _Forward(unpack(chain((head,), source), reading.compression, threads=threads))
    guard = MemberCheck() if check else None
    try:
        with tarfile.TarFile(fileobj=cast(IO[bytes], stream), tarinfo=_Header) as tar:
            while (info := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]
                _read_member(stream, info, reading, guard, taker)
            _check_end(stream)
    except _DAMAGE as error:
        raise _broken(stream.tell(), clean_line(str(error), limit=200)) from error
    if not reading.members:
        raise ArchiveRejected("it is an empty archive: nothing is in it", advice=ADVICE)
    reading.complete = True


class _Forward:
    """What `tarfile` wants of a file, of which it only goes forward. A member's bytes are taken from here."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")
        self._at = 0  # in the piece
        self._before = 0  # bytes of the pieces before it

    def tell(self) -> int:
        return self._before + self._at

    def read(self, size: int) -> bytes:
        return b"".join(self._next(size))

    def seek(self, position: int) -> None:
        if position < self.tell():
            raise tarfile.StreamError("it would have to be read backwards")
        for _ in self._next(position - self.tell()):
            pass

    def take(self, size: int) -> Iterator[memoryview]:
        """Exactly so many bytes, without copying them."""
        end = self.tell() + size
        yield from self._next(size)
        if self.tell() < end:
            raise tarfile.ReadError("unexpected end of data")

    def _next(self, size: int) -> Iterator[memoryview]:
        """At most so many bytes."""
        while size > 0:
            if self._at == len(self._piece):
                self._before += len(self._piece)
                self._piece, self._at = memoryview(next(self._pieces, b"")), 0
                if not self._piece:
                    return
            part = self._piece[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            yield part


class _Header(tarfile.TarInfo):
    """A member's header. `tarfile` takes a damaged one after the first member for the archive's end."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            if type(error).__name__ == "EOFHeaderError":
                raise
            raise _broken(tarfile_.offset, str(error)) from error

    def _proc_member(self, tarfile_: tarfile.TarFile) -> tarfile.TarInfo:
        """The method that tarfile offers to subclasses.

        It reads an extension header into memory as a whole.
        """
        is_extension = self.type not in tarfile.SUPPORTED_TYPES or self.type in _EXTENSIONS
        if self.size < 0 or (is_extension and self.size > _MAX_HEADER_BYTES):
            raise ArchiveRejected(f"a header in it has the absurd size of {self.size} bytes", advice=ADVICE)
        return cast(tarfile.TarInfo, super()._proc_member(tarfile_))  # type: ignore[misc]


_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def _read_member(
    stream: _Forward,
    info: tarfile.TarInfo,
    reading: Reading,
    guard: MemberCheck | None,
    taker: Taker | None,
) -> None:
    member = _member(info)
    reading.members.append(member)  # also the one that is refused: it is shown
    if guard:
        guard.add(member)
    if member.type is not MemberType.FILE:
        return
    reading.file_count += 1
    reading.unpacked_bytes += member.size
    pieces = stream.take(member.size)
    if taker is not None:
        taker.begin(member)
        pieces = _handed_on(pieces, taker)
    parts = parts_of(member.path)
    if is_config_name(member.path) and member.size <= MAX_CONFIG_BYTES:
        _read_config(member.path, b"".join(pieces), reading)
    elif len(parts) > 1:
        _read_database_file(member.size, pieces, reading.databases, parts)
    if taker is not None:
        for _ in pieces:  # what nothing else wanted
            pass
        taker.end(member)


def _handed_on(pieces: Iterator[memoryview], taker: Taker) -> Iterator[memoryview]:
    for piece in pieces:
        taker.piece(piece)
        yield piece


def _read_database_file(
    size: int, pieces: Iterator[memoryview], folders: dict[str, Folder], parts: tuple[str, ...]
) -> None:
    """Reads those files of a database that tell whether it is whole, its height and its chain."""
    name, path = parts[-1], "/".join(parts[:-1])
    kind = file_number(name)
    if name == "CURRENT" and size <= 256:
        folders.setdefault(path, Folder()).read_current(b"".join(pieces))
    elif kind and kind[0] == "manifest" and size <= MAX_MANIFEST_BYTES:
        folders.setdefault(path, Folder()).read_manifest(name, b"".join(pieces))
        if sum(folder.tables for folder in folders.values()) > MAX_MEMBERS:
            raise ArchiveRejected(f"its databases name more than {MAX_MEMBERS:,} tables", advice=ADVICE)
    elif name == "LOG" and size <= MAX_LOG_BYTES:
        folders.setdefault(path, Folder()).read_log(b"".join(pieces))
    elif kind and kind[0] == "log" and parts[-2] in HEIGHTS:
        folders.setdefault(path, Folder()).read_journal(parts[-2], kind[1], _end_of(pieces))


def _member(info: tarfile.TarInfo) -> Member:
    kind = MemberType.OTHER
    if info.isreg() and not info.issparse():
        kind = MemberType.FILE
    elif info.isdir():
        kind = MemberType.DIRECTORY
    elif info.issym():
        kind = MemberType.SYMLINK
    elif info.islnk():
        kind = MemberType.HARDLINK
    link = info.linkname if info.issym() or info.islnk() else ""
    return Member(info.name, kind, info.size if kind is MemberType.FILE else 0, link, max(0, int(info.mtime)))


def _read_config(path: str, data: bytes, reading: Reading) -> None:
    """Keeps the text, but keeps of key files only what follows from them."""
    if len(reading.files) >= _MAX_CONFIG_FILES and path not in reading.files:
        raise ArchiveRejected(f"it holds more than {_MAX_CONFIG_FILES} config files", advice=ADVICE)
    text = data.decode("utf-8", "replace")
    target = target_by_content(path, text)
    reading.files[path] = FileFacts(hashlib.sha256(data).hexdigest(), target)
    if target == NODE_KEY:
        reading.node_keys[path] = read_node_key(data)
    elif target == VALIDATOR:
        reading.validators[path] = read_validator(data)
    if target is not None and target not in SECRET_TARGETS:
        reading.texts[path] = text


def _end_of(pieces: Iterable[memoryview]) -> bytes:
    """The end of a journal, from the start of a block on."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        if len(kept) > 2 * MAX_JOURNAL_BYTES:  # not for each piece: what is left has to be moved
            _drop_surplus(kept)
    _drop_surplus(kept)
    return bytes(kept)


def _drop_surplus(kept: bytearray) -> None:
    surplus = len(kept) - MAX_JOURNAL_BYTES
    if surplus > 0:
        del kept[: surplus + -surplus % leveldb.BLOCK_SIZE]


def _check_end(stream: _Forward) -> None:
    """After the mark of the end there may only be padding: GNU tar would stop there and say nothing."""
    while data := stream.read(_BUFFER):
        if data.strip(b"\0"):
            raise ArchiveRejected(
                f"something follows the end of the tar at byte {stream.tell():,}: garbage, or another one",
                advice=ADVICE,
            )


def _broken(position: int, why: str) -> ArchiveRejected:
    cut = any(sign in why for sign in ("unexpected end", "empty header", "truncated", "empty file"))
    how = "truncated" if cut else "corrupt"
    return ArchiveRejected(f"it is {how} at byte {position:,} of the tar ({why})", advice=ADVICE)
