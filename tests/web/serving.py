"""`loomtui serve` in a process of its own, and who is there because of it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, urlsplit

from tests.cli.conftest import ROOT, command

_SECONDS = 60


@dataclass(frozen=True)
class Served:
    """`url`: what it printed for a browser."""

    url: str
    process: subprocess.Popen[str] = field(repr=False)
    _said: IO[bytes] = field(repr=False)

    @property
    def base(self) -> str:
        return self.url.partition("/?")[0]

    @property
    def token(self) -> str:
        (token,) = parse_qs(urlsplit(self.url).query)["token"]
        return token

    @property
    def said(self) -> str:
        """Standard error so far."""
        self._said.seek(0)
        return self._said.read().decode()

    @property
    def viewers(self) -> list[int]:
        """The processes whose screens its browsers see."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children if b"\0served\0" in _read(child, "cmdline")]

    def told_of(self, viewer: int) -> bytes:
        """What every user of the machine, or this one, can see of a process."""
        return _read(str(viewer), "cmdline") + _read(str(viewer), "environ")

    def end(self, number: signal.Signals) -> int:
        """Its exit status."""
        self.process.send_signal(number)
        return self.process.wait(_SECONDS)


def _read(process: str, name: str) -> bytes:
    return Path(f"/proc/{process}/{name}").read_bytes()


def is_gone(process: int) -> bool:
    """Waits for it. `process`: a descriptor of pidfd_open(2), which is closed."""
    gone = select.select([process], [], [], _SECONDS)[0]
    os.close(process)
    return bool(gone)


@contextmanager
def serving(*args: str, env: Mapping[str, str], cwd: Path) -> Iterator[Served]:
    """Begins when it has printed its address."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command("serve", "--port", "0"), *args],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline() if select.select([process.stdout], [], [], _SECONDS)[0] else ""
            served = Served(line.strip(), process, said)
            assert re.fullmatch(r"http://.+:\d+/\?token=[\w-]{43}\n", line), served.said
            yield served
            assert "Traceback" not in served.said
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=_SECONDS)
