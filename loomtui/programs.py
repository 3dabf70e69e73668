"""Runs a program of this machine: without a shell, with an end in time, and with bounds on what it says.

It has a session of its own, so that nothing in it asks at the operator's terminal, and so that all of it can
be ended.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

_LONGEST_COMPLAINT = 20_000  # bytes
_CHUNK = 65_536  # bytes
#: How long the end of what was killed is waited for: a process may hang in the kernel.
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Ended:
    """How a program ended, with the first bytes of what it said."""

    status: int | None  # None: it was ended, because it took too long or said too much
    said: bytes
    complained: bytes  # on standard error


@dataclass
class _Kept:
    most: int
    kept: bytearray = field(default_factory=bytearray)
    more: bool = False  # was said than is kept

    def take(self, chunk: bytes) -> None:
        room = self.most - len(self.kept)
        self.kept += chunk[:room]
        self.more = self.more or len(chunk) > room


#: What runs now, and how many seconds it may go on when loomtui ends before it.
_under_way: dict[subprocess.Popen[bytes], float] = {}
_starting = threading.Lock()  # held from a program's start until it is listed


@atexit.register
def _end_all() -> None:
    """Nothing outlives loomtui, whose threads would have ended it."""
    with _starting:
        listed = tuple(_under_way.items())
    for process, seconds in listed:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_SECONDS)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_program(
    words: Sequence[str], seconds: float, *, stdin: bytes = b"", most: int = 0, last_seconds: float = 0.0
) -> Ended:
    """Runs it to its end, or ends it after `seconds` with all of its process group.

    `most` bytes may be said on standard output: what says more is ended; with 0 it goes nowhere. Of standard
    error the beginning is kept. What the program leaves running is not waited for. If loomtui ends meanwhile,
    the program is given `last_seconds` more. Blocks. Raises OSError, ValueError: it cannot be started.
    """
    with contextlib.ExitStack() as open_files:
        source: IO[bytes] | int = subprocess.DEVNULL
        if stdin:  # a file, so that nobody waits for a program that does not read
            source = open_files.enter_context(tempfile.TemporaryFile())
            source.write(stdin)
            source.seek(0)
        with _starting:
            process = subprocess.Popen(
                words,
                stdin=source,
                stdout=subprocess.PIPE if most else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            _under_way[process] = last_seconds
        open_files.callback(_under_way.pop, process)
        outputs: dict[int, _Kept] = {}
        for stream, limit in ((process.stdout, most), (process.stderr, _LONGEST_COMPLAINT)):
            if stream is not None:
                os.set_blocking(open_files.enter_context(stream).fileno(), False)
                outputs[stream.fileno()] = _Kept(limit)
        is_over = open_files.enter_context(open(_end_of(process), "rb", closefd=True))
        in_time = _follow(process, outputs, is_over.fileno(), seconds)
    said = bytes(next(iter(outputs.values())).kept) if most else b""
    complained = bytes([*outputs.values()][-1].kept)
    return Ended(process.poll() if in_time else None, said, complained)


def run_at_terminal(words: Sequence[str], seconds: float) -> int | None:
    """Runs a program that may ask the person at the terminal, such as for a passphrase. None: it took longer.

    Blocks. Raises OSError, ValueError: it cannot be started.
    """
    try:
        return subprocess.run(words, stdout=subprocess.DEVNULL, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        return None


def _end_of(process: subprocess.Popen[bytes]) -> int:
    """A descriptor that is readable when the process has ended."""
    told, ours = os.pipe()

    def wait() -> None:
        process.wait()
        os.close(ours)

    threading.Thread(target=wait, name="program", daemon=True).start()
    return told


def _follow(
    process: subprocess.Popen[bytes], outputs: dict[int, _Kept], is_over: int, seconds: float
) -> bool:
    """Takes what is said until the process has ended. False: it had to be ended."""
    deadline = time.monotonic() + seconds
    in_time = True
    with selectors.DefaultSelector() as selector:
        for descriptor in (*outputs, is_over):
            selector.register(descriptor, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select(max(0.0, deadline - time.monotonic()))}
            for descriptor in ready & outputs.keys():
                if not _take(descriptor, outputs[descriptor]):
                    selector.unregister(descriptor)
            if is_over in ready:
                for descriptor, kept in outputs.items():
                    while not kept.more and _take(descriptor, kept):
                        pass
                return in_time and not _says_too_much(process, outputs)
            if not in_time and not ready:
                return False
            if in_time and (not ready or _says_too_much(process, outputs)):
                in_time, deadline = False, time.monotonic() + _GRACE_SECONDS
                _kill(process)


def _says_too_much(process: subprocess.Popen[bytes], outputs: dict[int, _Kept]) -> bool:
    return process.stdout is not None and outputs[process.stdout.fileno()].more


def _take(descriptor: int, kept: _Kept) -> bool:
    """False: there is nothing more for now, or for ever."""
    try:
        chunk = os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return False
    kept.take(chunk)
    return bool(chunk)
