"""What a call of a program costs: CPU of it and all that it started, and time."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claims import Unavailable

_SECONDS = 600.0


def as_installed(folder: Path) -> dict[str, str]:
    """An environment in which Python keeps what it compiled, below this folder.

    What pip installs is compiled; a checkout may not be, and then the compiler is measured.
    """
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


@dataclass(frozen=True)
class Spent:
    cpu_seconds: float  # user and system
    seconds: float
    output: str


class FailedError(Unavailable):
    """A side of a comparison did not do its work, so there is nothing to compare."""


def spent(
    command: Sequence[str],
    *,
    given: str = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    seconds: float = _SECONDS,
) -> Spent:
    """Runs it with `given` as standard input.

    Processes that it left behind are not counted. Nothing else that this process started may end meanwhile.

    Raises:
        FailedError: Its exit status is not 0, or it did not end within so many seconds.
    """
    before, began = _children(), time.perf_counter()
    try:
        done = subprocess.run(
            list(command),
            input=given.encode(),
            capture_output=True,
            env=environment,
            cwd=folder,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise FailedError(f"{command[0]} did not end within {seconds:g} s") from None
    took = time.perf_counter() - began
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip()[-1000:]
        raise FailedError(f"{command[0]} ended with {done.returncode}: {last}")
    return Spent(_children() - before, took, done.stdout.decode("utf-8", "replace"))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
