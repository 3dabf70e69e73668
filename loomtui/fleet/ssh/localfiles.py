"""Reads the operator's own files of SSH. Whoever reads a pipe waits for its writer, perhaps for ever."""

from __future__ import annotations

import stat
from pathlib import Path


def read_file(path: Path, most: int | None = None) -> bytes:
    """What the file holds. Raises OSError, also for a pipe or a folder, and for more than `most` bytes."""
    mode = path.stat().st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISDIR(mode):
        raise OSError("it is no file")
    with path.open("rb") as stream:
        content = stream.read() if most is None else stream.read(most + 1)
    if most is not None and len(content) > most:
        raise OSError(f"it is larger than {most:,} bytes")
    return content
