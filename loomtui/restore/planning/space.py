"""Counts the room that a run needs on a node's disks, for each file system. Pure.

An archive is unpacked while it arrives, so it needs no room itself. What it replaces is moved, so that needs
none either. Only the unpacked files, the copies of config files, and the hold beside the unit are new.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loomtui.fleet.probes.places import FileSystem as FileSystem
from loomtui.restore.plan import Archive

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

    `archives` are given by set; `staged` is how many bytes of a set are there already.
    """
    folder = f"{working_directory}/.loomtui"
    parts = [
        Use(
            folder,
            max(0, archive.unpacked_bytes + archive.file_count * _BLOCK - staged.get(name, 0)),
            archive.file_count,
            f"{name} in {archive.file_count:,} files",
        )
        for name, archive in archives.items()
    ]
    parts.append(Use(folder, _NOTES, 100, "kept copies"))
    parts.append(Use(posixpath.dirname(unit_path), _UNIT, 10, "the hold and the unit"))
    return tuple(parts)


def shortages(uses: Sequence[Use], systems: Mapping[str, FileSystem]) -> tuple[str, ...]:
    """A sentence with numbers for each file system that is too small.

    `systems` are given by the path of a use.
    """
    sentences = []
    for device in dict.fromkeys(system.device for system in systems.values()):
        here = [use for use in uses if use.path in systems and systems[use.path].device == device]
        if not here:
            continue
        system = systems[here[0].path]
        need = sum(use.bytes for use in here)
        files = sum(use.files for use in here)
        where = " and ".join(dict.fromkeys(use.path for use in here))
        what = ", ".join(f"{use.what} {use.bytes:,}" for use in here)
        if need + LEFT_OVER > system.free_bytes:
            sentences.append(
                f"not enough room in {where}: {system.free_bytes:,} bytes free, {need + LEFT_OVER:,} needed "
                f"({what}, to be left over {LEFT_OVER:,})"
            )
        if system.free_files is not None and files > system.free_files:
            sentences.append(
                f"not enough room in {where}: {files:,} files to be made, "
                f"{system.free_files:,} possible (inodes)"
            )
    return tuple(sentences)
