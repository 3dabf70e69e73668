"""What a node fetches of a twin: which bytes of which parts, and which files it has to find in them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loomtui.backups.members import parts_of
from loomtui.backups.model import Item, Member, MemberType
from loomtui.backups.prepared.manifest import Frame, Manifest, ManifestFile, Part

#: The names of a piece's files are arguments of one tar. Linux takes 2 MiB of these (execve(2)), some of it
#: for the environment.
_MAX_NAMES = 1_000_000


@dataclass(frozen=True)
class Piece:
    """Frames of a part that lie one after the other."""

    part: Part
    first: int  # byte of the part
    last: int  # likewise, and still of the piece
    files: tuple[ManifestFile, ...]  # that are wanted

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the part, so that the part's SHA-256 is the piece's."""
        return self.length == self.part.size_bytes

    @property
    def name(self) -> str:
        """Of the part, for reading: its key without folders."""
        return self.part.key.rpartition("/")[2]


def wanted_files(manifest: Manifest, items: Iterable[Item]) -> tuple[ManifestFile, ...]:
    """The files below these items, by path; of one that is stored twice, the last one."""
    roots = [parts_of(item.source) for item in items]
    last = {parts_of(file.path): file for file in manifest.files}
    return tuple(file for path, file in sorted(last.items()) if _is_below(path, roots))


def wanted_folders(manifest: Manifest, items: Iterable[Item]) -> tuple[str, ...]:
    """The folders below these items, those that are empty included."""
    roots = [parts_of(item.source) for item in items]
    folders = (parts_of(other.path) for other in manifest.others if other.type is MemberType.DIRECTORY)
    return tuple(sorted({"/".join(path) for path in folders if _is_below(path, roots)}))


def links_among(manifest: Manifest, items: Iterable[Item]) -> tuple[Member, ...]:
    """What below these items is neither file nor folder: a twin does not have it."""
    roots = [parts_of(item.source) for item in items]
    odd = (other for other in manifest.others if other.type is not MemberType.DIRECTORY)
    return tuple(other for other in odd if _is_below(parts_of(other.path), roots))


def pieces_of(manifest: Manifest, wanted: Iterable[ManifestFile]) -> tuple[Piece, ...]:
    """All that has to be fetched for these files, in the order of the twin.

    Empty without a twin.
    """
    if manifest.twin is None:
        return ()
    paths = {parts_of(file.path) for file in wanted}
    found: list[Piece] = []
    for part in manifest.twin.parts:
        named = [(frame, _files_in(frame, manifest, paths)) for frame in part.frames]
        if all(files for _, files in named):
            found += _in_pieces(part, named)
        else:
            found += _in_pieces(part, [(frame, files) for frame, files in named if files])
    return tuple(found)


def sums_of(files: Iterable[ManifestFile]) -> Iterator[str]:
    """As sha256sum prints and reads them."""
    return (f"{file.sha256}  {file.path}\n" for file in files)


_Named = tuple[Frame, tuple[ManifestFile, ...]]


def _in_pieces(part: Part, named: Sequence[_Named]) -> Iterator[Piece]:
    run: list[_Named] = []
    names = 0
    for frame, files in named:
        more = sum(len(file.path) for file in files)
        if run and (_end(run[-1][0]) != frame.offset or names + more > _MAX_NAMES):
            yield _piece(part, run)
            run, names = [], 0
        run.append((frame, files))
        names += more
    if run:
        yield _piece(part, run)


def _end(frame: Frame) -> int:
    return frame.offset + frame.length


def _piece(part: Part, run: Sequence[_Named]) -> Piece:
    files = tuple(file for _, some in run for file in some)
    return Piece(part, run[0][0].offset, _end(run[-1][0]) - 1, files)


def _files_in(frame: Frame, manifest: Manifest, wanted: set[tuple[str, ...]]) -> tuple[ManifestFile, ...]:
    files = (manifest.files[index] for index in frame.files)
    return tuple(file for file in files if parts_of(file.path) in wanted)


def _is_below(path: tuple[str, ...], roots: Iterable[tuple[str, ...]]) -> bool:
    return any(path[: len(root)] == root for root in roots)
