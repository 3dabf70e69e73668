"""A terminal that goes takes the screens and their practice cluster with it: nothing is left running."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

_SECONDS = 40


@pytest.mark.slow
@pytest.mark.parametrize("choice", [(), ("--scenario", "clean-restore")], ids=["choosing", "playing"])
def test_screens_end_when_their_terminal_is_gone(home: Path, choice: tuple[str, ...]) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "loomtui", "drill", "--nodes", "1", *choice],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "TMPDIR": str(home)},
        start_new_session=True,  # without a controlling terminal nobody sends a SIGHUP
    )
    os.close(theirs)
    try:
        _read_until(ours, b"\x1b[?1049h")  # the screens have taken the terminal
        os.close(ours)
        assert process.wait(_SECONDS) == 129
        deadline = time.monotonic() + _SECONDS
        while (leftovers := list(home.glob("loomtui-drill-*"))) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not leftovers
    finally:
        process.kill()
        process.wait()


def _read_until(descriptor: int, sign: bytes) -> None:
    output = b""
    deadline = time.monotonic() + _SECONDS
    while sign not in output:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, output
        output += os.read(descriptor, 65536)
