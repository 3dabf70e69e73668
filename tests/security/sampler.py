"""Command lines and environments of processes, noted all the time while something goes on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_LOOKS = 8  # at one process, which becomes another program early in its life
_EVERY_SECONDS = 0.01


@dataclass(frozen=True)
class Seen:
    command: bytes  # as in /proc: arguments end with NUL
    environment: bytes

    @property
    def text(self) -> bytes:
        return self.command + b"\0" + self.environment


class Sampler(threading.Thread):
    """Looks at every process of this machine for which `counts` says yes, again and again.

    `counts` is called with the process's folder in /proc and its environment; it may raise OSError.
    """

    def __init__(self, counts: Callable[[Path, bytes], bool]) -> None:
        super().__init__(daemon=True)
        self._counts = counts
        self._over = threading.Event()
        self._times: dict[str, int] = {}  # of those that live
        self.seen: set[Seen] = set()

    def run(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            numbers = filter(str.isdigit, os.listdir("/proc"))  # noqa: PTH208 - far quicker than a Path each
            self._times = {number: self._times.get(number, 0) + 1 for number in numbers}
            for number in [number for number, times in self._times.items() if times <= _LOOKS]:
                self._look(Path("/proc", number))

    def _look(self, process: Path) -> None:
        try:
            environment = (process / "environ").read_bytes()
            if self._counts(process, environment):
                self.seen.add(Seen((process / "cmdline").read_bytes(), environment))
        except OSError:
            return  # it has ended

    def __enter__(self) -> Sampler:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()
