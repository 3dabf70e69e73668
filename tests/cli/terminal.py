"""A terminal with `loomtui` in it and somebody who types."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cli.conftest import ROOT, command

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]|\x1b.")
#: The begin of a sequence whose rest has not come yet.
_CUT_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07]*|[()]?)\Z")
# A new session has no terminal of its own until it takes one; then ctrl+c is a signal.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """`shown` is all that was written so far, without escape sequences; `raw` is it with them."""

    def __init__(
        self,
        *args: str,
        env: Mapping[str, str],
        cwd: Path,
        program: Sequence[str] | None = None,
        size: tuple[int, int] = (80, 24),
    ) -> None:
        """Starts `loomtui` with the arguments, or another program."""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *(program or command(*args))],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **env},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.raw = bytearray()
        self.shown = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cut = ""  # what was read of a sequence that is not whole yet
        self._seen = 0  # characters of `shown` that were waited for

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._read(time.monotonic() + 30, None)  # who does not read on holds up who still writes
            self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):  # hung up already
            os.close(self._master)

    def expect(self, *texts: str, seconds: float = 180) -> None:
        """Waits until all of these are shown, in any order, after all that was waited for before."""
        deadline, end = time.monotonic() + seconds, self._seen
        for text in texts:
            self._read(deadline, text)
            place = self.shown.find(text, self._seen)
            assert place >= 0, f"{text!r} is not in:\n{self.shown[self._seen :]}"
            end = max(end, place + len(text))
        self._seen = end

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def hang_up(self, seconds: float = 120) -> int:
        """Closes the window, loses the connection; gives the exit status of the program."""
        os.close(self._master)
        return self._process.wait(seconds)

    def end(self, seconds: float = 180) -> int:
        """Waits until the program has ended; gives its exit status."""
        self._read(time.monotonic() + seconds, None)
        return self._process.wait(10)

    def _read(self, deadline: float, until: str | None) -> None:
        while (until is None or self.shown.find(until, self._seen) < 0) and time.monotonic() < deadline:
            ready, _, _ = select.select([self._master], [], [], 0.2)
            if not ready:
                if self._process.poll() is not None:
                    return
                continue
            try:
                chunk = os.read(self._master, 65536)
            except OSError:  # Linux says EIO when the other end is closed
                return
            self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        self.raw += chunk
        text = self._cut + self._decoder.decode(chunk)
        cut = _CUT_ESCAPE.search(text)
        whole = text[: cut.start()] if cut else text
        self._cut = text[len(whole) :]
        self.shown += _ESCAPES.sub("", whole)
