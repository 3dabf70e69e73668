"""Counts the room that a run needs on a node's disks, for each file system. Pure.

An archive is unpacked while it arrives, so it needs no room itself. What it replaces is moved, so that needs
none either. Only the unpacked files, the copies of config files, and the hold beside the unit are new.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loomtui.fleet.probes.places import FileSystem as FileSystem
from loomtui.restore.plan import Archive
from loomtui.restore.room import RoomUnit, Shortage
from loomtui.wording.quantities import size

#: What must be left over, in bytes: the node has to write from its first second on.
LEFT_OVER = 64 * 1024**2
#: For the copies of config files, the job's and the run's own notes.
_NOTES = 16 * 1024**2
_UNIT = 64 * 1024
_BLOCK = 4096


@dataclass(frozen=True)
class Use:
    """What one part of the run puts below a path."""

    path: str
    bytes: int
    files: int
    what: str


def uses_of(
    archives: Mapping[str, Archive], working_directory: str, unit_path: str, staged: Mapping[str, int]
) -> tuple[Use, ...]:
    """All that is still to be written.

    `archives` are given by set; `staged` is how many bytes of a set are there already, or need no room.
    """
    folder = f"{working_directory}/.loomtui"
    parts = [
        Use(
            folder,
            max(0, archive.unpacked_bytes + archive.file_count * _BLOCK - staged.get(name, 0)),
            archive.file_count,
            f"{name} in {archive.file_count:,} files" + ("" if archive.is_known else " by estimate"),
        )
        for name, archive in archives.items()
    ]
    parts.append(Use(folder, _NOTES, 100, "kept copies"))
    parts.append(Use(posixpath.dirname(unit_path), _UNIT, 10, "the hold and the unit"))
    return tuple(parts)


def shortages(uses: Sequence[Use], systems: Mapping[str, FileSystem]) -> tuple[Shortage, ...]:
    """Each file system that is too small, with numbers.

    `systems` are given by the path of a use.
    """
    found = []
    for device in dict.fromkeys(system.device for system in systems.values()):
        here = [use for use in uses if use.path in systems and systems[use.path].device == device]
        if not here:
            continue
        system = systems[here[0].path]
        need = sum(use.bytes for use in here) + LEFT_OVER
        files = sum(use.files for use in here)
        folders = tuple(dict.fromkeys(use.path for use in here))
        if need > system.free_bytes:
            what = [*(f"{use.what} {size(use.bytes)}" for use in here), f"to be left over {size(LEFT_OVER)}"]
            found.append(Shortage(folders, RoomUnit.BYTES, system.free_bytes, need, ", ".join(what)))
        if system.free_files is not None and files > system.free_files:
            found.append(Shortage(folders, RoomUnit.FILES, system.free_files, files))
    return tuple(found)


def with_freed(
    systems: Mapping[str, FileSystem], path: str, freed_bytes: int, freed_files: int
) -> dict[str, FileSystem]:
    """The same file systems once so much is deleted on the one of this path."""
    if path not in systems:
        return dict(systems)
    device = systems[path].device

    def freed(system: FileSystem) -> FileSystem:
        files = None if system.free_files is None else system.free_files + freed_files
        return replace(system, free_bytes=system.free_bytes + freed_bytes, free_files=files)

    return {place: freed(system) if system.device == device else system for place, system in systems.items()}
