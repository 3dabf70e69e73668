"""Keeps a text as a file that only its owner can read, and never writes over another file."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from platformdirs import user_state_path

from loomtui.errors import CallError

_TRIES = 100


def save_text(stem: str, suffix: str, text: str, time: datetime) -> Path:
    """Writes `loomtui-STEM-TIME.SUFFIX`, mode 0600, where loomtui was started, or else in its state folder.

    Raises CallError if neither can be written.
    """
    name = f"loomtui-{stem}-{time:%Y%m%d-%H%M%S}"
    problem: OSError | None = None
    for folder in (Path.cwd(), user_state_path("loomtui") / "saved"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return _write(folder, name, suffix, text)
        except OSError as error:
            problem = error
    raise CallError(f"the file {name}.{suffix} cannot be written: {problem.strerror if problem else ''}")


def _write(folder: Path, name: str, suffix: str, text: str) -> Path:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    for number in range(_TRIES):
        path = folder / (f"{name}.{suffix}" if not number else f"{name}-{number}.{suffix}")
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileExistsError:
            continue
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path
    raise FileExistsError(17, "there are too many files of this name", name)
