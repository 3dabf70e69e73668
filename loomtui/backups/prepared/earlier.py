"""Which files lie in parts already, by the manifests of earlier twins. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from loomtui.backups.prepared.manifest import Frame, Manifest, ManifestFile, Part

#: A part of which a backup needs less than this share is not used by the next one: it packs the files anew.
LEAST_SHARE = 1 / 3

_Identity = tuple[str, int, str]


@dataclass(frozen=True)
class _Place:
    part: Part
    frame: Frame


class EarlierParts:
    """What can be taken over: files with the same path, size and SHA-256."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        """The newest manifest comes first: where several name a part, it says how much of it is needed."""
        self._places: dict[_Identity, _Place] = {}
        judged: set[str] = set()
        for manifest in manifests:
            new = [part for part in manifest.twin.parts if part.key not in judged] if manifest.twin else []
            judged |= {part.key for part in new}
            for part in new:
                if _share(part) >= LEAST_SHARE:
                    self._add(manifest, part)
        self._sizes = {(path, size) for path, size, _ in self._places}

    def may_have(self, path: str, size: int) -> bool:
        """Whether it is worth waiting for the file's digest before it is packed."""
        return (path, size) in self._sizes

    def has(self, file: ManifestFile) -> bool:
        return _identity(file) in self._places

    def parts_for(self, files: Sequence[ManifestFile], indexes: Iterable[int]) -> tuple[Part, ...]:
        """The parts that hold these files, with frames that name them by their indexes in `files`."""
        parts: dict[str, Part] = {}
        frames: dict[str, dict[int, Frame]] = {}
        for index in indexes:
            place = self._places[_identity(files[index])]
            parts[place.part.key] = place.part
            named = frames.setdefault(place.part.key, {})
            frame = named.get(place.frame.offset) or replace(place.frame, files=())
            named[place.frame.offset] = replace(frame, files=(*frame.files, index))
        return tuple(
            replace(part, frames=tuple(frames[key][offset] for offset in sorted(frames[key])))
            for key, part in parts.items()
        )

    def _add(self, manifest: Manifest, part: Part) -> None:
        for frame in part.frames:
            for index in frame.files:
                self._places.setdefault(_identity(manifest.files[index]), _Place(part, frame))


def _identity(file: ManifestFile) -> _Identity:
    return file.path, file.size_bytes, file.sha256


def _share(part: Part) -> float:
    """The share of the part that the backup needs, by the stored bytes of the frames with its files."""
    return sum(frame.length for frame in part.frames if frame.files) / part.size_bytes
