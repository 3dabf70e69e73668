"""Packs the twin of a backup while the backup is read, and uploads its parts. It blocks."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import IO, Protocol

from loomtui.backups.layouts import may_be_data
from loomtui.backups.members import parts_of
from loomtui.backups.model import Item, Member
from loomtui.backups.prepared.checking import files_for_twin
from loomtui.backups.prepared.earlier import EarlierParts
from loomtui.backups.prepared.manifest import ManifestFile, Part, Twin
from loomtui.backups.prepared.parts import PartWriter, WrittenPart
from loomtui.errors import LoomtuiError
from loomtui.loom.manifest import file_number

#: A part ends with the file that makes it so long, in stored bytes.
PART_BYTES = 256 * 1024**2
#: Of a file that may lie in a part already, so much is kept in memory until its digest tells.
_MOST_HELD = 64 * 1024**2
#: S3 takes 5 GiB at once, and what does not get smaller gets a little larger.
MAX_FILE_BYTES = 4 * 1024**3


class Group(Enum):
    """What lies together in parts: what changes together."""

    TABLES = auto()  # never change under their name
    REST = auto()


class Uploader(Protocol):
    def holds(self, key: str, size: int, md5: bytes | None = None) -> bool: ...

    def put_part(self, key: str, body: IO[bytes], md5: bytes) -> None: ...


class TwinPacker:
    """A Packer (`digests`), which takes the databases alone: private keys are never on this machine's disk.

    Raises LoomtuiError if S3 does not take a part.

    On disk there are at most three parts: one of tables, one of the rest, and one that is being uploaded.
    """

    def __init__(self, store: Uploader, prefix: str, spool: Path, earlier: EarlierParts) -> None:
        """`spool`: the folder of the parts until they are uploaded; no name is ever seen in it."""
        self._prefix = prefix
        self._spool = spool
        self._earlier = earlier
        self._uploads = _Uploads(store)
        self._writers: dict[Group, PartWriter] = {}
        self._parts: list[Part] = []
        self._reused: list[int] = []
        self._held: list[bytes] | None = None  # a file that may lie in a part already
        self._member: Member | None = None  # the one that is packed just now
        self.impossible: str | None = None  # why the backup cannot be put into parts, once that is known

    @property
    def uploaded_bytes(self) -> int:
        return self._uploads.sent_bytes

    def begin(self, member: Member) -> None:
        if not may_be_data(member.path):
            return
        if member.size > MAX_FILE_BYTES:
            self.impossible = f"a file in it has {member.size:,} bytes, which no part can hold"
        if self.impossible:
            return
        self._member = member
        may_wait = member.size <= _MOST_HELD and self._earlier.may_have(member.path, member.size)
        self._held = [] if may_wait else None
        if not may_wait:
            self._writer(member).begin(member)

    def piece(self, data: memoryview) -> None:
        if self._member is None:
            return
        if self._held is not None:
            self._held.append(bytes(data))
        else:
            self._writer(self._member).piece(data)

    def end(self, index: int, file: ManifestFile) -> None:
        held, member, self._held, self._member = self._held, self._member, None, None
        if member is None:
            return
        if held is not None:
            if self._earlier.has(file):
                self._reused.append(index)
                return
            self._writer(member).begin(member)
            for piece in held:
                self._writer(member).piece(piece)
        writer = self._writer(member)
        writer.end(member, index)
        if writer.size >= PART_BYTES:
            self._send(self._writers.pop(_group_of(member)))

    def finish(self, files: Sequence[ManifestFile], items: Sequence[Item]) -> Twin:
        """Once the backup was read: uploads what is left, and waits for it. `items`: its databases."""
        for writer in self._writers.values():
            self._send(writer)
        self._writers.clear()
        self._uploads.wait()
        counting = files_for_twin(files, items)
        reused = self._earlier.parts_for(files, (index for index in self._reused if index in counting))
        gone = [part.key for part in reused if not self._uploads.is_there(part)]
        if gone:
            raise LoomtuiError(
                "a part that an earlier twin names is not in S3 any more",
                advice="loomtui backups prune-prepared removes that twin; then prepare again.",
            )
        named = [_of_those(part, counting) for part in self._parts]
        return Twin((*(part for part in named if part.frames), *reused))

    def close(self) -> None:
        """Drops what was not uploaded."""
        for writer in self._writers.values():
            writer.close()
        self._uploads.drop()

    def _writer(self, member: Member) -> PartWriter:
        group = _group_of(member)
        if group not in self._writers:
            self._writers[group] = PartWriter(self._spooled)
        return self._writers[group]

    def _spooled(self) -> IO[bytes]:
        """A file without a name: it goes with this process, however that ends."""
        return tempfile.TemporaryFile(dir=self._spool)

    def _send(self, writer: PartWriter) -> None:
        written = writer.finish(self._prefix)
        self._parts.append(written.part)
        self._uploads.send(written)


def _group_of(member: Member) -> Group:
    kind = file_number(parts_of(member.path)[-1])
    return Group.TABLES if kind and kind[0] == "table" else Group.REST


def _of_those(part: Part, counting: frozenset[int]) -> Part:
    """The part with the frames that hold these files; a torn database has files that count for nothing."""
    frames = (
        replace(frame, files=tuple(index for index in frame.files if index in counting))
        for frame in part.frames
    )
    return replace(part, frames=tuple(frame for frame in frames if frame.files))


class _Uploads:
    """One part at a time goes to S3, while the next one is packed."""

    def __init__(self, store: Uploader) -> None:
        self._store = store
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self.sent_bytes = 0

    def send(self, written: WrittenPart) -> None:
        """Waits for the one before. Raises what that one failed with."""
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(written,), name="s3-part", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            raise self._failure

    def is_there(self, part: Part) -> bool:
        return self._store.holds(part.key, part.size_bytes)

    def drop(self) -> None:
        """Nobody waits for what is under way any more."""
        self._thread = None

    def _run(self, written: WrittenPart) -> None:
        part = written.part
        try:
            with written.body as body:
                if not self._store.holds(part.key, part.size_bytes, written.md5):
                    self._store.put_part(part.key, body, written.md5)
                    self.sent_bytes += part.size_bytes
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            self._failure = error
