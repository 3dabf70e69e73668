"""Folders for their owner's eyes alone, whatever the umask says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_private(folder: Path) -> None:
    """Makes the folder and all above it that are missing, each with mode 0700. Raises OSError.

    `Path.mkdir(parents=True, mode=…)` gives its mode to the last folder alone.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
